import type { Approval, Way } from '../../domain/approval.ts';
import { digestOf } from '../../domain/digest.ts';
import { toInstant } from '../../domain/instant.ts';
import { maskText } from '../../domain/mask.ts';
import type { Draft } from '../../domain/plan.ts';
import { AppError, conflict } from '../../errors.ts';
import { approversWanted, STRONG, waysFor } from '../../policy/approval-policy.ts';
import { approversOf, expireIfDue, takesForm } from '../../policy/approval-state.ts';
import type { ReadContext } from '../context.ts';
import { incidentForAct } from '../incidents.ts';
import type { AnyGatedTool } from '../tool.ts';
import { currentApproval, recordDecision, recordDecline } from './decide.ts';
import { appendTo, type GateDeps } from './deps.ts';
import { decidingHash, execute } from './execute.ts';
import { type FormState, readAnswer } from './form.ts';
import { isOrphaned, reconcile } from './reconcile.ts';
import { type GateResult, gateResult, meansOf } from './result.ts';
import { commandLine, planTitle } from './words.ts';

/** What a gated call brought with it beside its arguments. */
export interface Answer {
  /** Verified state of the form; null on a first call. */
  state: FormState | null;
  /** What the client sent for the form; untrusted. */
  response: unknown;
}

export type GateReply =
  | { kind: 'ask'; approval: Approval }
  /** The client is to open the approval page for its user. */
  | { kind: 'open'; approval: Approval; url: string }
  | { kind: 'result'; result: GateResult };

/** Where the call stands, before it is put into the words of a result. */
type Step = Exclude<GateReply, { kind: 'result' }> | { kind: 'say'; approval: Approval; message: string };

const say = (approval: Approval, message: string): Step => ({ kind: 'say', approval, message });

/** How long a call waits for a decision on the page before it answers; clients give up a call after 60 s. */
const PAGE_WAIT_MS = 45_000;
const PAGE_LOOK_MS = 400;

/**
 * The one gate: no gated tool runs but through here. A call makes a plan (or finds the one it names), lets a human decide,
 * and runs exactly that plan once, or nothing.
 */
export async function callGated(
  tool: AnyGatedTool,
  args: Record<string, unknown>,
  answer: Answer,
  context: ReadContext,
  deps: GateDeps,
): Promise<GateReply> {
  const step = await nextStep(tool, args, answer, context, deps);
  if (step.kind !== 'say') return step;
  return {
    kind: 'result',
    result: gateResult(step.approval, step.message, await meansOf(context, step.approval)),
  };
}

async function nextStep(
  tool: AnyGatedTool,
  args: Record<string, unknown>,
  answer: Answer,
  context: ReadContext,
  deps: GateDeps,
): Promise<Step> {
  if (answer.state) return afterForm(tool, args, answer.state, answer.response, context, deps);
  const named = args.approval_id as string | undefined;
  const approval = named ? await addressed(named, tool, args, context, deps) : await planned(tool, args, context, deps);
  return proceed(tool, args, approval, context, deps, true);
}

/** The approval that the call names: it must be one of this tool, these arguments, this incident. */
async function addressed(
  id: string,
  tool: AnyGatedTool,
  args: Record<string, unknown>,
  context: ReadContext,
  deps: GateDeps,
): Promise<Approval> {
  const approval = await currentApproval(deps, id);
  mustMatch(approval, tool, args);
  return (await isOrphaned(approval, deps)) ? reconcile(approval, tool, context, deps) : approval;
}

function mustMatch(approval: Approval, tool: AnyGatedTool, args: Record<string, unknown>): void {
  const id = approval.approval_id;
  if (approval.tool !== tool.name) {
    throw conflict(
      `${id} is a plan of ${approval.tool}, not of ${tool.name}; nothing was run.`,
      `call ${approval.tool} with it, or leave approval_id away for a new plan.`,
    );
  }
  if (approval.arguments_hash !== decidingHash(tool.name, args)) {
    throw conflict(
      `the arguments are not those that ${id} was planned for; nothing was run.`,
      'repeat the arguments of the plan exactly, or leave approval_id away for a new plan.',
    );
  }
  if (args.incident_id !== undefined && args.incident_id !== approval.incident_id) {
    throw conflict(
      `${id} belongs to ${approval.incident_id ?? 'no incident'}, not to ${String(args.incident_id)}; nothing was run.`,
      'leave incident_id away, or make a new plan for that incident.',
    );
  }
}

