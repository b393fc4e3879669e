import {
  type CallToolResult,
  createRequestStateCodec,
  type InputRequiredResult,
  inputRequired,
  type McpServer,
  type ServerContext,
  type Tool,
} from '@modelcontextprotocol/server';
import { argumentsHash } from '../domain/digest.ts';
import { toInstant } from '../domain/instant.ts';
import { oneLine } from '../domain/text.ts';
import { forbidden, notFound } from '../errors.ts';
import { answer, failure } from './answer.ts';
import { hasCard, showsCards, withCard } from './card.ts';
import type { ReadContext } from './context.ts';
import type { ServerDeps } from './deps.ts';
import {
  approvalForm,
  FORM,
  type FormState,
  formState,
  openMessage,
  type QuestionState,
  questionState,
} from './gate/form.ts';
import { callGated } from './gate/gate.ts';
import { gateOutput } from './gate/result.ts';
import { renderGate } from './gate/words.ts';
import { lineOfState, openIncidents } from './incidents.ts';
import { clientSays, progressOf, readContext, recordContext } from './request.ts';
import type { AnyGatedTool, AnyReadTool, AnyRecordTool, AnyTool } from './tool.ts';
import { validateArguments } from './validate.ts';
import { toWire } from './wire.ts';

/** How long a form may stay open beyond its plan, so that a late answer meets "expired" and not a protocol error. */
const STATE_GRACE_S = 3_600;

export const stateCodec = (deps: Pick<ServerDeps, 'config' | 'state_key'>) =>
  createRequestStateCodec<FormState | QuestionState>({
    key: deps.state_key,
    ttlSeconds: Math.ceil(deps.config.approval.lifetime / 1000) + STATE_GRACE_S,
  });

/** One call of one tool, checked, with all that it takes to answer it. */
interface Call {
  args: Record<string, unknown>;
  context: ReadContext;
  ctx: ServerContext;
  deps: ServerDeps;
  codec: ReturnType<typeof stateCodec>;
}

/** `tools/list` and `tools/call`: one place lists, checks, runs and formats; no tool is named here. */
export function serveTools(server: McpServer, deps: ServerDeps): void {
  let wire: { plain: Tool; shown: Tool }[] | null = null;
  const codec = stateCodec(deps);

  server.server.setRequestHandler('tools/list', async (_request, ctx) => {
    wire ??= offered(await deps.tools(), deps).map((tool) => {
      const plain = toWire(tool);
      return { plain, shown: hasCard(tool) ? withCard(plain) : plain };
    });
    const cards = showsCards(clientSays(server, ctx));
    return { tools: wire.map(({ plain, shown }) => (cards ? shown : plain)) };
  });

  server.server.setRequestHandler('tools/call', async (request, ctx): Promise<CallToolResult | InputRequiredResult> => {
    deps.heartbeats.answered(ctx.mcpReq.id);
    try {
      const tool = findTool(await deps.tools(), request.params.name, deps);
      const args = validateArguments(tool, request.params.arguments);
      const call: Call = { args, context: readContext(deps, server, ctx), ctx, deps, codec };
      if (tool.effect === 'gated') return await gated(tool, call);
      if (tool.effect === 'record' && tool.gate?.applies(args)) return await escalated(tool, tool.gate, call);
      if (tool.effect === 'record' && tool.question) return await questioned(tool, tool.question, call);
      return await plain(tool, call);
    } catch (error) {
      if (!(error instanceof Error && error.name === 'AppError')) {
        deps.gate.warn('a tool failed unexpectedly', {
          tool: request.params.name,
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        });
      }
      return failure(error);
    }
  });
}

const offered = (tools: readonly AnyTool[], deps: ServerDeps): AnyTool[] =>
  tools.filter((tool) => !deps.read_only || tool.effect === 'read');

function findTool(tools: readonly AnyTool[], name: string, deps: ServerDeps): AnyTool {
  const tool = tools.find((candidate) => candidate.name === name);
  const names = offered(tools, deps).map((t) => t.name);
  if (!tool) throw notFound(`there is no tool "${oneLine(name, 60)}".`, `use one of: ${names.join(', ')}.`);
  if (deps.read_only && tool.effect !== 'read') {
    throw forbidden(
      `this server runs read-only, ${name} is not available.`,
      'start it without --read-only, or use only the reading tools.',
    );
  }
  return tool;
}

