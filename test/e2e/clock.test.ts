import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { until } from '../helpers/process.ts';
import { type RawConfig, type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { connect, type Form, type FormAnswer, type Session } from '../helpers/session.ts';
import { declareFrom, type EventSeen, eventsOf } from '../helpers/story.ts';

const bin = new Bin();
let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox(bin, 'healthy');
});
afterAll(() => bin.empty());

interface Clock {
  first_response: { due_at: string; state: string; by: string | null; remaining_ms: number };
  next_update: { due_at: string | null; state: string };
  commander: string | null;
}

const MINUTE = 60_000;
/** More than two rounds in which each server looks for missed deadlines. */
const ROUNDS_MS = 2_300;

const rowsWith = (responses: Record<string, string>): ((config: RawConfig) => void) => {
  const response: Record<string, string> = { SEV1: 'immediate', SEV2: '15m', SEV3: '1h', SEV4: 'next_business_day' };
  return (config) => {
    config.severity_matrix = Object.entries({ ...response, ...responses }).map(([severity, time]) => ({
      severity,
      description: `rows of ${severity}`,
      response: time,
    }));
  };
};

const seen = async (session: Session, id: string): Promise<{ clock: Clock; line: string }> => {
  const { data, text } = await session.call('get_incident', { incident_id: id });
  return { clock: data.clock as Clock, line: text.split('\n', 1)[0] ?? '' };
};
const breachesOf = async (session: Session, id: string): Promise<EventSeen[]> =>
  (await eventsOf(session, id)).filter((event) => event.kind === 'clock_breached');
const dueAfter = (clock: Clock, instant: string): number =>
  Date.parse(clock.first_response.due_at) - Date.parse(instant);

describe('missed deadlines', () => {
  test('are events of their own, once although two servers run, and outlast a restart and a lower severity', async () => {
    const config = await sandbox.configured((raw) => {
      rowsWith({ SEV2: '1s' })(raw);
      raw.response = { update_intervals: { SEV2: '1s' } };
    });
    const home = await makeHome(bin, config);
    const servers = await Promise.all([connect(bin, home, 'first'), connect(bin, home, 'second')]);
    const [session] = servers;
    const id = await declareFrom(session, 'SEV2');
    const both = await until(
      () => breachesOf(session, id),
      (events) => events.length >= 2,
    );
    expect(both.map((event) => event.message).sort()).toEqual([
      expect.stringMatching(/^the first response by a human was due at .+Z and had not come by .+Z$/),
      expect.stringMatching(/^the next update was due at .+Z and had not come by .+Z$/),
    ]);
    expect(both.map((event) => event.actor.type)).toEqual(['system', 'system']);
    await sleep(ROUNDS_MS);
    expect(await breachesOf(session, id)).toHaveLength(2);
    const { clock, line } = await seen(session, id);
    expect(clock).toMatchObject({ first_response: { state: 'breached', by: null }, next_update: { state: 'overdue' } });
    expect(line).toMatch(
      new RegExp(`^${id} SEV2 investigating \\| first response overdue by \\d+s \\| next update overdue by \\d+s \\|`),
    );
    await Promise.all([servers[0].kill(), servers[1].close()]);

    const after = await connect(bin, home, 'first');
    await after.ok('update_incident', { severity: 'SEV4', reason: 'fewer customers than feared' });
    await sleep(ROUNDS_MS);
    expect(await breachesOf(after, id)).toEqual(both);
    expect((await seen(after, id)).clock.first_response.state).toBe('breached');
    // A late answer is welcome and does not unsay that it was late.
    expect((await ack(home, id, 'Grace Example')).code).toBe(0);
    const late = await seen(after, id);
    expect(late.clock.first_response).toMatchObject({ state: 'breached', by: 'Grace Example' });
    expect(late.line).toMatch(/first response by Grace Example after \d+s, \d+s late \|/);
    expect(await home.command(['verify'])).toMatchObject({ code: 0 });
  });
});

describe('a changed severity', () => {
  let session: Session;
  const change = async (incident_id: string, severity: string) => {
    const done = await session.ok('update_incident', { incident_id, severity, reason: 'seen anew' });
    return { clock: done.clock as Clock, at: (done.event as { occurred_at: string }).occurred_at };
  };
  beforeAll(async () => {
    // SEV1 is slower than SEV2 here, so that the raise alone does not decide.
    session = await connect(
      bin,
      await makeHome(bin, await sandbox.configured(rowsWith({ SEV1: '30m', SEV2: '15m' }))),
      'second',
    );
  });

  test('raised: due within the new time from the raise on, which the line of state says', async () => {
    const id = await declareFrom(session, 'SEV3');
    const before = await seen(session, id);
    expect(before.line).toMatch(/SEV3 investigating \| first response due in (1h0m|1h|59m\d*s?)/);
    const { clock, at } = await change(id, 'SEV2');
    expect(dueAfter(clock, at)).toBe(15 * MINUTE);
    expect(Date.parse(clock.next_update.due_at ?? '')).toBeLessThan(
      Date.parse(before.clock.next_update.due_at ?? '') - 30 * MINUTE,
    );
    expect((await seen(session, id)).line).toMatch(/SEV2 investigating \| first response due in (15m|14m\d+s)/);
  });

  test('raised to a row with more time: the earlier deadline stays', async () => {
    const id = await declareFrom(session, 'SEV2');
    const before = (await seen(session, id)).clock.first_response.due_at;
    expect((await change(id, 'SEV1')).clock.first_response.due_at).toBe(before);
  });

  test('lowered before the deadline: the milder row counts from the declaration', async () => {
    const declared = await session.ok('declare_incident', { title: 'Analyses fail', severity: 'SEV2' });
    const { id, declared_at } = declared.incident as { id: string; declared_at: string };
    expect(dueAfter((await change(id, 'SEV3')).clock, declared_at)).toBe(60 * MINUTE);
  });
});

