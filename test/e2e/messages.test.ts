import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { until } from '../helpers/process.ts';
import { type Sandbox, startSandbox, type Truth } from '../helpers/sandbox.ts';
import { approving, connect, type Session } from '../helpers/session.ts';
import { declareFrom, eventsOf } from '../helpers/story.ts';

const bin = new Bin();
let sandbox: Sandbox;
let home: Home;
let session: Session;
let plain: Session;
beforeAll(async () => {
  sandbox = await startSandbox(bin, 'healthy');
  home = await makeHome(bin, sandbox.config);
  session = await connect(bin, home, 'second');
  plain = await connect(bin, home, 'plain');
});
afterAll(() => bin.empty());

type Notification = Truth['notifications'][number];
/** Long enough for a message that should not come to come. */
const QUIET_MS = 700;

/** What the sinks received with these words, once there are so many, or what there is after the deadline. */
const received = async (words: string, atLeast = 0, sink?: string): Promise<Notification[]> => {
  const ask = async (): Promise<Notification[]> =>
    (await sandbox.truth()).notifications.filter(
      (n) => JSON.stringify(n.body).includes(words) && (sink === undefined || n.sink === sink),
    );
  return until(ask, (found) => found.length >= atLeast, 8_000);
};
const clockOf = async (id: string) => {
  const { clock } = await session.ok('get_incident', { incident_id: id });
  return clock as { next_update: { due_at: string; state: string } };
};

describe.each(['internal', 'executives'])('an update for %s', (audience) => {
  test('is recorded, delivered to the channels once and meets the interval', async () => {
    const id = await declareFrom(session, 'SEV2');
    const before = (await clockOf(id)).next_update.due_at;
    const message = `We look at it (${audience} of ${id}); next update in 20 minutes.`;
    const sent = await session.ok('send_update', { incident_id: id, audience, message });
    expect(sent.update).toMatchObject({ id: 'U1', audience, message });
    expect(sent.notifications).toEqual(
      expect.arrayContaining([
        { channel: 'slack', status: expect.stringMatching(/^(sent|queued)$/) },
        { channel: 'webhook', status: expect.stringMatching(/^(sent|queued)$/) },
      ]),
    );
    expect(session.forms).toEqual([]);
    await received(message, 2);
    await sleep(QUIET_MS);
    // A pager is for waking people, not for reading.
    expect((await received(message)).map((n) => n.sink).sort()).toEqual(['slack', 'webhook']);
    const { at } = sent.update as { at: string };
    const { next_update } = await clockOf(id);
    expect(Date.parse(next_update.due_at) - Date.parse(at)).toBe(20 * 60_000);
    expect(Date.parse(next_update.due_at)).toBeGreaterThan(Date.parse(before));
    const event = (await eventsOf(session, id)).find((e) => e.kind === 'communication');
    expect(event).toMatchObject({ actor: { type: 'assistant' }, message: `U1 to ${audience}: ${message}` });
  });
});

describe('an update for customers', () => {
  test('needs an approval: the exact words, delivered once, whoever calls again', async () => {
    const id = await declareFrom(plain, 'SEV3');
    const message = `Analyses of ${id} are delayed; nothing is lost. Next update at 15:00Z.`;
    const args = { incident_id: id, audience: 'customers', message };
    const planned = await plain.ok('send_update', args);
    const approval = String(planned.approval_id);
    expect(planned).toMatchObject({ status: 'approval_required', update: null, notifications: [] });
    expect(planned.plan).toMatchObject({ target: 'customers', changes: [{ to: message }] });
    expect(await plain.ok('send_update', { ...args, approval_id: approval })).toMatchObject({
      status: 'approval_required',
    });
    expect(await received(`Update for customers (approved by a human): ${message}`)).toEqual([]);

    const decided = await home.decide('approve', approval, sandbox.secret);
    expect(decided).toMatchObject({ code: 0, stdout: expect.stringContaining(message) });
    const other = await plain.call('send_update', { ...args, message: `${message} And more.`, approval_id: approval });
    expect(other.data.status).not.toBe('executed');
    expect(await received('And more.')).toEqual([]);

    const done = await plain.ok('send_update', { ...args, approval_id: approval });
    expect(done).toMatchObject({ status: 'executed', update: { audience: 'customers', message } });
    expect(done.notifications).toHaveLength(2);
    await Promise.all([plain, session].map((who) => who.call('send_update', { ...args, approval_id: approval })));
    await received(message, 2, 'slack');
    await sleep(QUIET_MS);
    const delivered = (await received(message)).filter((n) => JSON.stringify(n.body).includes('Update for customers'));
    expect(delivered.map((n) => n.sink).sort()).toEqual(['slack', 'webhook']);
    const said = (await eventsOf(plain, id)).filter((e) => e.kind === 'communication');
    expect(said.map((e) => e.message)).toEqual([`U1 to customers: ${message}`]);
  });

  test('a form shows the words; declined, nothing is sent; accepted, it is', async () => {
    const id = await declareFrom(session, 'SEV3');
    const message = `We are sorry about ${id}.`;
    session.human = () => ({ action: 'decline' });
    const declined = await session.ok('send_update', { incident_id: id, audience: 'customers', message });
    expect(declined).toMatchObject({ status: 'declined', update: null, notifications: [] });
    expect(session.forms.at(-1)?.message).toContain(message);
    await sleep(QUIET_MS);
    expect(await received(`(approved by a human): ${message}`)).toEqual([]);
    expect((await eventsOf(session, id)).filter((e) => e.kind === 'communication')).toEqual([]);
    session.human = approving('customers');
    const sent = await session.ok('send_update', { incident_id: id, audience: 'customers', message });
    expect(sent).toMatchObject({ status: 'executed', update: { message } });
    expect(await received(`(approved by a human): ${message}`, 2)).toHaveLength(2);
  });
});