/** Makes the plan, or finds the open one that is exactly this: a retry must not pile up plans. */
async function planned(
  tool: AnyGatedTool,
  args: Record<string, unknown>,
  context: ReadContext,
  deps: GateDeps,
): Promise<Approval> {
  const draft = await tool.plan(args, context);
  const digest = digestOf(draft);
  const hash = decidingHash(tool.name, args);
  const incident = await incidentForAct(context, args.incident_id as string | undefined, draft.environment);
  const now = deps.clock.now();
  const same = (await deps.store.approvals({ limit: 100 })).find(
    (a) =>
      a.tool === tool.name &&
      a.arguments_hash === hash &&
      a.incident_id === (incident?.id ?? null) &&
      ['pending', 'approved', 'running'].includes(expireIfDue(a, now).status) &&
      (a.status === 'running' || (a.plan.digest === digest && (a.status === 'approved' || sameHazards(a.plan, draft)))),
  );
  if (same) return (await isOrphaned(same, deps)) ? reconcile(same, tool, context, deps) : same;
  return propose({ tool: tool.name, args, hash }, draft, digest, incident?.id ?? null, context, deps);
}

/** Figures of the moment, as in `(2 disruptions allowed now)`, are no new hazard. */
const OF_THE_MOMENT = / \([^()]* now\)/g;

/** What a human has not decided yet must be decided on the hazards of now: a plan that does not tell them is not shown again. */
const sameHazards = (open: Approval['plan'], now: Draft): boolean => {
  const words = ({ warnings, risk }: Pick<Draft, 'warnings' | 'risk'>): string =>
    [risk, ...warnings.filter((warning) => warning !== ALTERED)].join('\n').replace(OF_THE_MOMENT, '');
  return words(open) === words(now);
};

/** A secret in an argument must not get into the record. A plan whose deciding arguments hold one can then not be run by hand: its hash differs. */
const masked = (args: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(args).map(([key, value]) => [key, typeof value === 'string' ? maskText(value) : value]),
  );

const ALTERED =
  "the record of this incident was altered (incident-mcp verify tells where), so its severity is not known and the client's form does not suffice";
/** The strong ones of these ways; all strong ones where the form was the only way. */
const withoutForm = (ways: readonly Way[]): Way[] => {
  const strong = ways.filter((way) => way !== 'client_form');
  return strong.length > 0 ? strong : [...STRONG];
};
/** Whether policy asks for the severity of an incident whose chain does not hold: what other hands wrote must not soften it. */
async function softened(incidentId: string, context: ReadContext, deps: GateDeps): Promise<boolean> {
  if (context.config.approval.policy.every(({ severity }) => severity === undefined)) return false;
  return (await deps.store.verify(incidentId)).problems.length > 0;
}

async function propose(
  call: { tool: string; args: Record<string, unknown>; hash: string },
  draft: Draft,
  digest: string,
  incidentId: string | null,
  context: ReadContext,
  deps: GateDeps,
): Promise<Approval> {
  const environment = context.environment(draft.environment);
  const incident = incidentId ? await context.record.incident(incidentId) : null;
  const policy = waysFor(
    // The worst it ever was: a severity is lowered without any approval, and must not soften the one for a change.
    {
      action: draft.action,
      environment: draft.environment,
      risk: draft.risk,
      severity: incident?.severity_peak ?? null,
    },
    { protected: environment.config.protected },
    context.config.approval.policy,
    context.config.approval.lifetime,
  );
  const altered = incidentId !== null && (await softened(incidentId, context, deps));
  const now = deps.clock.now();
  const expires = toInstant(new Date(now.getTime() + policy.lifetime_ms));
  const { world, ...visible } = draft;
  const approval: Approval = {
    approval_id: deps.newApprovalId(),
    tool: call.tool,
    arguments_hash: call.hash,
    arguments: masked(call.args),
    incident_id: incidentId,
    plan: {
      ...visible,
      ...(altered ? { warnings: [...draft.warnings, ALTERED] } : {}),
      digest,
      expires_at: expires,
    },
    world,
    status: 'pending',
    ways: altered ? withoutForm(policy.ways) : policy.ways,
    approvers_needed: policy.approvers_needed,
    decisions: [],
    requested_by: context.caller.name,
    requested_for: context.config.operator,
    exclude_requester: policy.exclude_requester,
    proven_names: policy.proven_names,
    created_at: toInstant(now),
    expires_at: expires,
    secret_id: (await deps.secretId?.()) ?? null,
    passkeys: (await deps.passkeys?.()) ?? [],
    runner: null,
    outcome: null,
  };
  await deps.store.createApproval(approval);
  await appendTo(deps.store, incidentId, {
    kind: 'plan_proposed',
    message: `${approval.approval_id}: ${planTitle(approval.plan)} (${draft.risk} risk); command: ${commandLine(draft.command)}; reason: ${draft.reason}`,
    actor: { type: 'assistant', name: context.caller.name },
    approval_id: approval.approval_id,
    data: { digest, warnings: draft.warnings },
  });
  return approval;
}

