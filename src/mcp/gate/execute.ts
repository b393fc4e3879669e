import type { Approval, Outcome } from '../../domain/approval.ts';
import { argumentsHash, digestOf } from '../../domain/digest.ts';
import { toInstant } from '../../domain/instant.ts';
import { RISKS } from '../../domain/plan.ts';
import type { NewEvent } from '../../domain/timeline.ts';
import type { Figures } from '../../domain/verify.ts';
import { AppError, conflict, storeFailed } from '../../errors.ts';
import { consume, expireIfDue, finish, markStale } from '../../policy/approval-state.ts';
import { JOURNAL } from '../../ports/store.ts';
import type { ReadContext, RunResult } from '../context.ts';
import { measure } from '../figures.ts';
import type { AnyGatedTool } from '../tool.ts';
import { settleDecisions } from './decide.ts';
import { appendTo, type GateDeps, SYSTEM } from './deps.ts';
import { commandLine } from './words.ts';

/** Tries at writing an outcome after the command ran; the command cannot be taken back, so the record must catch up. */
const OUTCOME_TRIES = 6;
const OUTCOME_PAUSE_MS = 250;

/** Arguments that say why or for what, but not what will run: a retry may word them anew. */
const NOT_DECIDING = new Set(['reason', 'incident_id', 'approval_id']);
export const decidingHash = (tool: string, args: Record<string, unknown>): string =>
  argumentsHash(
    tool,
    Object.fromEntries(Object.entries(args).filter(([key, v]) => v !== undefined && !NOT_DECIDING.has(key))),
  );

/** A human who runs a plan without a client. */
export interface ByHand {
  person: string;
}

/**
 * Runs an approved plan once: looks again, consumes the approval in one atomic step, writes the intent, runs, writes the
 * outcome. From the consumption on neither a cancelled call nor a lost client stops it.
 */
export async function execute(
  tool: AnyGatedTool,
  args: Record<string, unknown>,
  approved: Approval,
  context: ReadContext,
  deps: GateDeps,
  byHand?: ByHand,
): Promise<Approval> {
  const id = approved.approval_id;
  context.progress(`${id}: looking again before running`);
  // The figures before the change are measured beside the second look: verify_mitigation compares with them later.
  const look = Promise.all([tool.plan(args, context), measure(context, approved.plan.environment).catch(() => null)]);
  const looked = await look.catch(async (error: unknown) => {
    // A call that was quicker may be changing the world under this look: then what it makes of the approval is the answer.
    const now = await deps.store.approval(id);
    if (now && now.status !== 'approved') return now;
    throw error;
  });
  if (!Array.isArray(looked)) return looked;
  const [draft, baseline] = looked;
  const digest = digestOf(draft);
  // Risk is no part of the digest, since it may fall by itself; what has become riskier is not what the human weighed.
  const riskier = RISKS.indexOf(draft.risk) > RISKS.indexOf(approved.plan.risk);
  if (digest !== approved.plan.digest || riskier) {
    const stale = await deps.store.updateApproval(id, (approval) =>
      approval.status === 'approved' ? markStale(approval) : approval,
    );
    if (stale.status === 'stale') {
      await appendTo(deps.store, stale.incident_id, {
        kind: 'approval_decided',
        message: riskier
          ? `${id} went stale: its risk rose from ${approved.plan.risk} to ${draft.risk}; nothing was run`
          : `${id} went stale: what would run is no longer what was approved; nothing was run`,
        actor: SYSTEM,
        approval_id: id,
      });
    }
    return stale;
  }
  if (context.signal.aborted) {
    throw new AppError(
      'CONFLICT',
      `the call was cancelled before ${id} ran; nothing was run.`,
      `call ${tool.name} again with approval_id ${id} while it is still approved.`,
    );
  }
  const self = await deps.self();
  const actuators = await deps.actuators(approved.plan.environment);
  let started = deps.clock.now();
  let mine = false;
  const running = await deps.store.updateApproval(id, (approval) => {
    mine = false;
    // Read under the lock: whoever waits for it must not outlast the approval.
    started = deps.clock.now();
    // Another call or another server may have been quicker: then what it made of it is the answer, and this one runs nothing.
    if (expireIfDue(approval, started).status !== 'approved') return expireIfDue(approval, started);
    const next = consume(approval, { digest, arguments_hash: decidingHash(tool.name, args), runner: self }, started);
    mine = next.status === 'running';
    return next;
  });
  if (!mine) return running;
  await writeIntent(running, baseline, deps, byHand);
  const result = await run(tool, running, { ...context, signal: new AbortController().signal }, actuators);
  return writeOutcome(
    running,
    { ...result, started_at: toInstant(started), finished_at: toInstant(deps.clock.now()) },
    deps,
  );
}

