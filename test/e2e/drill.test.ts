import { afterEach, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { TESTED } from '../helpers/dist.ts';
import { makeHome } from '../helpers/home.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { approving, connect } from '../helpers/session.ts';
import { declareFrom } from '../helpers/story.ts';

const bin = new Bin();
afterEach(() => bin.empty());

const truthOf = (sandbox: Sandbox): string[] => ['--truth', `${sandbox.urls.control}/truth`];
const NEEDED = ['summary', 'impact', 'lead_up', 'trigger', 'detection', 'response', 'mitigation', 'root_cause'];
const REFLECTED = ['decisions', 'went_well', 'went_poorly', 'lucky', 'open_questions', 'seen_before', 'people'];

test('a drill played well meets every criterion', async () => {
  const sandbox = await startSandbox(bin, 'memory-leak', '--speed', '20');
  const home = await makeHome(bin, sandbox.config);
  const session = await connect(bin, home, 'second');
  const { severity } = await session.ok('assess_severity');
  const health = await session.ok('get_system_health');
  const sick = (health.components as { name: string; status: string }[]).find((c) => c.status !== 'healthy');
  const alert = (health.alerts as { started_at: string }[])[0];
  const id = await declareFrom(session, String(severity), {
    drill: true,
    components: [sick?.name],
    detected_by: { source: 'grafana' },
    impact_started_at: alert?.started_at,
  });
  const acked = await home.command(
    ['ack', id, '--commander', '--person', 'Grace Example', '--secret-stdin'],
    `${sandbox.secret}\n`,
  );
  expect(acked.code).toBe(0);
  await session.ok('send_update', { audience: 'internal', message: 'We restart what leaks.' });
  session.human = approving();
  const done = await session.ok('restart_service', { service: sick?.name, reason: 'it is killed again and again' });
  expect(done.status).toBe('executed');
  expect((await sandbox.recovered()).recovered).toBe(true);
  await session.ok('update_incident', {
    status: 'resolved',
    root_cause: 'A cache without a bound grew until the kernel killed the process.',
    reason: 'health is green; override: should the last pod still start',
  });
  await session.ok('add_action_item', {
    title: 'Bound the cache',
    kind: 'prevent',
    owner: 'Grace',
    due: '2030-01-01T00:00:00Z',
  });
  await session.ok('add_action_item', {
    title: 'Alert on memory',
    kind: 'detect',
    owner: 'Grace',
    due: '2030-01-01T00:00:00Z',
  });
  const claims = [...NEEDED, ...REFLECTED].map((section) => ({
    section,
    text: `What is known of ${section}.`,
    evidence: ['E1'],
  }));
  const drafted = await session.ok('draft_postmortem', { incident_id: id, claims });
  expect(drafted.missing).toEqual([]);

  const scored = await home.command(['score', id, ...truthOf(sandbox)]);
  expect(scored.stdout).toContain(`memory-leak, ${id}: `);
  expect(scored.stdout).not.toMatch(/^ {2}no /m);
  for (const name of [
    'severity',
    'first response in time',
    'right move',
    'no wrong move',
    'updates in time',
    'post-mortem complete',
  ])
    expect(scored.stdout).toMatch(new RegExp(`^ {2}yes ${name}: `, 'm'));
  expect(scored).toMatchObject({ code: 0, stdout: expect.stringMatching(/(\d+) of \1 met\n$/) });
  // An exercise is no statistic and wakes nobody.
  expect((await sandbox.truth()).notifications).toEqual([]);
  expect((await home.command(['stats', '--json'])).stdout).not.toMatch(/"n":\s*[1-9]/);
});

test('a drill played badly says what was wrong, and exits with 1', async () => {
  const sandbox = await startSandbox(bin, 'bad-deploy', '--speed', '20');
  const home = await makeHome(bin, sandbox.config);
  const session = await connect(bin, home, 'first');
  await declareFrom(session, 'SEV3', { drill: true });
  session.human = approving();
  await session.ok('restart_service', { service: 'web-ui', reason: 'a guess' });
  const scored = await home.command(['score', ...truthOf(sandbox)]);
  expect(scored.code).toBe(1);
  expect(scored.stdout).toMatch(/^ {2}no {2}severity: SEV3, right is SEV2$/m);
  expect(scored.stdout).toMatch(/^ {2}no {2}right move: /m);
  expect(scored.stdout).toMatch(/^ {2}no {2}no wrong move: .*restart_service web-ui/m);
  expect(scored.stdout).toMatch(/^ {2}no {2}post-mortem complete: none$/m);
});

test('through `serve --sandbox` the server remembers where the truth is; where it is not known, score says so', async () => {
  const healthy = await startSandbox(bin, 'healthy');
  const home = await makeHome(bin, healthy.config);
  const unknown = await home.command(['score']);
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringMatching(/^INVALID_INPUT: .*--truth/s) });

  const alone = { ...home, serve: () => [TESTED.cli, 'serve', '--sandbox', 'healthy', '--data-dir', home.data] };
  const session = await connect(bin, alone, 'second');
  expect((await session.ok('get_system_health')).status).toBe('healthy');
  const scored = await home.command(['score']);
  expect(scored).toMatchObject({ code: 0, stdout: expect.stringContaining('none, and nothing was wrong') });
  await session.close();
  const gone = await home.command(['score']);
  expect(gone).toMatchObject({ code: 1, stderr: expect.stringMatching(/^UNAVAILABLE: .*sandbox.*Next: /s) });
});
