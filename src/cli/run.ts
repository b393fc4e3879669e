import { setMaxListeners } from 'node:events';
import type { Approval } from '../domain/approval.ts';
import { maskText } from '../domain/mask.ts';
import { oneLine } from '../domain/text.ts';
import { conflict } from '../errors.ts';
import { currentApproval, recordDecision } from '../mcp/gate/decide.ts';
import { execute } from '../mcp/gate/execute.ts';
import { isOrphaned, reconcile } from '../mcp/gate/reconcile.ts';
import { systemContext } from '../mcp/request.ts';
import { gatedTools } from '../mcp/tool.ts';
import { approversOf } from '../policy/approval-state.ts';
import { JOURNAL, type Store } from '../ports/store.ts';
import { type DecideFlags, showPlan } from './approve.ts';
import { type Composed, compose, configure, type Env } from './compose.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { complain, outliveReaders, print } from './output.ts';
import { proveHuman } from './prove-human.ts';

const LAST_WORDS_MS = 2_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Break glass: a human at a terminal runs a plan when the client is dead. The plan, the policy, the second look and the record are the same
 * ones; what differs is who runs it, and the record says so. There is no way here that skips the human: the secret is asked for also when the
 * plan was approved already. A run that another process left behind is settled, never begun again. Exit 1: not run, or it did not succeed.
 */
export async function runAtTerminal(id: string, flags: DecideFlags, env: Env): Promise<ExitCode> {
  const config = configure(flags, env);
  const composed = await compose(config, env, { read_only: false, warn: (message) => complain(message) });
  try {
    return await run(id, flags, env, composed);
  } finally {
    await composed.work.drained(config.rollout_deadline + LAST_WORDS_MS);
    await composed.close();
  }
}

async function run(id: string, flags: DecideFlags, env: Env, composed: Composed): Promise<ExitCode> {
  const { deps, work } = composed;
  const { config, store } = deps;
  const approval = await currentApproval(deps, id);
  showPlan(approval);
  if (await isOrphaned(approval, deps.gate)) return settle(approval, composed);
  if (approval.status !== 'pending' && approval.status !== 'approved') {
    complain(`${id} is ${approval.status}; there is nothing to run.`);
    return EXIT.no;
  }
  const { arguments: args } = approval;
  if (!args) throw conflict(`${id} was planned by an older version and cannot be run here.`, 'make a new plan.');
  const tool = await toolOf(approval, composed);
  const who = await proveHuman(
    config,
    env,
    `run ${id} now`,
    { secret_stdin: flags.secret_stdin === true, claimed: flags.approver },
    { what: id, secret_id: approval.secret_id },
  );
  const ready =
    approval.status === 'approved'
      ? approval
      : await recordDecision(deps, id, {
          decision: 'approve',
          way: 'terminal',
          ...who,
          note: flags.note ? maskText(oneLine(flags.note, 500)) : null,
        });
  if (ready.status !== 'approved') {
    complain(
      `${id} is approved by ${who.approver}, and needs ${ready.approvers_needed - approversOf(ready)} more to approve it; nothing was run.`,
    );
    return EXIT.no;
  }
  const after = await stoppable((signal) => {
    const context = { ...systemContext(deps), signal, progress: (said: string) => print(said) };
    return work.track(execute(tool, args, ready, context, deps.gate, { person: who.approver }));
  });
  return tell(after, store);
}

async function toolOf(approval: Approval, { deps }: Composed) {
  const tool = gatedTools(await deps.tools()).find((one) => one.name === approval.tool);
  if (!tool) throw conflict(`this version has no ${approval.tool}; nothing was run.`, 'make a new plan.');
  return tool;
}

/** What became of a run whose process is gone; asks the world and acts on nothing, so it takes no secret. */
async function settle(approval: Approval, composed: Composed): Promise<ExitCode> {
  const { deps, work } = composed;
  const id = approval.approval_id;
  print(`${id} was being run by a process that is gone; looking what became of it.`);
  const tool = await toolOf(approval, composed);
  const after = await work.track(reconcile(approval, tool, systemContext(deps), deps.gate));
  if (after.status !== 'running') return tell(after, deps.store);
  complain(`${id} cannot be settled yet: the cluster says that it still goes on, or cannot be asked. Try again.`);
  return EXIT.no;
}

/** The end, and where the record tells it. */
async function tell(after: Approval, store: Store): Promise<ExitCode> {
  const id = after.approval_id;
  print(after.outcome ? `${after.status}: ${after.outcome.summary}` : `${id} is ${after.status}; nothing was run.`);
  const events = await store.timeline(after.incident_id ?? JOURNAL).catch(() => []);
  const last = events.findLast((event) => event.approval_id === id);
  if (last) print(`Recorded as ${last.id} of ${after.incident_id ?? 'the journal'}.`);
  return after.status === 'executed' ? EXIT.ok : EXIT.no;
}

/**
 * Ctrl+C or a closed window stop what has not begun. What runs cannot be taken back: then they end the watching only, and the outcome is recorded.
 */
async function stoppable<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const hold = (): void => {
    complain('Stopping, unless it runs already: then it is finished and recorded; wait.');
    stop.abort();
  };
  outliveReaders();
  for (const signal of SIGNALS) process.on(signal, hold);
  try {
    return await work(stop.signal);
  } finally {
    for (const signal of SIGNALS) process.off(signal, hold);
  }
}
