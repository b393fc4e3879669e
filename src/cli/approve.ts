import type { Approval } from '../domain/approval.ts';
import { maskText } from '../domain/mask.ts';
import { oneLine } from '../domain/text.ts';
import { currentApproval, recordDecision } from '../mcp/gate/decide.ts';
import { planLines } from '../mcp/gate/words.ts';
import { approversWanted } from '../policy/approval-policy.ts';
import { approversOf } from '../policy/approval-state.ts';
import { configure, type Env, openStore, systemClock } from './compose.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { complain, print } from './output.ts';
import { proveHuman } from './prove-human.ts';

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
  showPlan(approval);
  if (approval.status !== 'pending') {
    complain(`${id} is ${approval.status}; there is nothing to decide.`);
    return EXIT.no;
  }
  const who = await proveHuman(
    config,
    env,
    `${decision} ${id}`,
    { secret_stdin: flags.secret_stdin === true, claimed: flags.approver },
    { what: id, secret_id: approval.secret_id },
  );
  const after = await recordDecision(deps, id, {
    decision,
    way: 'terminal',
    ...who,
    note: flags.note ? maskText(oneLine(flags.note, 500)) : null,
  });
  const { approver } = who;
  const missing = after.approvers_needed - approversOf(after);
  if (decision === 'reject') print(`${id} rejected by ${approver}. It will never run.`);
  else if (after.status === 'pending') print(`${id} approved by ${approver}; ${missing} more must approve.`);
  else
    print(
      `${id} approved by ${approver}. It runs once, when the assistant calls ${after.tool} again with approval_id ${id} before ${after.expires_at}; if no client is left: incident-mcp run ${id}`,
    );
  return EXIT.ok;
}

/** What a human at a terminal must see before deciding. */
export function showPlan(approval: Approval): void {
  for (const line of planLines(approval.plan)) print(line);
  const wanted = approversWanted(approval);
  if (wanted !== '') print(`Approvers:    ${oneLine(wanted)}`);
  print();
}