describe('PagerDuty', () => {
  const events = async (id: string, atLeast: number): Promise<{ event_action: string; dedup_key: string }[]> => {
    const found = await received(`"dedup_key":"${id}/`, atLeast, 'pagerduty');
    return found.map((n) => n.body as { event_action: string; dedup_key: string });
  };
  const to = (incident_id: string, status: string) =>
    session.ok('update_incident', { incident_id, status, reason: 'as agreed' });

  test('trigger when declared, acknowledge at the first human act, resolve; reopened it is another alert', async () => {
    const id = await declareFrom(session, 'SEV2');
    expect(await events(id, 1)).toMatchObject([
      { event_action: 'trigger', dedup_key: `${id}/0`, payload: { severity: 'error', source: 'prod' } },
    ]);
    await session.ok('assign_role', { incident_id: id, role: 'commander', person: 'Ada Example' });
    await sleep(1_300);
    expect(await events(id, 1)).toHaveLength(1);
    const acked = await home.command(['ack', id, '--person', 'Grace Example', '--secret-stdin'], `${sandbox.secret}\n`);
    expect(acked.code).toBe(0);
    // Two servers look after this folder; the pager hears of it once.
    expect((await events(id, 2)).map((e) => e.event_action)).toEqual(['trigger', 'acknowledge']);
    await to(id, 'resolved');
    expect((await events(id, 3)).map((e) => e.event_action)).toEqual(['trigger', 'acknowledge', 'resolve']);
    await to(id, 'investigating');
    await until(
      () => events(id, 4),
      (all) => all.some((e) => e.dedup_key === `${id}/1`),
    );
    await to(id, 'false_alarm');
    await sleep(1_300);
    const all = await events(id, 5);
    const cycle = (n: number) => all.filter((e) => e.dedup_key === `${id}/${n}`).map((e) => e.event_action);
    expect(cycle(0)).toEqual(['trigger', 'acknowledge', 'resolve']);
    expect(cycle(1)[0]).toBe('trigger');
    expect(cycle(1).at(-1)).toBe('resolve');
    expect(cycle(0).length + cycle(1).length).toBe(all.length);
  });
});

test('a drill notifies nobody, whatever is done in it', async () => {
  const id = await declareFrom(session, 'SEV1', { drill: true, title: 'Only an exercise' });
  const internal = await session.ok('send_update', { incident_id: id, audience: 'internal', message: `drill ${id}` });
  expect(internal).toMatchObject({ update: { id: 'U1' }, notifications: [] });
  session.human = approving('customers');
  const customers = await session.ok('send_update', {
    incident_id: id,
    audience: 'customers',
    message: `drill ${id} outside`,
  });
  expect(customers).toMatchObject({ status: 'executed', notifications: [] });
  for (const status of ['mitigated', 'resolved', 'closed'])
    await session.ok('update_incident', { incident_id: id, status, reason: 'the exercise is over' });
  await sleep(1_500);
  expect(await received(id)).toEqual([]);
});
