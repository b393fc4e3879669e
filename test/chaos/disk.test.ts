import { spawnSync } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { run } from '../helpers/process.ts';
import { startSandbox } from '../helpers/sandbox.ts';
import { connect, type Session } from '../helpers/session.ts';
import { declareFrom, ERROR, eventsOf } from '../helpers/story.ts';
import { tell } from '../helpers/suite-report.ts';
import { bundled, faulty, ms, quantile } from './machine.ts';

const SUITE = 'disks that fail';
/** Whether a file system of our own can be mounted (needs root). */
const canMount = mounts();
const canLimit = spawnSync('prlimit', ['--version']).status === 0;

const shared = new Bin();
const bin = new Bin();
let config = '';
let preload = '';
beforeAll(async () => {
  preload = await bundled(shared, './preload/faults.ts');
  const sandbox = await startSandbox(shared, 'healthy');
  config = await sandbox.configured((raw) => {
    raw.notify = {};
  });
});
afterEach(() => bin.empty());
afterAll(() => shared.empty());

function mounts(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  return spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { timeout: 5_000 }).status === 0;
}

const shell = async (file: string, ...argv: string[]): Promise<void> => {
  const said = await run(file, argv);
  if (said.code !== 0) throw new Error(`${file} ${argv.join(' ')}: ${said.stderr}`);
};

/** A small file system of our own at `<home>/disk`; the data folder lies in it. It is unmounted with the test. */
async function smallDisk(options: string): Promise<{ home: Home; mount: string }> {
  const plain = await makeHome(bin, config);
  const mount = join(plain.dir, 'disk');
  await mkdir(mount);
  await shell('mount', '-t', 'tmpfs', '-o', options, 'incident-chaos', mount);
  bin.add(() => shell('umount', '--lazy', mount));
  const data = join(mount, 'data');
  return { mount, home: { ...plain, data, serve: (...more) => dataIn(plain.serve(...more), plain.data, data) } };
}
const dataIn = (argv: string[], from: string, to: string): string[] => argv.map((word) => (word === from ? to : word));

/** What the product must keep while the disk fails, whatever the failure is. */
interface Trial {
  home: Home;
  fail(session: Session): Promise<unknown>;
  mend(session: Session): Promise<unknown>;
  /** Reading needs the disk too where no descriptor is left. */
  unreadable?: boolean;
  /** What STORE says. */
  words: RegExp;
  bytes?: number;
}

const note = (message: string, bytes = 0): Record<string, unknown> => ({
  kind: 'note',
  message: `${message} ${'x'.repeat(bytes)}`.trim(),
});

async function tried(what: string, trial: Trial): Promise<void> {
  const session = await connect(bin, trial.home, 'plain');
  const id = await declareFrom(session, 'SEV3');
  const acknowledged: string[] = [];
  let refused = 0;
  const append = async (message: string, bytes = trial.bytes ?? 0): Promise<string | null> => {
    const { isError, text } = await session.call('record_timeline_event', {
      ...note(message, bytes),
      incident_id: id,
    });
    if (!isError) {
      acknowledged.push(message);
      return null;
    }
    refused += 1;
    expect(text).toMatch(ERROR);
    expect(text).toMatch(/^STORE: /);
    expect(text).toMatch(trial.words);
    return text;
  };
  for (let i = 1; i <= 5; i += 1) expect(await append(`before ${i}`, 0)).toBeNull();
  await trial.fail(session);
  // Until the disk has refused some times: the first ones may still fit.
  for (let i = 1; i <= 400 && refused < 5; i += 1) await append(`during ${i}`);
  expect(refused).toBe(5);
  const declared = await session.call('declare_incident', { title: 'Another', severity: 'SEV4' });
  if (declared.isError) expect(declared.text).toMatch(/^STORE: /);
  const pings = [await session.ping(), await session.ping()];
  expect(Math.max(...pings)).toBeLessThan(2_000);
  if (!trial.unreadable) {
    const events = await eventsOf(session, id);
    const there = events.map((event) => event.message.replace(/ x+$/, ''));
    expect(acknowledged.filter((message) => !there.includes(message))).toEqual([]);
    expect((await session.call('get_system_health')).isError).toBe(false);
  }
  await trial.mend(session);
  // Without a restart.
  for (let i = 1; i <= 5; i += 1) expect(await append(`after ${i}`, 0)).toBeNull();
  const told = (await eventsOf(session, id)).map((event) => event.message.replace(/ x+$/, ''));
  expect(acknowledged.filter((message) => told.filter((m) => m === message).length !== 1)).toEqual([]);
  expect(told.filter((message) => /^(before|during|after) /.test(message) && !acknowledged.includes(message))).toEqual(
    [],
  );
  await session.close();
  // A server of a later day finds the same, and nothing broken.
  const later = await connect(bin, trial.home, 'plain');
  expect((await eventsOf(later, id)).length).toBe(told.length);
  const { code, stdout } = await run(
    process.execPath,
    trial.home.serve().map((word) => (word === 'serve' ? 'verify' : word)),
    { env: trial.home.env, cwd: trial.home.dir },
  );
  expect(code, stdout).toBe(0);
  const left = (await readdir(trial.home.data)).filter((name) => name.startsWith('lock') || name.endsWith('.tmp'));
  expect(left).toEqual([]);
  tell(SUITE, {
    what,
    tried: acknowledged.length + refused,
    held: acknowledged.length + refused,
    note: `${acknowledged.length} acknowledged, all there once; ${refused} refused with STORE and the next move; went on without a restart`,
  });
}

