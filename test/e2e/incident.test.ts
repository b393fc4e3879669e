import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { connect, type Session } from '../helpers/session.ts';
import { declareFrom, eventsOf } from '../helpers/story.ts';

const bin = new Bin();
let sandbox: Sandbox;
let home: Home;
let session: Session;
beforeAll(async () => {
  sandbox = await startSandbox(bin, 'healthy');
  home = await makeHome(bin, sandbox.config);
  session = await connect(bin, home, 'first');
});
afterAll(() => bin.empty());

const to = (incident_id: string, status: string, reason = 'as agreed') =>
  session.call('update_incident', { incident_id, status, reason });

describe('declaring', () => {
  test('with the same idempotency key gives the first answer again, also from another server', async () => {
    const args = { title: 'Agents drop', severity: 'SEV3', idempotency_key: 'alert-42' };
    const one = await session.ok('declare_incident', args);
    const other = await connect(bin, home, 'second');
    const again = await other.ok('declare_incident', { ...args, title: 'in other words' });
    expect(one).toMatchObject({ repeated: false });
    expect(again).toMatchObject({
      repeated: true,
      incident: { id: (one.incident as { id: string }).id, title: 'Agents drop' },
    });
    const both = await Promise.all(
      [session, other, session, other].map((who) =>
        who.ok('declare_incident', { ...args, idempotency_key: 'alert-43' }),
      ),
    );
    expect(new Set(both.map((answer) => (answer.incident as { id: string }).id)).size).toBe(1);
    expect(both.filter((answer) => answer.repeated === false)).toHaveLength(1);
    const listed = await session.ok('list_incidents');
    expect(listed.incidents).toHaveLength(2);
    expect((await sandbox.truth()).notifications.filter((n) => n.sink === 'slack').length).toBeLessThanOrEqual(2);
  });

  test('an event with the same idempotency key is written once', async () => {
    const id = await declareFrom(session, 'SEV4');
    const args = { incident_id: id, kind: 'note', message: 'seen', idempotency_key: 'n1' };
    const answers = await Promise.all([1, 2, 3].map(() => session.ok('record_timeline_event', args)));
    expect(new Set(answers.map((answer) => (answer.event as { id: string }).id)).size).toBe(1);
    expect((await eventsOf(session, id)).filter((event) => event.message === 'seen')).toHaveLength(1);
  });

  test('several open ones: none is guessed', async () => {
    const { isError, text } = await session.call('record_timeline_event', { kind: 'note', message: 'x' });
    expect(isError).toBe(true);
    expect(text).toMatch(/^CONFLICT: \d+ incidents are open: .*INC-0001.* Next: .*incident_id/s);
  });
});

describe('the life of an incident', () => {
  test('forwards with steps skipped, reopened, resolved again: the first resolution stays', async () => {
    const id = await declareFrom(session, 'SEV3');
    expect((await to(id, 'mitigated')).isError).toBe(false);
    const back = await to(id, 'identified');
    expect(back.text).toMatch(/^CONFLICT: identified cannot follow mitigated\. Next: .*resolved/s);
    const resolved = await to(id, 'resolved');
    expect(resolved.isError, resolved.text).toBe(false);
    const firstAt = (resolved.data.incident as { resolved_at: string }).resolved_at;
    expect((await to(id, 'investigating', 'it is back')).data.incident).toMatchObject({
      status: 'investigating',
      reopened: 1,
    });
    const again = await to(id, 'resolved');
    expect(again.data.incident).toMatchObject({ status: 'resolved', reopened: 1, resolved_at: firstAt });
    expect((await to(id, 'closed')).data.incident).toMatchObject({ status: 'closed' });
    for (const status of ['investigating', 'resolved', 'false_alarm']) {
      expect((await to(id, status)).text).toMatch(/^CONFLICT: .+ Next: .+/s);
    }
    const seqs = (await eventsOf(session, id)).map((event) => event.seq);
    expect(seqs).toEqual(seqs.map((_seq, i) => i + 1));
  });

  test('resolving looks at health itself, and is refused while it is red unless a human overrides', async () => {
    const sick = await startSandbox(bin, 'bad-deploy');
    const there = await connect(bin, await makeHome(bin, sick.config), 'second');
    const id = await declareFrom(there, 'SEV3');
    const refused = await there.call('update_incident', { status: 'resolved', reason: 'all is well again, trust me' });
    expect(refused.text).toMatch(/^CONFLICT: health is (down|degraded) .*was not resolved\. Next: .*override/s);
    expect((await there.ok('get_incident')).incident).toMatchObject({ status: 'investigating' });
    const forced = await there.ok('update_incident', {
      status: 'resolved',
      reason: 'override: the commander accepts it',
    });
    expect(forced.incident).toMatchObject({ id, status: 'resolved' });
    const snapshots = (await eventsOf(there, id)).filter((e) => e.message.startsWith('before resolving'));
    expect(snapshots).toHaveLength(2);
  });

  test('a SEV2 closes only with a post-mortem without missing sections, also after it was lowered', async () => {
    const id = await declareFrom(session, 'SEV2');
    await session.ok('update_incident', { incident_id: id, severity: 'SEV3', reason: 'fewer customers than feared' });
    expect((await to(id, 'resolved')).isError).toBe(false);
    expect((await to(id, 'closed')).text).toMatch(/^CONFLICT: .*was SEV2.*no post-mortem.* Next: .*draft_postmortem/s);
    const drafted = await session.ok('draft_postmortem', { incident_id: id });
    expect(drafted.missing).not.toEqual([]);
    expect((await to(id, 'closed')).text).toMatch(/^CONFLICT: .*still lacks: .+ Next: /s);
    expect((await session.ok('get_incident', { incident_id: id })).incident).toMatchObject({ status: 'resolved' });
  });

  test('a false alarm takes no more events', async () => {
    const id = await declareFrom(session, 'SEV4');
    expect((await to(id, 'false_alarm')).isError).toBe(false);
    const { text } = await session.call('record_timeline_event', { incident_id: id, kind: 'note', message: 'x' });
    expect(text).toMatch(/^CONFLICT: .*false alarm.* Next: /s);
  });

  test('a correction names what it corrects, and the old event stays', async () => {
    const id = await declareFrom(session, 'SEV4');
    const wrong = await session.ok('record_timeline_event', {
      incident_id: id,
      kind: 'observation',
      message: 'the disk is full',
    });
    const old = wrong.event as { id: string; hash: string };
    await session.ok('record_timeline_event', {
      incident_id: id,
      kind: 'observation',
      message: 'the disk is not full',
      supersedes: old.id,
    });
    const events = await eventsOf(session, id);
    expect(events.find((e) => e.id === old.id)).toMatchObject({ message: 'the disk is full', hash: old.hash });
    expect(events.filter((e) => e.supersedes === old.id)).toHaveLength(1);
  });
});