async function plain(
  tool: AnyReadTool | AnyRecordTool,
  { args, context, deps }: Call,
  reply?: unknown,
): Promise<CallToolResult> {
  const raw =
    tool.effect === 'read'
      ? await tool.handle(args, context)
      : await deps.work.track(tool.handle(args, recordContext(deps, context, reply)));
  const result = tool.output.parse(raw) as Record<string, unknown>;
  const named = tool.incidentOf?.(result) ?? (args.incident_id as string | undefined) ?? null;
  return answer(result, tool.render(result, context), await stateOf(context, named));
}

/** Asks the client's user first, where the client can; an answer counts only with the server's own state for this very call. */
async function questioned(
  tool: AnyRecordTool,
  ask: NonNullable<AnyRecordTool['question']>,
  call: Call,
): Promise<CallToolResult | InputRequiredResult> {
  const { args, context, ctx, codec } = call;
  const question = context.caller.can_ask ? await ask(args, context) : null;
  if (!question) return plain(tool, call);
  // The words of the question name what it is about: an answer to another question, or about another incident, is none to this one.
  const asked = argumentsHash(tool.name, { ...args, question: question.message });
  const state = questionState.safeParse(ctx.mcpReq.requestState<unknown>());
  if (state.success && state.data.question === asked) {
    return plain(tool, call, ctx.mcpReq.inputResponses?.[FORM]);
  }
  return inputRequired({
    inputRequests: { [FORM]: inputRequired.elicit(question) },
    requestState: await codec.mint({ question: asked }, ctx),
  });
}

async function gated(tool: AnyGatedTool, call: Call): Promise<CallToolResult | InputRequiredResult> {
  const { args, context, ctx, deps, codec } = call;
  const state = formState.safeParse(ctx.mcpReq.requestState<unknown>());
  const reply = await deps.work.track(
    callGated(
      tool,
      args,
      // An answer without the server's own sealed state is not an answer: it is dropped, and the human is asked.
      {
        state: state.success ? state.data : null,
        response: state.success ? ctx.mcpReq.inputResponses?.[FORM] : undefined,
      },
      context,
      deps.gate,
    ),
  );
  if (reply.kind === 'result') {
    const text = renderGate(reply.result);
    return answer(reply.result, text, await stateOf(context, reply.result.incident_id));
  }
  const { approval } = reply;
  const progress = progressOf(ctx);
  progress(`${approval.approval_id}: waiting for a human to decide`);
  deps.heartbeats.start(
    ctx.mcpReq.id,
    `${approval.approval_id}: waiting for a human to decide`,
    (_n, message) => progress(message),
    Date.parse(approval.expires_at) - context.clock.now().getTime(),
  );
  return inputRequired({
    inputRequests: {
      [FORM]:
        reply.kind === 'ask'
          ? inputRequired.elicit(approvalForm(approval))
          : inputRequired.elicitUrl({ message: openMessage(approval), url: reply.url }),
    },
    requestState: await codec.mint(
      {
        approval_id: approval.approval_id,
        digest: approval.plan.digest,
        way: reply.kind === 'ask' ? ('form' as const) : ('page' as const),
      },
      ctx,
    ),
  });
}

/** A record tool's call that a human must approve: the gate decides, the tool's own output tells. */
async function escalated(
  tool: AnyRecordTool,
  gate: NonNullable<AnyRecordTool['gate']>,
  call: Call,
): Promise<CallToolResult | InputRequiredResult> {
  const { args, context } = call;
  const reply = await gated(gate.tool, call);
  if (!('structuredContent' in reply) || reply.structuredContent === undefined) return reply;
  const passed = gateOutput.parse(reply.structuredContent);
  const result = tool.output.parse(gate.result(passed, args, toInstant(context.clock.now()))) as Record<
    string,
    unknown
  >;
  return answer(result, tool.render(result, context), await stateOf(context, passed.incident_id));
}

/** The line of state of the incident that a result belongs to: the one it names, else the newest open one. */
async function stateOf(context: ReadContext, named: string | null): Promise<string | null> {
  try {
    const incident = named ? await context.record.incident(named) : (await openIncidents(context))[0];
    if (!incident) return null;
    return lineOfState(context, incident);
  } catch {
    // A damaged record must not hide the answer of a tool that does not need it.
    return null;
  }
}