const ack = (home: Home, id: string, person: string) =>
  home.command(['ack', id, '--person', person, '--secret-stdin'], `${sandbox.secret}\n`);
const accepts =
  (person: string) =>
  (_form: Form): FormAnswer => ({ action: 'accept', content: { accept: true, person } });
const CLAIMED = { type: 'assistant' };

describe.each(['first', 'second'] as const)('only an act of a human stops the clock (%s generation)', (generation) => {
  let home: Home;
  let session: Session;
  let id: string;
  beforeAll(async () => {
    home = await makeHome(bin, sandbox.config);
    session = await connect(bin, home, generation);
    id = await declareFrom(session, 'SEV2');
  });
  const assign = (role: string, person: string, confirm?: boolean) =>
    session.ok('assign_role', { role, person, ...(confirm === undefined ? {} : { confirm }) });
  const pending = { first_response: { state: 'pending', by: null } };

  test.each<[string, string, boolean | undefined, () => FormAnswer, number]>([
    ['the word of the assistant', 'commander', undefined, accepts('Ada Example') as () => FormAnswer, 0],
    ['a declining form', 'scribe', true, () => ({ action: 'decline' }), 1],
    ['a closed form', 'operations', true, () => ({ action: 'cancel' }), 1],
    [
      'a form without the tick',
      'scribe',
      true,
      () => ({ action: 'accept', content: { accept: false, person: 'Bo' } }),
      1,
    ],
    ["a form with another's name", 'communications', true, accepts('Eve Other') as () => FormAnswer, 1],
  ])('%s does not', async (what, role, confirm, human, forms) => {
    session.human = human;
    const shown = session.forms.length;
    const done = await assign(role, what.includes('tick') ? 'Bo' : 'Ada Example', confirm);
    expect(session.forms.length - shown).toBe(forms);
    expect(done).toMatchObject({ clock: pending, event: { actor: CLAIMED, kind: 'role_assigned' } });
    expect(done.incident).toMatchObject({ roles: { [role]: { known_by: 'claimed_by_assistant' } } });
  });

  test('an accepting form does, and the record says how it is known', async () => {
    session.human = accepts('ada example');
    const done = await assign('scribe', 'Ada Example', true);
    expect(session.forms.at(-1)?.message).toContain(`Are you Ada Example, and do you take the role of scribe in ${id}`);
    expect(done).toMatchObject({
      clock: { first_response: { state: 'met', by: 'Ada Example' } },
      event: { actor: { type: 'human', name: 'Ada Example' }, message: expect.stringContaining("the client's form") },
      incident: { roles: { scribe: { person: 'Ada Example', known_by: 'client_form' } } },
    });
    expect((await seen(session, id)).line).toMatch(/\| first response by Ada Example after \d+s \|/);
  });

  test('`incident-mcp ack` does, proven by the secret; a wrong one does not', async () => {
    const other = await declareFrom(session, 'SEV3', { title: 'Another one' });
    const wrong = await home.command(['ack', other, '--person', 'Eve', '--secret-stdin'], 'guess\n');
    expect(wrong.code).toBe(1);
    expect((await seen(session, other)).clock).toMatchObject(pending);
    expect((await ack(home, other, 'Grace Example')).code).toBe(0);
    expect((await seen(session, other)).clock).toMatchObject({
      first_response: { state: 'met', by: 'Grace Example' },
    });
    const event = (await eventsOf(session, other)).find((e) => e.kind === 'acknowledged');
    expect(event).toMatchObject({ actor: { type: 'human', name: 'Grace Example' } });
    expect(event?.message).toContain('secret at the terminal');
  });
});

test('a client that cannot ask leaves it the word of the assistant, confirm or not', async () => {
  const session = await connect(bin, await makeHome(bin, sandbox.config), 'plain');
  await declareFrom(session, 'SEV2');
  const done = await session.ok('assign_role', { role: 'commander', person: 'Ada Example', confirm: true });
  expect(done).toMatchObject({ clock: { first_response: { state: 'pending', by: null } }, event: { actor: CLAIMED } });
});
