import { shortInstant } from '../domain/instant.ts';
import { expireIfDue } from '../policy/approval-state.ts';
import { configure, type Env, openStore, systemClock } from './compose.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { complain, print } from './output.ts';

/** Lists what waits for a human, and the newest of the rest. */
export async function approvals(
  flags: { config?: string; data_dir?: string; json?: boolean },
  env: Env,
): Promise<ExitCode> {
  const config = configure(flags, env);
  const store = openStore(config, systemClock, (message) => complain(message));
  const now = systemClock.now();
  const all = (await store.approvals({ limit: 50 })).map((approval) => expireIfDue(approval, now));
  if (flags.json) {
    print(JSON.stringify(all, null, 2));
    return EXIT.ok;
  }
  const pending = all.filter((approval) => approval.status === 'pending');
  print(pending.length === 0 ? 'Nothing waits for approval.' : `${pending.length} waiting for approval:`);
  for (const a of pending) {
    print(
      `  ${a.approval_id}  ${a.plan.risk} risk  ${a.plan.action} ${a.plan.target} in ${a.plan.environment}: ${a.plan.from} -> ${a.plan.to}`,
    );
    print(
      `    ${a.incident_id ?? 'no incident'}, expires ${shortInstant(a.expires_at)}; look and decide: incident-mcp approve ${a.approval_id}`,
    );
  }
  const rest = all.filter((approval) => approval.status !== 'pending').slice(0, 10);
  if (rest.length > 0) print('Newest others:');
  for (const a of rest)
    print(`  ${a.approval_id}  ${a.status}  ${a.plan.action} ${a.plan.target} in ${a.plan.environment}`);
  return EXIT.ok;
}
