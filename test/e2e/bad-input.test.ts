import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { connectRaw } from '../helpers/raw.ts';
import { startSandbox } from '../helpers/sandbox.ts';
import { connect, type Session } from '../helpers/session.ts';
import { declareFrom, ERROR, eventsOf } from '../helpers/story.ts';

const bin = new Bin();
let session: Session;
let open = '';
beforeAll(async () => {
  const sandbox = await startSandbox(bin, 'healthy');
  const home = await makeHome(bin, sandbox.config);
  session = await connect(bin, home, 'first');
  open = await declareFrom(session, 'SEV3');
});
afterAll(() => bin.empty());
afterEach(async () => {
  expect(await session.ping()).toBeLessThan(1_000);
});

const NOTE = { kind: 'note', message: 'seen' };
const INCIDENT = { title: 'x', severity: 'SEV2' };

describe('each bad input gives its code, what is wrong, and the next move', () => {
  test.each<[string, string, Record<string, unknown>, string, RegExp]>([
    ['an unknown tool', 'delete_everything', {}, 'NOT_FOUND', /get_system_health/],
    ['a tool of the prototype', 'constructor', {}, 'NOT_FOUND', /constructor/],
    [
      'an unknown argument',
      'get_system_health',
      { enviroment: 'prod' },
      'INVALID_INPUT',
      /"enviroment".*environment, component/s,
    ],
    [
      'an unknown key inside',
      'declare_incident',
      { ...INCIDENT, detected_by: { source: 'grafana', url: 'x' } },
      'INVALID_INPUT',
      /"url" in detected_by/,
    ],
    ['a missing argument', 'declare_incident', { severity: 'SEV1' }, 'INVALID_INPUT', /title/],
    ['an unknown severity', 'declare_incident', { title: 'x', severity: 'SEV5' }, 'INVALID_INPUT', /severity.*SEV1/s],
    ['a severity in words', 'declare_incident', { title: 'x', severity: 'critical' }, 'INVALID_INPUT', /SEV4/],
    [
      'a naive time',
      'record_timeline_event',
      { ...NOTE, occurred_at: '2026-03-01T14:20:00' },
      'INVALID_INPUT',
      /2026-03-01T14:20:00Z/,
    ],
    ['a naive onset', 'check_recent_deploys', { onset: '2026-03-01 14:20' }, 'INVALID_INPUT', /offset/],
    [
      'a day that does not exist',
      'record_timeline_event',
      { ...NOTE, occurred_at: '2026-02-30T10:00:00Z' },
      'INVALID_INPUT',
      /occurred_at/,
    ],
    ['a time in words', 'declare_incident', { ...INCIDENT, detected_at: 'yesterday' }, 'INVALID_INPUT', /detected_at/],
    [
      'an event of next year',
      'record_timeline_event',
      { ...NOTE, occurred_at: '2199-01-01T00:00:00Z' },
      'INVALID_INPUT',
      /future/,
    ],
    ['a duration in words', 'check_recent_deploys', { since: '1 day' }, 'INVALID_INPUT', /24h/],
    [
      'a kind that only the server writes',
      'record_timeline_event',
      { kind: 'approval_decided', message: 'APR approved by Ada' },
      'INVALID_INPUT',
      /kind/,
    ],
    [
      'another such kind',
      'record_timeline_event',
      { kind: 'command_finished', message: 'executed' },
      'INVALID_INPUT',
      /kind/,
    ],
    [
      'an actor, given by the model',
      'record_timeline_event',
      { ...NOTE, actor: { type: 'human', name: 'Ada' } },
      'INVALID_INPUT',
      /"actor"/,
    ],
    [
      'a correction of an event that is not there',
      'record_timeline_event',
      { ...NOTE, supersedes: 'E9999' },
      'NOT_FOUND',
      /E9999/,
    ],
    ['an empty message', 'record_timeline_event', { kind: 'note', message: ' \n ' }, 'INVALID_INPUT', /message/],
    [
      '10 KB of message',
      'record_timeline_event',
      { kind: 'note', message: 'x'.repeat(10_240) },
      'INVALID_INPUT',
      /message/,
    ],
    [
      '100 KB of arguments',
      'record_timeline_event',
      { kind: 'note', message: 'x'.repeat(100_000) },
      'INVALID_INPUT',
      /bytes/,
    ],
    [
      'an incident that does not exist',
      'get_incident',
      { incident_id: 'INC-0999' },
      'NOT_FOUND',
      /INC-0999.*INC-0001/s,
    ],
    ['an event for it', 'record_timeline_event', { ...NOTE, incident_id: 'INC-0999' }, 'NOT_FOUND', /INC-0999/],
    ['an id that is a path', 'get_incident', { incident_id: '../../etc' }, 'INVALID_INPUT', /INC-0007/],
    [
      'a status that may not follow',
      'update_incident',
      { status: 'investigating', reason: 'x' },
      'CONFLICT',
      /already|cannot follow/,
    ],
    ['an unknown status', 'update_incident', { status: 'done', reason: 'x' }, 'INVALID_INPUT', /status/],
    ['an update without a change', 'update_incident', { reason: 'x' }, 'INVALID_INPUT', /nothing is to be changed/],
    ['an update without a reason', 'update_incident', { severity: 'SEV1' }, 'INVALID_INPUT', /reason/],
    ['a limit that is too high', 'list_incidents', { limit: 100_000 }, 'INVALID_INPUT', /limit/],
    ['a forged cursor', 'get_fleet_summary', { cursor: 'AAAA' }, 'INVALID_INPUT', /cursor/],
    ['a component that is not there', 'get_system_health', { component: 'nothing-here' }, 'NOT_FOUND', /control-plane/],
    ['a customer that is not there', 'get_fleet_summary', { customer: 'Nobody Inc' }, 'NOT_FOUND', /Nobody Inc/],
    [
      'a claim on no event',
      'draft_postmortem',
      { claims: [{ section: 'root_cause', text: 'x', evidence: ['E1; rm'] }] },
      'INVALID_INPUT',
      /evidence/,
    ],
    [
      'a claim without evidence of a run',
      'verify_mitigation',
      { approval_id: 'APR-0000000000' },
      'NOT_FOUND',
      /APR-0000000000/,
    ],
    ['arguments of wrong types', 'get_incident', { limit: '30', since_seq: -1, view: 7 }, 'INVALID_INPUT', /limit/],
  ])('%s', async (_what, tool, args, code, said) => {
    const { isError, text } = await session.call(tool, args);
    expect(isError).toBe(true);
    expect(text).toMatch(ERROR);
    expect(text).toMatch(new RegExp(`^${code}: `));
    expect(text).toMatch(said);
    expect(text).not.toMatch(/\bat .+:\d+:\d+/);
    expect(text.length).toBeLessThan(2_000);
  });

  test('none of them left a trace in the record', async () => {
    const listed = await session.ok('list_incidents');
    expect((listed.incidents as { id: string }[]).map((incident) => incident.id)).toEqual([open]);
    const events = await eventsOf(session, open);
    expect(events.filter((event) => event.kind === 'note')).toEqual([]);
    expect(events.filter((event) => event.kind === 'approval_decided')).toEqual([]);
  });

  test('control characters, escapes and invisible text are taken out of what is recorded and shown', async () => {
    const message = 'pods \u001b[31mred\u001b[0m \u200bhid\u202eden\u0007 <untrusted id="1">';
    await session.ok('record_timeline_event', { kind: 'observation', message });
    const { text } = await session.call('get_incident', { view: 'timeline' });
    expect(text).toContain('pods red hidden');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u200b\u202e]/);
    expect(text.match(/<untrusted /g)).toHaveLength(1);
  });
});

describe('bad messages on the wire', () => {
  test('lines that are no JSON-RPC do not end the server', async () => {
    const sandbox = await startSandbox(bin, 'healthy');
    const raw = connectRaw(bin, await makeHome(bin, sandbox.config));
    expect((await raw.call('list_incidents', {})).result?.isError).toBeFalsy();
    for (const line of [
      '',
      'not json',
      '{"jsonrpc":"2.0"',
      '[]',
      'null',
      '{"jsonrpc":"1.0","id":1,"method":"ping"}',
      '\u0000\u0001',
      '{"jsonrpc":"2.0","id":null,"method":"tools/call"}',
    ]) {
      raw.write(`${line}\n`);
    }
    expect((await raw.call('list_incidents', {})).result?.structuredContent).toMatchObject({ incidents: [] });
    for (const params of [
      {},
      { name: 7 },
      { name: 'get_incident', arguments: [] },
      { name: 'get_incident', arguments: 'x' },
    ]) {
      const answered = await raw.request('tools/call', params);
      expect(answered.error ?? answered.result).toBeDefined();
    }
    expect((await raw.call('list_incidents', {})).result?.structuredContent).toMatchObject({ incidents: [] });
    expect(raw.child.exitCode).toBeNull();
  });
});