/** What follows from where the approval stands. `mayAsk` is false right after a form, so that no loop of forms arises. */
async function proceed(
  tool: AnyGatedTool,
  args: Record<string, unknown>,
  approval: Approval,
  context: ReadContext,
  deps: GateDeps,
  mayAsk: boolean,
): Promise<Step> {
  const id = approval.approval_id;
  switch (approval.status) {
    case 'pending': {
      const form = takesForm(approval);
      if (form && mayAsk && context.caller.can_ask) return { kind: 'ask', approval };
      const page = mayAsk && context.caller.can_open ? await context.approvalPage?.(approval) : null;
      if (page) return { kind: 'open', approval, url: page };
      const missing = approval.approvers_needed - approversOf(approval);
      const count =
        approval.approvers_needed > 1 ? ` ${missing} more of ${approval.approvers_needed} people must approve.` : '';
      const wanted = approversWanted(approval);
      return say(
        approval,
        `nothing was run: a human must approve this plan first.${count} ${wanted === '' ? '' : `${wanted} `}${form ? '' : 'Policy asks for more than a form of the client here. '}Show the plan to the human, stop, and call ${tool.name} again with approval_id ${id} after the approval.`,
      );
    }
    case 'approved':
      return settled(await execute(tool, args, approval, context, deps), tool);
    default:
      return settled(approval, tool);
  }
}

function settled(approval: Approval, tool: AnyGatedTool): Step {
  const id = approval.approval_id;
  switch (approval.status) {
    case 'executed':
      return say(
        approval,
        'it ran once, as approved. Check the effect with get_system_health before telling anyone that it helped.',
      );
    case 'failed':
      return say(approval, 'it did not succeed. Read the outcome, look at get_system_health, and make a new plan.');
    case 'outcome_unknown':
      return say(
        approval,
        'it is not known what became of it. Look at check_recent_deploys and get_system_health before any new plan.',
      );
    case 'declined':
      return say(approval, 'declined; nothing was run. Ask the human what they would rather do.');
    case 'expired':
      return say(approval, `expired; nothing was run. Call ${tool.name} without approval_id for a new plan.`);
    case 'stale':
      return say(
        approval,
        `the world moved after the plan was made; nothing was run. Call ${tool.name} without approval_id for a new plan.`,
      );
    default:
      return say(approval, `it is being run by another call right now. Ask get_approval for ${id} in a few seconds.`);
  }
}

/** The approval once the page has decided it, or as it is when the wait is over; a client that did not open it is not waited for. */
async function decidedOnPage(
  approval: Approval,
  response: unknown,
  context: ReadContext,
  deps: GateDeps,
): Promise<Approval> {
  const opened =
    typeof response === 'object' && response !== null && 'action' in response && response.action === 'accept';
  const end = Date.now() + PAGE_WAIT_MS;
  let now = approval;
  while (opened && now.status === 'pending' && Date.now() < end && !context.signal.aborted) {
    context.progress(`${approval.approval_id}: waiting for a decision on the approval page`);
    await new Promise((wake) => setTimeout(wake, PAGE_LOOK_MS));
    now = await currentApproval(deps, approval.approval_id);
  }
  return now;
}

async function afterForm(
  tool: AnyGatedTool,
  args: Record<string, unknown>,
  state: FormState,
  response: unknown,
  context: ReadContext,
  deps: GateDeps,
): Promise<Step> {
  const approval = await currentApproval(deps, state.approval_id);
  mustMatch(approval, tool, args);
  const id = approval.approval_id;
  if (args.approval_id !== undefined && args.approval_id !== id) {
    throw conflict(
      `the form was for ${id}, the call is for ${String(args.approval_id)}; nothing was run.`,
      'call again without the form.',
    );
  }
  if (approval.plan.digest !== state.digest) {
    throw conflict(
      `the form does not belong to the present plan of ${id}; nothing was run.`,
      'call again for a new form.',
    );
  }
  if (approval.status !== 'pending') return proceed(tool, args, approval, context, deps, false);
  if (state.way === 'page') {
    // Opening an address decides nothing, and neither does declining to: only what the page recorded counts.
    return proceed(tool, args, await decidedOnPage(approval, response, context, deps), context, deps, false);
  }
  const verdict = readAnswer(response, approval);
  if (verdict.kind === 'unusable') {
    return say(
      approval,
      `nothing was run and nothing was decided: ${verdict.why}. The plan stays open until ${approval.expires_at}.`,
    );
  }
  if (verdict.kind === 'declined') return settled(await recordDecline(deps, id, context.caller.name), tool);
  try {
    const decided = await recordDecision(deps, id, {
      decision: verdict.kind,
      way: 'client_form',
      approver: verdict.approver,
      note: verdict.note,
    });
    return proceed(tool, args, decided, context, deps, false);
  } catch (error) {
    // Another way or another call decided in the meantime: answer with what now holds instead of failing the call.
    if (!(error instanceof AppError) || error.code !== 'CONFLICT') throw error;
    return proceed(tool, args, await currentApproval(deps, id), context, deps, false);
  }
}
