import { setMaxListeners } from 'node:events';
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { oneLine } from '../domain/text.ts';
import type { Caller, ReadContext, RecordContext } from './context.ts';
import type { ServerDeps } from './deps.ts';

/** What matters here of what a client says that it can do. */
export interface ClientSays {
  elicitation?: { form?: unknown; url?: unknown };
  extensions?: Record<string, unknown>;
}

/** New clients say it in each request, older ones at `initialize`. */
export const clientSays = (server: McpServer, ctx: ServerContext): ClientSays | undefined =>
  ((ctx.mcpReq.envelope as Record<string, unknown> | undefined)?.[CLIENT_CAPABILITIES_META_KEY] ??
    server.server.getClientCapabilities()) as ClientSays | undefined;

/** Who calls and whether that client can show a form. */
export function callerOf(server: McpServer, ctx: ServerContext): Caller {
  const envelope = ctx.mcpReq.envelope as Record<string, unknown> | undefined;
  const info = (envelope?.[CLIENT_INFO_META_KEY] ?? server.server.getClientVersion()) as
    | { name?: string; version?: string }
    | undefined;
  const elicitation = clientSays(server, ctx)?.elicitation;
  const name = oneLine(`${info?.name ?? 'unknown client'} ${info?.version ?? ''}`.trim(), 80);
  return {
    name,
    can_ask: elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined),
    can_open: elicitation?.url !== undefined,
  };
}

/** Progress of this request; silent where the client gave no token. */
export function progressOf(ctx: ServerContext): (message: string, progress?: number) => void {
  const token = ctx.mcpReq._meta?.progressToken;
  if (token === undefined) return () => {};
  let step = 0;
  return (message) => {
    step += 1;
    ctx.mcpReq
      .notify({ method: 'notifications/progress', params: { progressToken: token, progress: step, message } })
      // A client that went away must not stop the work that reports.
      .catch(() => {});
  };
}

/** Sources that one call reads at once listen for its cancellation; Node warns from 11 on. */
const LISTENERS = 200;

/** For work that nobody can cancel; the sources listen to it all the same. */
function ownSignal(): AbortSignal {
  const { signal } = new AbortController();
  setMaxListeners(LISTENERS, signal);
  return signal;
}

export function readContext(deps: ServerDeps, server: McpServer, ctx: ServerContext): ReadContext {
  setMaxListeners(LISTENERS, ctx.mcpReq.signal);
  return {
    config: deps.config,
    clock: deps.clock,
    caller: callerOf(server, ctx),
    signal: ctx.mcpReq.signal,
    record: deps.store,
    runbooks: deps.runbooks,
    environment: (name) => deps.environment(name),
    approvalPage: async (approval) => (await deps.approvalPage?.(approval)) ?? null,
    progress: progressOf(ctx),
  };
}

/** A context for work that nobody waits for: reconciliation at start, captures after an answer. */
export function systemContext(deps: ServerDeps): ReadContext {
  return {
    config: deps.config,
    clock: deps.clock,
    caller: { name: 'incident-mcp', can_ask: false },
    signal: ownSignal(),
    record: deps.store,
    runbooks: deps.runbooks,
    environment: (name) => deps.environment(name),
    progress: () => {},
  };
}

export function recordContext(deps: ServerDeps, read: ReadContext, answer?: unknown): RecordContext {
  const context: RecordContext = {
    ...read,
    answer,
    secretId: async () => (await deps.gate.secretId?.()) ?? null,
    store: deps.store,
    notify: (notice) => deps.notify(notice),
    background: (name, work) => {
      const later = { ...context, signal: ownSignal(), progress: () => {} };
      deps.work
        .track(work(later))
        .catch((error: unknown) => deps.gate.warn(`background work failed: ${name}`, { error: String(error) }));
    },
  };
  return context;
}
