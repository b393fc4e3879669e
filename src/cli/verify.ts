import { oneLine } from '../domain/text.ts';
import { notFound } from '../errors.ts';
import { configure, type Env } from './compose.ts';
import { existingRecord } from './existing-record.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { print } from './output.ts';
import { checkProofs } from './passkey-proofs.ts';

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/** Reads the whole record anew, or one incident of it, and says where its chain does not hold. Exit 1: it is broken. Errors: `NOT_FOUND`. */
export async function verify(
  incident: string | undefined,
  flags: { config?: string; data_dir?: string; json?: boolean },
  env: Env,
): Promise<ExitCode> {
  const config = configure(flags, env);
  const store = await existingRecord(config);
  if (store === null && incident !== undefined)
    throw notFound(`there is no incident ${oneLine(incident, 40)}; the record is empty.`, 'leave the id away.');
  const verdict = (await store?.verify(incident)) ?? { streams: 0, events: 0, problems: [] };
  const approvals =
    incident === undefined ? ((await store?.damaged()) ?? []).filter(({ name }) => name.startsWith('approvals/')) : [];
  const proofs = store === null ? { passkey_proofs: 0, problems: [] } : await checkProofs(store, incident);
  const broken = verdict.problems.length + approvals.length + proofs.problems.length;
  if (flags.json) {
    print(
      JSON.stringify(
        {
          intact: broken === 0,
          data_dir: config.data_dir,
          ...verdict,
          approvals,
          passkey_proofs: proofs.passkey_proofs,
          proofs: proofs.problems,
        },
        null,
        2,
      ),
    );
    return broken === 0 ? EXIT.ok : EXIT.no;
  }
  const read = `${count(verdict.streams, 'stream')}, ${count(verdict.events, 'event')} in ${config.data_dir}`;
  print(broken === 0 ? `${read}: the chain holds.` : `${read}: ${count(broken, 'problem')}.`);
  for (const { stream, line, event_id, problem } of verdict.problems) {
    const place = [stream, event_id, line === null ? null : `line ${line}`].filter((part) => part !== null);
    print(`  ${place.join(' ')}: ${oneLine(problem, 300)}`);
  }
  if (proofs.passkey_proofs > 0)
    print(`${count(proofs.passkey_proofs, 'decision')} by passkey, each with a signature that holds.`);
  for (const { stream, event_id, problem } of proofs.problems) print(`  ${stream} ${event_id}: ${problem}`);
  for (const { name, problem } of approvals) print(`  ${name}: ${oneLine(problem, 300)}`);
  if (store !== null && incident !== undefined && broken === 0) {
    const { seq, hash } = await store.head(incident);
    print(`Newest event E${seq}, chain value ${hash}`);
  }
  return broken === 0 ? EXIT.ok : EXIT.no;
}
