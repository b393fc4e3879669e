import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { connect, type Session } from '../helpers/session.ts';
import { declareFrom, ERROR, eventsOf } from '../helpers/story.ts';
import { tell } from '../helpers/suite-report.ts';
import { bundled, faulty, pause } from './machine.ts';

const SUITE = 'clocks that jump';
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** The preload reads its clock every 20 ms. */
const NOTICED_MS = 80;

const shared = new Bin();
const bin = new Bin();
let sandbox: Sandbox;
let preload = '';
beforeAll(async () => {
  preload = await bundled(shared, './preload/faults.ts');
  sandbox = await startSandbox(shared, 'bad-deploy');
});
afterEach(() => bin.empty());
afterAll(() => shared.empty());

interface Jumping {
  home: Home;
  session: Session;
  /** Sets the clock of the server so far from the true time. */
  jump(millis: number): Promise<void>;
}
async function jumping(): Promise<Jumping> {
  const home = await makeHome(bin, sandbox.config);
  const file = join(home.dir, 'clock');
  await writeFile(file, '0');
  const session = await connect(bin, faulty(home, preload, { CHAOS_CLOCK: file }), 'plain');
  const jump = async (millis: number): Promise<void> => {
    await writeFile(file, String(millis));
    await pause(NOTICED_MS);
  };
  return { home, session, jump };
}

const JUMPS = [DAY, -DAY, 0, 400 * DAY, -400 * DAY, 30 * 1_000, -30 * 1_000, 0];
/** What a duration of the record may not be. */
const NEGATIVE = /-\d+(\.\d+)?\s?(ms|s|m|h|d)\b|NaN|Invalid Date|-\d+m\d+s/;

test('the record goes on over every jump: order, numbers and chain hold, and no duration is negative', async () => {
  const { home, session, jump } = await jumping();
  const id = await declareFrom(session, 'SEV2');
  let tried = 0;
  for (const [i, shift] of JUMPS.entries()) {
    await jump(shift);
    const { event } = (await session.ok('record_timeline_event', { kind: 'note', message: `jump ${i}` })) as {
      event: { recorded_at: string };
    };
    expect(Math.abs(Date.parse(event.recorded_at) - Date.now() - shift)).toBeLessThan(10_000);
    for (const [tool, args] of [
      ['get_incident', { incident_id: id }],
      ['get_incident', { incident_id: id, view: 'brief' }],
      ['get_system_health', {}],
      ['check_recent_deploys', {}],
      ['draft_postmortem', { incident_id: id }],
      ['list_incidents', {}],
    ] as const) {
      tried += 1;
      const { isError, text, data } = await session.call(tool, args);
      expect(isError, text).toBe(false);
      expect(text).not.toMatch(NEGATIVE);
      expect(JSON.stringify(data.metrics ?? {})).not.toMatch(/:-\d/);
    }
  }
  const notes = (await eventsOf(session, id)).filter((event) => event.message.startsWith('jump '));
  expect(notes.map((event) => event.message)).toEqual(JUMPS.map((_shift, i) => `jump ${i}`));
  expect((await home.command(['verify'])).code).toBe(0);
  tell(SUITE, {
    what: 'jumps of 30 s, a day and 400 days, both ways: answers and record',
    tried,
    held: tried,
    note: 'numbers without gap, chain holds, no negative duration',
  });
}, 120_000);

const ROLLBACK = { release: 'pulsestream-core', reason: 'it crashes' };
const done = async (): Promise<number> => (await sandbox.truth()).actions.filter((a) => a.kind === 'rollback').length;
const stateOf = async (session: Session, id: string): Promise<string | undefined> =>
  ((await session.ok('get_approval', { approval_id: id })).approvals as { status: string }[])[0]?.status;

test.each([
  ['ahead beyond its lifetime', [11 * MINUTE]],
  ['ahead and back again, after it was seen as expired', [11 * MINUTE, 0]],
  ['ahead and far back, after it was seen as expired', [11 * MINUTE, -DAY]],
])(
  'an approved plan does not run when the clock jumps %s',
  async (name, jumps) => {
    const { home, session, jump } = await jumping();
    const before = await done();
    const id = String((await session.ok('rollback_release', ROLLBACK)).approval_id);
    expect((await home.decide('approve', id, sandbox.secret)).code).toBe(0);
    const seen: (string | undefined)[] = [];
    for (const shift of jumps) {
      await jump(shift);
      const { isError, text, data } = await session.call('rollback_release', { ...ROLLBACK, approval_id: id });
      if (isError) expect(text).toMatch(ERROR);
      else expect(data.status).toBe('expired');
      seen.push(await stateOf(session, id));
    }
    expect(seen).toEqual(jumps.map(() => 'expired'));
    expect(await done()).toBe(before);
    tell(SUITE, {
      what: `an approved plan, the clock jumps ${name}`,
      tried: jumps.length,
      held: jumps.length,
      note: 'nothing ran',
    });
  },
  60_000,
);

test('a clock set back before the plan was made does not stretch its life: the approval then runs for the true time at most', async () => {
  const { home, session, jump } = await jumping();
  await jump(0);
  const id = String((await session.ok('rollback_release', ROLLBACK)).approval_id);
  expect((await home.decide('approve', id, sandbox.secret)).code).toBe(0);
  await jump(-DAY);
  const { isError, text, data } = await session.call('rollback_release', { ...ROLLBACK, approval_id: id });
  const status = isError ? text : data.status;
  // Set back by a day, the plan seems to come from tomorrow: it must not be taken for one that lives a day longer.
  expect(status).not.toBe('executed');
  tell(SUITE, {
    what: 'an approved plan, the clock is set back by a day',
    tried: 1,
    held: 1,
    note: `answer: ${String(status).slice(0, 60)}`,
  });
}, 60_000);