describe.skipIf(!canMount)('a file system of our own', () => {
  test('a full disk', async () => {
    const { home, mount } = await smallDisk('size=1m');
    const filler = join(mount, 'filler');
    await tried('disk full (1 MB tmpfs)', {
      home,
      // All but some pages: the last events still fit, then none.
      fail: () => run('sh', ['-c', `head -c 2000000 /dev/zero > '${filler}'; truncate -s -8192 '${filler}'`]),
      mend: () => rm(filler),
      words: /ENOSPC.* Next: free space/,
      bytes: 1_500,
    });
  }, 90_000);

  test('no inode left', async () => {
    const { home, mount } = await smallDisk('size=4m,nr_inodes=120');
    const folder = join(mount, 'many');
    await tried('no inode left (tmpfs with 120)', {
      home,
      fail: async () => {
        await mkdir(folder);
        for (let i = 0; ; i += 1) {
          try {
            await writeFile(join(folder, String(i)), '');
          } catch {
            return;
          }
        }
      },
      mend: () => rm(folder, { recursive: true }),
      words: /ENOSPC.* Next: free space/,
    });
  }, 90_000);

  test('a file system that becomes read-only', async () => {
    const { home, mount } = await smallDisk('size=4m');
    await tried('file system remounted read-only', {
      home,
      fail: () => shell('mount', '-o', 'remount,ro', mount),
      mend: () => shell('mount', '-o', 'remount,rw', mount),
      words: /EROFS.* Next: .*remount/,
    });
  }, 90_000);
});

describe.skipIf(!canLimit)('limits of the process', () => {
  const limit = (session: Session, what: string) => shell('prlimit', '--pid', String(session.pid), what);

  test('files may not grow (RLIMIT_FSIZE)', async () => {
    await tried('file size limit (EFBIG)', {
      home: await makeHome(bin, config),
      fail: (session) => limit(session, '--fsize=6000:unlimited'),
      mend: (session) => limit(session, '--fsize=unlimited:unlimited'),
      words: /EFBIG.* Next: raise the limit/,
      bytes: 1_000,
    });
  }, 90_000);

  test('no file descriptor left (RLIMIT_NOFILE)', async () => {
    await tried('file descriptors exhausted (EMFILE)', {
      home: await makeHome(bin, config),
      fail: (session) => limit(session, '--nofile=10:4096'),
      mend: (session) => limit(session, '--nofile=4096:4096'),
      words: /EMFILE.* Next: too many files are open/,
      unreadable: true,
    });
  }, 90_000);
});

describe('a slow disk', () => {
  test('that needs 400 ms for each flush: others are answered meanwhile, nobody robs the lock, nothing is lost', async () => {
    const home = await makeHome(bin, config);
    const slow = faulty(home, preload, { CHAOS_SYNC_DELAY: '400' });
    const [one, two] = [await connect(bin, slow, 'plain'), await connect(bin, slow, 'plain')];
    const id = await declareFrom(one, 'SEV3');
    const took: number[] = [];
    const pings: number[] = [];
    const write = async (session: Session, name: string): Promise<void> => {
      for (let i = 1; i <= 8; i += 1) {
        const began = performance.now();
        await session.ok('record_timeline_event', { ...note(`${name} ${i}`), incident_id: id });
        took.push(performance.now() - began);
      }
    };
    let busy = true;
    const all = Promise.all([write(one, 'a'), write(two, 'b')]).finally(() => {
      busy = false;
    });
    while (busy) {
      pings.push(await one.ping());
      const began = performance.now();
      await one.ok('get_incident', { incident_id: id });
      pings.push(performance.now() - began);
    }
    await all;
    const told = (await eventsOf(two, id)).filter((event) => /^[ab] \d$/.test(event.message));
    expect(new Set(told.map((event) => event.message)).size).toBe(16);
    expect(told).toHaveLength(16);
    expect(quantile(pings, 0.9)).toBeLessThan(1_000);
    expect((await home.command(['verify'])).code).toBe(0);
    tell(SUITE, {
      what: 'slow disk (400 ms a flush), two servers',
      tried: 16,
      held: told.length,
      note: `slowest append ${ms(Math.max(...took))}; ${pings.length} pings and reads meanwhile, 90 % within ${ms(quantile(pings, 0.9))}`,
    });
  }, 90_000);
});
