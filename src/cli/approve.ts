import { maskText } from '../domain/mask.ts';
import { oneLine } from '../domain/text.ts';
import { forbidden } from '../errors.ts';
import { currentApproval, recordDecision } from '../mcp/gate/decide.ts';
import { planLines } from '../mcp/gate/words.ts';
import { approversOf } from '../policy/approval-state.ts';
import { secretId } from './approver-secret.ts';
import { configure, type Env, openStore, systemClock } from './compose.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { complain, print } from './output.ts';
import { proveHuman, userName } from './prove-human.ts';
import { ask } from './terminal.ts';

export interface DecideFlags {
  config?: string;
  data_dir?: string;
  secret_stdin?: boolean;
  approver?: string;
  note?: string;
}

/**
 * The human's side at a terminal: shows the plan, takes the approver's secret, writes the decision down. It does not run the command:
 * the assistant's next call does, exactly once. Exit 1: the secret is wrong, or the plan can no longer be decided.
 */
export async function decideAtTerminal(
  decision: 'approve' | 'reject',
  id: string,
  flags: DecideFlags,
  env: Env,
): Promise<ExitCode> {
  const config = configure(flags, env);
  const store = openStore(config, systemClock, (message) => complain(message));
  const deps = { store, clock: systemClock };
  const approval = await currentApproval(deps, id);
  for (const line of planLines(approval.plan)) print(line);
  print();
  if (approval.status !== 'pending') {
    complain(`${id} is ${approval.status}; there is nothing to decide.`);
    return EXIT.no;
  }
  // Or whoever has a shell could bring a configuration with a secret of its own.
  if (approval.secret_id && approval.secret_id !== (await secretId(config.secret_file))) {
    throw forbidden(
      `${id} was planned by a server with another approver's secret than ${config.secret_file}; nothing was decided.`,
      'decide with the configuration of that server; if the secret was changed meanwhile, make a new plan.',
    );
  }
  const approver =
    oneLine(
      flags.approver ?? (flags.secret_stdin ? userName(env) : await ask(`Your name [${userName(env)}]: `)),
      100,
    ) || userName(env);
  await proveHuman(config, `${decision} ${id}`, flags.secret_stdin === true);
  const after = await recordDecision(deps, id, {
    decision,
    way: 'terminal',
    approver,
    note: flags.note ? maskText(oneLine(flags.note, 500)) : null,
  });
  const missing = after.approvers_needed - approversOf(after);
  if (decision === 'reject') print(`${id} rejected by ${approver}. It will never run.`);
  else if (after.status === 'pending') print(`${id} approved by ${approver}; ${missing} more must approve.`);
  else
    print(
      `${id} approved by ${approver}. It runs once, when the assistant calls ${after.tool} again with approval_id ${id} before ${after.expires_at}.`,
    );
  return EXIT.ok;
}
