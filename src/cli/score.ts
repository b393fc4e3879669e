import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scoreDrill } from '../domain/drill.ts';
import { AppError } from '../errors.ts';
import { incidentById, responseClock } from '../mcp/incidents.ts';
import { configure, type Env, openStore, systemClock } from './compose.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { complain, print } from './output.ts';
import { readTruth } from './truth.ts';
import { TRUTH_FILE } from './truth-file.ts';

/** Scores a drill against the truth of its scenario. Exit 1 when a criterion is not met. */
export async function score(
  id: string | undefined,
  flags: { config?: string; data_dir?: string; truth?: string },
  env: Env,
): Promise<ExitCode> {
  const config = configure(flags, env);
  const url = flags.truth ?? (await readFile(join(config.data_dir, TRUTH_FILE), 'utf8').catch(() => '')).trim();
  if (url === '') {
    throw new AppError(
      'INVALID_INPUT',
      'it is not known where the sandbox of this drill is.',
      'name its address with --truth, as `incident-mcp sandbox` prints it.',
    );
  }
  const truth = await readTruth(url).catch(() => {
    throw new AppError(
      'UNAVAILABLE',
      'the sandbox of this drill does not answer any more.',
      'score a drill while its sandbox runs.',
    );
  });
  const store = openStore(config, systemClock, (message) => complain(message));
  const incident =
    id === undefined ? ((await store.incidents())[0] ?? null) : await incidentById({ record: store }, id);
  const criteria = scoreDrill({
    truth,
    incident,
    clock: incident ? responseClock({ config, clock: systemClock }, incident) : null,
    approvals: await store.approvals({}),
  });
  print(`${truth.scenario}${incident ? `, ${incident.id}` : ''}: ${truth.cause}`);
  for (const { name, passed, found } of criteria) print(`  ${passed ? 'yes' : 'no '} ${name}: ${found}`);
  const met = criteria.filter(({ passed }) => passed).length;
  print(`${met} of ${criteria.length} met`);
  return met === criteria.length ? EXIT.ok : EXIT.no;
}
