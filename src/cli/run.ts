import { maskText } from '../domain/mask.ts';
import { oneLine } from '../domain/text.ts';
import { conflict, forbidden } from '../errors.ts';
import { currentApproval, recordDecision } from '../mcp/gate/decide.ts';
import { execute } from '../mcp/gate/execute.ts';
import { planLines } from '../mcp/gate/words.ts';
import { systemContext } from '../mcp/request.ts';
import { gatedTools } from '../mcp/tool.ts';
import { approversOf } from '../policy/approval-state.ts';
import { JOURNAL } from '../ports/store.ts';
import type { DecideFlags } from './approve.ts';
import { secretId } from './approver-secret.ts';
import { type Composed, compose, configure, type Env } from './compose.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { complain, print } from './output.ts';
import { proveHuman, userName } from './prove-human.ts';
import { ask } from './terminal.ts';

const LAST_WORDS_MS = 2_000;

/**
 * Break glass: a human at a terminal runs a plan when the client is dead. The plan, the policy, the second look and the record are the same
 * ones; what differs is who runs it, and the record says so. There is no way here that skips the human: the secret is asked for also when the
 * plan was approved already. Exit 1: not run, or it did not succeed.
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

async function run(id: string, flags: DecideFlags, env: Env, { deps, work }: Composed): Promise<ExitCode> {
  const { config, store } = deps;
  const approval = await currentApproval(deps, id);
  for (const line of planLines(approval.plan)) print(line);
  print();
  if (approval.status !== 'pending' && approval.status !== 'approved') {
    complain(`${id} is ${approval.status}; there is nothing to run.`);
    return EXIT.no;
  }
  if (approval.secret_id && approval.secret_id !== (await secretId(config.secret_file))) {
    throw forbidden(
      `${id} was planned by a server with another approver's secret than ${config.secret_file}; nothing was run.`,
      'run it with the configuration of that server; if the secret was changed meanwhile, make a new plan.',
    );
  }
  if (!approval.arguments) {
    throw conflict(`${id} was planned by an older version and cannot be run here.`, 'make a new plan.');
  }
  const given = flags.approver ?? (flags.secret_stdin ? undefined : await ask(`Your name [${userName(env)}]: `));
  const person = oneLine(given ?? '', 100) || userName(env);
  await proveHuman(config, `run ${id} now`, flags.secret_stdin === true);
  const ready =
    approval.status === 'approved'
      ? approval
      : await recordDecision(deps, id, {
          decision: 'approve',
          way: 'terminal',
          approver: person,
          note: flags.note ? maskText(oneLine(flags.note, 500)) : null,
        });
  if (ready.status !== 'approved') {
    complain(`${id} needs ${ready.approvers_needed - approversOf(ready)} more to approve it; nothing was run.`);
    return EXIT.no;
  }
  const tool = gatedTools(await deps.tools()).find((one) => one.name === ready.tool);
  if (!tool) throw conflict(`this version has no ${ready.tool}; nothing was run.`, 'make a new plan.');
  const context = { ...systemContext(deps), progress: (said: string) => print(said) };
  const after = await work.track(execute(tool, approval.arguments, ready, context, deps.gate, { person }));
  print(after.outcome ? `${after.status}: ${after.outcome.summary}` : `${id} is ${after.status}; nothing was run.`);
  const head = await store.head(after.incident_id ?? JOURNAL).catch(() => null);
  if (head) print(`Recorded as E${head.seq} of ${after.incident_id ?? 'the journal'}.`);
  return after.status === 'executed' ? EXIT.ok : EXIT.no;
}
