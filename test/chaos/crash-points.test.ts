import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { until } from '../helpers/process.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { approving, connect, type Session } from '../helpers/session.ts';
import { eventsOf, kindsOf } from '../helpers/story.ts';
import { tell } from '../helpers/suite-report.ts';
import { bundled, contained, faulty, median, ms } from './machine.ts';
import { KEY, openRecord, sampleDeclaration } from './record.ts';
import { FULL, show } from './seed.ts';

const SUITE = 'reconciliation';
/** Machines that are tried side by side; most of the time is spent waiting. */
const LANES = 3;
const RECOVERY_MS = 2_000;
const SETTLED_MS = 30_000;
/**
 * Steps that only take or leave the folder's lock: the record is the same before and after them, and what a dead holder leaves is tried by
 * the hundreds in kill-store.test.ts. `INCIDENT_MCP_FULL` tries them here too.
 */
const LOCK = /\/lock(\.|$)/;

const bin = new Bin();
let preload = '';
beforeAll(async () => {
  preload = await bundled(bin, './preload/faults.ts');
});
afterAll(() => bin.empty());

/** One gated action and how often it was really done. */
interface Action {
  name: string;
  scenario: string;
  tool: string;
  args: Record<string, string>;
  /** `kind` of it in the sandbox's truth. */
  kind: string;
}
const ROLLBACK: Action = {
  name: 'rollback through helm',
  scenario: 'bad-deploy',
  tool: 'rollback_release',
  args: { release: 'pulsestream-core', reason: 'it crashes' },
  kind: 'rollback',
};
const RESTART: Action = {
  name: 'restart through the API server',
  scenario: 'memory-leak',
  tool: 'restart_service',
  args: { service: 'control-plane', reason: 'it leaks' },
  kind: 'restart',
};

interface Machine {
  sandbox: Sandbox;
  home: Home;
  incident: string;
}

interface Platform {
  sandbox: Sandbox;
  config: string;
}

async function platform(own: Bin, action: Action): Promise<Platform> {
  const sandbox = await startSandbox(own, action.scenario, '--speed', '20');
  // Notices are queued and sent beside the action: without them the steps are the same each time.
  const config = await sandbox.configured((raw) => {
    raw.notify = {};
  });
  return { sandbox, config };
}

/** A fresh record with one open incident, on a platform to which nothing was done yet. */
async function machine(own: Bin, { sandbox, config }: Platform): Promise<Machine> {
  const home = contained(await makeHome(own, config));
  const file = join(home.dir, 'config', 'incident-mcp', 'record.key');
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, KEY.toString('base64url'), { mode: 0o600 });
  const { incident } = await (await openRecord(home.data)).declare(sampleDeclaration);
  return { sandbox, home, incident: incident.id };
}

const done = async (sandbox: Sandbox, action: Action): Promise<number> =>
  (await sandbox.truth()).actions.filter(({ kind }) => kind === action.kind).length;

/** The whole way of one action with a client that answers the form, and what the server did on the way, step by step. */
async function act(own: Bin, { home }: Machine, action: Action, crashAt: number | null): Promise<string[]> {
  const log = join(home.dir, `steps-${crashAt ?? 'all'}`);
  const faults = {
    CHAOS_ARM: 'signal',
    CHAOS_LOG: log,
    ...(crashAt ? { CHAOS_CRASH_AT: String(crashAt) } : {}),
  } as const;
  const session = await connect(own, faulty(home, preload, faults), 'first');
  session.human = approving(action.args.release ?? action.args.service);
  await session.tools();
  process.kill(session.pid, 'SIGUSR2');
  expect(await until(async () => existsSync(log) && (await readFile(log, 'utf8')).includes('armed'), Boolean)).toBe(
    true,
  );
  const answer = await session.call(action.tool, action.args).catch(() => null);
  if (crashAt === null) expect(answer?.data, answer?.text).toMatchObject({ status: 'executed' });
  await session.close().catch(() => undefined);
  return (await readFile(log, 'utf8')).split('\n').filter((line) => /^\d+ /.test(line));
}

interface Found {
  at: number;
  step: string;
  /** What became of the approval; `none` when it had not been written. */
  status: string;
  done: number;
  recovery: number;
  /** The event of the decision is missing: the crash came between the two writes of it. */
  problems: string[];
}