/**
 * The intent is on disk before the command starts; where it cannot be written nothing runs and the approval is spent. It has a key: an approval whose
 * file was put back as it was before its run does not run again, since the chain knows of that run.
 */
async function writeIntent(
  approval: Approval,
  baseline: Figures | null,
  deps: GateDeps,
  byHand?: ByHand,
): Promise<void> {
  const id = approval.approval_id;
  const approvers = approval.decisions.map((d) => `${d.approver} (${d.way})`).join(', ');
  const intent: NewEvent = {
    kind: 'command_started',
    message: `running ${commandLine(approval.plan.command)} on ${approval.plan.cluster}, approved by ${approvers}${byHand ? `; run at a terminal by ${byHand.person}, without a client (break glass)` : ''}`,
    actor: SYSTEM,
    approval_id: id,
    data: {
      command: approval.plan.command,
      digest: approval.plan.digest,
      ...(baseline ? { baseline } : {}),
      ...(byHand ? { break_glass: byHand.person } : {}),
    },
  };
  let begun = false;
  try {
    await settleDecisions(deps, approval);
    begun = (await deps.store.append(approval.incident_id ?? JOURNAL, () => [intent], `intent:${id}`)).repeated;
  } catch (cause) {
    await spend(approval, 'the intent could not be recorded; nothing was run', deps);
    throw storeFailed(
      `the intent of ${approval.approval_id} could not be written; nothing was run.`,
      'free space or mend the data folder, then make a new plan.',
      cause,
    );
  }
  if (!begun) return;
  await spend(approval, 'it had begun to run before; nothing was run', deps);
  throw conflict(
    `${id} had begun to run before, and its file was put back since; nothing was run.`,
    'find out who writes into the data folder (`incident-mcp verify`), and make a new plan.',
  );
}

/** Closes an approval that was consumed and did not run. */
async function spend(approval: Approval, summary: string, deps: GateDeps): Promise<void> {
  const at = toInstant(deps.clock.now());
  await deps.store
    .updateApproval(approval.approval_id, (a) =>
      finish(a, { status: 'failed', summary, started_at: at, finished_at: at, details: {} }),
    )
    .catch((error: unknown) => deps.warn('the spent approval could not be closed either', { error: String(error) }));
}

async function run(
  tool: AnyGatedTool,
  approval: Approval,
  context: ReadContext,
  actuators: Awaited<ReturnType<GateDeps['actuators']>>,
): Promise<RunResult> {
  const since = Date.now();
  const beat = setInterval(() => {
    context.progress(`${approval.approval_id}: running for ${Math.round((Date.now() - since) / 1000)}s`);
  }, 2_000);
  try {
    return await tool.run(approval.plan, { ...context, approval, actuators });
  } catch (error) {
    // The command may or may not have reached the cluster: an exception here is no proof that nothing happened.
    const said = error instanceof AppError ? `${error.code}: ${error.message}` : 'unexpected failure';
    return { status: 'outcome_unknown', summary: `it is not known whether it took effect (${said})`, details: {} };
  } finally {
    clearInterval(beat);
  }
}

/**
 * Writes the outcome's event and closes the approval; tried several times, since the command has run and cannot be taken back. The event comes
 * first and has a key: a crash between the two writes, or two that settle the same run, leave one event and no approval without it.
 */
export async function writeOutcome(approval: Approval, outcome: Outcome, deps: GateDeps): Promise<Approval> {
  const id = approval.approval_id;
  const { events, repeated } = await insist(() =>
    deps.store.append(
      approval.incident_id ?? JOURNAL,
      () => [
        {
          kind: 'command_finished',
          message: `${id} ${outcome.status}: ${outcome.summary}`,
          actor: SYSTEM,
          approval_id: id,
          data: { ...outcome.details, status: outcome.status },
        },
      ],
      `outcome:${id}`,
    ),
  );
  // What is in the timeline stands: a later look at the world must not contradict it.
  const told = OUTCOMES.find((status) => repeated && status === events[0]?.data?.status);
  const final = told ? { ...outcome, status: told } : outcome;
  return insist(() => deps.store.updateApproval(id, (a) => finish(a, final)));
}

const OUTCOMES: readonly Outcome['status'][] = ['executed', 'failed', 'outcome_unknown'];

async function insist<T>(write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write();
    } catch (error) {
      // A conflict means that another one settled it: trying again changes nothing.
      if (attempt >= OUTCOME_TRIES || (error instanceof AppError && error.code === 'CONFLICT')) throw error;
      await new Promise((wake) => setTimeout(wake, OUTCOME_PAUSE_MS * attempt));
    }
  }
}
