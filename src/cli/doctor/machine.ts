import { access, constants, lstat, mkdtemp, open, readdir, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Config } from '../../config.ts';
import { formatDuration, MINUTE } from '../../domain/instant.ts';
import type { Clock } from '../../ports/clock.ts';
import { approverSecrets } from '../approver-secret.ts';
import { existingRecord } from '../existing-record.ts';
import { recordKey } from '../record-key.ts';
import { fail, ok, type Said, warn } from './check.ts';

const NODE_FLOOR = [20, 19] as const;
const MIB = 1024 * 1024;
const LOW_SPACE = 500 * MIB;
const NO_SPACE = 20 * MIB;
/** No record of this product is older. */
const FIRST_DAY = Date.parse('2026-01-01T00:00:00Z');

/** Source: `engines` of the package. */
export function nodeVersion(version: string): Said {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const [floor, floorMinor] = NODE_FLOOR;
  if (major > floor || (major === floor && minor >= floorMinor)) return ok(version);
  return fail(`${version} is too old.`, `install Node ${floor}.${floorMinor} or newer.`);
}

export function configuration(config: Config, shadowing: string | null): Said {
  if (config.source === null)
    return warn(
      'no file was found; the built-in defaults are in use.',
      'write one with `incident-mcp init`, or name it with --config.',
    );
  const environments = Object.keys(config.environments).join(', ');
  const found = `${config.source}; environments ${environments}; default ${config.default_environment}`;
  return shadowing === null
    ? ok(found)
    : warn(
        `${found}. It is used because it lies in this folder; elsewhere ${shadowing} is.`,
        'name the one that you mean with --config, also in the client.',
      );
}

/** Writable, private, with space. A folder that is not there yet is made by the first write. */
export async function dataFolder(dir: string): Promise<Said> {
  const there = await lstat(dir).catch(() => null);
  if (there === null) {
    const parent = await existingAncestor(dir);
    const writable = await mayWrite(parent);
    return writable
      ? ok(`${dir} will be made by the first write`)
      : fail(`${dir} does not exist and ${parent} is not writable.`, 'make it, or name another one with --data-dir.');
  }
  if (!there.isDirectory())
    return fail(
      `${dir} is ${there.isSymbolicLink() ? 'a link' : 'no folder'}.`,
      'name a folder with --data-dir or store.dir.',
    );
  const refused = await probeWrite(dir);
  if (refused !== null)
    return fail(`${dir} cannot be written (${refused}).`, 'mend its owner, its mode or the space on its disk.');
  const { bavail, bsize } = await statfs(dir);
  const free = bavail * bsize;
  const found = `${dir} is writable, ${Math.floor(free / MIB)} MiB free`;
  if (free < NO_SPACE) return fail(`${found}.`, 'free space on that disk: without it nothing can be recorded.');
  if (free < LOW_SPACE) return warn(`${found}.`, 'free space on that disk before it is full.');
  return others(there.mode) ? warn(`${found}, and others can read it.`, `chmod 700 ${dir}`) : ok(found);
}

/** Damaged documents and the chain, read anew. */
export async function record(config: Config): Promise<Said> {
  const store = await existingRecord(config);
  if (store === null) return ok('empty: nothing was recorded yet');
  const verdict = await store.verify();
  const damaged = await store.damaged();
  const found = `${verdict.streams} streams, ${verdict.events} events`;
  const problems = [
    ...verdict.problems.map(({ stream, event_id, problem }) => `${stream} ${event_id ?? ''}: ${problem}`),
    ...damaged.map(({ name, problem }) => `${name}: ${problem}`),
  ];
  if (problems.length === 0) return ok(`${found}; the chain holds`);
  const shown = problems.slice(0, 5).join('\n');
  const more = problems.length > 5 ? `\n${problems.length - 5} more` : '';
  return fail(
    `${found}; ${problems.length} problems:\n${shown}${more}`,
    'see `incident-mcp verify`; restore what is damaged from a backup.',
  );
}

/** Where there is no key yet it is not made here: that is left to `init` and to the first write. */
export async function keyFile(config: Config): Promise<Said> {
  const mode = await modeOf(config.key_file);
  if (mode === null)
    return warn(`${config.key_file} does not exist yet.`, 'run `incident-mcp init`; else the first write makes it.');
  recordKey(config.key_file);
  return others(mode)
    ? warn(`${config.key_file} can be read by others.`, `chmod 600 ${config.key_file}`)
    : ok(`${config.key_file}, private`);
}

/** Whether policy can be met without a secret decides how bad it is that there is none. */
export async function secretFile(config: Config): Promise<Said> {
  const file = config.secret_file;
  const mode = await modeOf(file);
  if (mode === null) {
    const needed =
      Object.values(config.environments).some((environment) => environment.protected) ||
      config.approval.policy.some(({ ways }) => !ways.includes('client_form'));
    const next = 'set it with `incident-mcp init --secret-only`.';
    return needed
      ? fail(`no approver's secret is set (${file}), and the policy asks for it.`, next)
      : warn(`no approver's secret is set (${file}); only a client's form can approve.`, next);
  }
  const secrets = await approverSecrets(file);
  const whose = secrets.map(({ person }) => person ?? 'one that all share').join(', ');
  return others(mode) ? warn(`${file} can be read by others.`, `chmod 600 ${file}`) : ok(`${file}, private: ${whose}`);
}

/** Against the newest event of the record, which cannot be of the future. Skew against the cluster is told there. */
export async function clockSanity(config: Config, clock: Clock): Promise<Said> {
  const now = clock.now().getTime();
  const said = new Date(now).toISOString();
  const mend = "set this machine's clock (NTP): every instant of the record comes from it.";
  if (now < FIRST_DAY) return fail(`it is said to be ${said}.`, mend);
  const store = await existingRecord(config).catch(() => null);
  let newest = 0;
  for (const incident of (await store?.incidents()) ?? []) {
    const [last] = (await store?.timeline(incident.id, { since_seq: incident.seq - 1, limit: 1 })) ?? [];
    if (last) newest = Math.max(newest, Date.parse(last.recorded_at));
  }
  if (newest - now > MINUTE)
    return fail(`${said}, but the newest event was recorded ${formatDuration(newest - now)} later.`, mend);
  return ok(said);
}

const others = (mode: number): boolean => process.platform !== 'win32' && (mode & 0o077) !== 0;

const modeOf = (file: string): Promise<number | null> =>
  stat(file).then(
    ({ mode }) => mode,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
      throw error;
    },
  );

async function existingAncestor(path: string): Promise<string> {
  for (let at = dirname(path); ; at = dirname(at)) {
    if ((await stat(at).catch(() => null)) !== null || at === dirname(at)) return at;
  }
}

const mayWrite = (path: string): Promise<boolean> =>
  access(path, constants.W_OK).then(
    () => true,
    () => false,
  );

/** Writes and flushes a file of its own and removes it; null when that went well, else the code of what refused it. */
async function probeWrite(dir: string): Promise<string | null> {
  try {
    await readdir(dir);
    const folder = await mkdtemp(join(dir, '.doctor-'));
    try {
      const handle = await open(join(folder, 'probe'), 'wx', 0o600);
      try {
        await handle.write('probe');
        await handle.sync();
      } finally {
        await handle.close();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'no code';
  }
}