/** Kills at step `at`, starts anew, and says what does not hold. */
async function crash(own: Bin, on: Machine, action: Action, at: number): Promise<Found> {
  const { sandbox, home, incident } = on;
  const problems: string[] = [];
  const steps = await act(own, on, action, at);
  const step = steps.at(-1)?.replace(/^\d+ /, '') ?? 'nothing';
  const began = performance.now();
  const next: Session = await connect(own, home, 'plain');
  await next.ok('get_incident', { incident_id: incident });
  const recovery = performance.now() - began;
  const look = async (): Promise<{ approval_id: string; status: string } | undefined> =>
    ((await next.ok('get_approval')).approvals as { approval_id: string; status: string }[])[0];
  let approval = await until(look, (a) => a?.status !== 'running', SETTLED_MS);
  let truly = await done(sandbox, action);
  if (approval && truly !== (approval.status === 'executed' ? 1 : 0)) {
    problems.push(`it is recorded as ${approval.status}, and was done ${truly} times`);
  }
  const settled = approval?.status ?? 'none';
  if (approval) {
    // The host's retry. What a human approved and nobody began may run now; what began may not begin again.
    const again = await next.call(action.tool, { ...action.args, approval_id: approval.approval_id });
    approval = await until(look, (a) => a?.status !== 'running', SETTLED_MS);
    truly = await done(sandbox, action);
    const may = settled === 'executed' || settled === 'approved' ? 1 : 0;
    if (truly !== may)
      problems.push(`after a retry (${again.text.slice(0, 80)}) it was done ${truly} times, not ${may}`);
    const id = approval?.approval_id;
    const events = await eventsOf(next, incident);
    const kinds = kindsOf(events.filter((event) => event.approval_id === id));
    const order = ['plan_proposed', 'approval_decided', 'command_started', 'command_finished'];
    const wanted = order.filter((kind) => kinds.includes(kind));
    if (kinds.join() !== wanted.join()) problems.push(`the timeline tells ${kinds.join(', ')}`);
    const untold = truly > 0 ? order.filter((kind) => !kinds.includes(kind)) : [];
    if (untold.length > 0) problems.push(`it was done, but the timeline lacks ${untold.join(', ')}`);
  } else if (truly !== 0) problems.push(`it was done ${truly} times without an approval`);
  await next.close();
  const record = await openRecord(home.data);
  for (const { problem } of (await record.verify()).problems) problems.push(`verify: ${problem}`);
  for (const { name, problem } of await record.damaged()) problems.push(`damaged: ${name} ${problem}`);
  return { at, step, status: settled, done: truly, recovery, problems };
}

describe.each([ROLLBACK, RESTART])('$name', (action) => {
  test('killed before every single step from the plan to the outcome: the truth is found, and it is never done twice', async ({
    signal,
  }) => {
    const own = new Bin();
    try {
      const all = await act(own, await machine(own, await platform(own, action)), action, null);
      const found: Found[] = [];
      const points = all.flatMap((step, i) => (FULL || !LOCK.test(step) ? [i + 1] : []));
      const lane = async (): Promise<void> => {
        const one = new Bin();
        own.add(() => one.empty());
        let on: Platform | null = null;
        for (let at = points.shift(); at !== undefined && !signal.aborted; at = points.shift()) {
          on ??= await platform(one, action);
          const result = await crash(one, await machine(one, on), action, at);
          found.push(result);
          // A platform is good for the next point as long as nothing was done to it.
          if ((await done(on.sandbox, action)) > 0) {
            on = null;
            await one.empty();
          }
        }
      };
      await Promise.all(Array.from({ length: LANES }, () => lane()));
      found.sort((a, b) => a.at - b.at);
      for (const f of found) show(`${f.at} ${f.step} | ${f.status} x${f.done} ${ms(f.recovery)} ${f.problems}`);
      const slowest = Math.max(...found.map((f) => f.recovery));
      const outcomes = [...new Set(found.map((f) => f.status))].sort();
      tell(SUITE, {
        what: `kill -9 before each step of an approved ${action.name}`,
        tried: found.length,
        held: found.filter((f) => f.problems.length === 0).length,
        note: `start to the first answer: median ${ms(median(found.map((f) => f.recovery)))}, slowest ${ms(slowest)}; ended as ${outcomes.join(', ')}`,
      });
      expect(found.filter((f) => f.problems.length > 0)).toEqual([]);
      // The way was long enough to have crossed every stage.
      expect(outcomes).toEqual(expect.arrayContaining(['approved', 'executed', 'none', 'pending']));
      expect(median(found.map((f) => f.recovery))).toBeLessThan(RECOVERY_MS);
      expect(signal.aborted).toBe(false);
    } finally {
      await own.empty();
    }
  }, 480_000);
});
