import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { run } from '../helpers/process.ts';
import { startSandbox } from '../helpers/sandbox.ts';
import { approving, connect } from '../helpers/session.ts';
import { declareFrom, eventsOf } from '../helpers/story.ts';

const bin = new Bin();
afterEach(() => bin.empty());

const STORE = /^STORE: .+ Next: .+/s;
const RECORDING: [string, Record<string, unknown>][] = [
  ['declare_incident', { title: 'Analyses fail', severity: 'SEV2' }],
  ['record_timeline_event', { kind: 'note', message: 'x', incident_id: 'INC-0001' }],
  ['update_incident', { incident_id: 'INC-0001', severity: 'SEV1', reason: 'x' }],
  ['draft_postmortem', { incident_id: 'INC-0001' }],
];

describe('a data folder that cannot be used', () => {
  test.each<[string, (home: Home) => Promise<void>]>([
    ['a file lies in its place', (home) => writeFile(home.data, 'not a folder')],
    [
      'a file lies in the place of a folder in it',
      async (home) => {
        await mkdir(home.data);
        for (const name of ['incidents', 'journal', 'approvals', 'heads']) await writeFile(join(home.data, name), 'x');
      },
    ],
  ])('%s: what records says so, what reads works, nothing runs', async (_what, spoil) => {
    const sandbox = await startSandbox(bin, 'bad-deploy');
    const home = await makeHome(bin, sandbox.config);
    await spoil(home);
    const session = await connect(bin, home, 'first');
    session.human = approving();
    for (const [tool, args] of RECORDING) {
      const { isError, text } = await session.call(tool, args);
      expect(isError, tool).toBe(true);
      expect(text, tool).toMatch(STORE);
    }
    for (const [tool, args] of [
      ['rollback_release', { release: 'pulsestream-core', reason: 'x' }],
      ['restart_service', { service: 'web-ui', reason: 'x' }],
    ] as const) {
      const { isError, text } = await session.call(tool, args);
      expect(isError, tool).toBe(true);
      expect(text, tool).toMatch(STORE);
    }
    expect((await session.ok('get_system_health')).status).toMatch(/down|degraded/);
    expect((await session.ok('get_fleet_summary')).scope).toBe('many');
    expect((await session.ok('check_recent_deploys', {})).rollback_candidate).toMatchObject({ to_revision: 10 });
    expect((await sandbox.truth()).actions).toEqual([]);
    expect(session.forms).toEqual([]);
    expect(await session.ping()).toBeLessThan(1_000);
  });

  test('it becomes unusable between the approval and the run: the intent cannot be written, so nothing runs', async () => {
    const sandbox = await startSandbox(bin, 'bad-deploy');
    const home = await makeHome(bin, sandbox.config);
    const session = await connect(bin, home, 'plain');
    const incident = await declareFrom(session, 'SEV2');
    const planned = await session.ok('rollback_release', { release: 'pulsestream-core', reason: 'x' });
    const id = String(planned.approval_id);
    expect((await home.decide('approve', id, sandbox.secret)).code).toBe(0);
    // The timeline alone is spoilt; the approval itself can still be read.
    await writeFile(join(home.data, 'incidents', incident, 'timeline.jsonl'), 'damaged\n');
    const fresh = await connect(bin, home, 'plain');
    const called = await fresh.call('rollback_release', { release: 'pulsestream-core', reason: 'x', approval_id: id });
    expect(called.data.status).not.toBe('executed');
    expect((await sandbox.truth()).actions).toEqual([]);
  });

  test('the disk is full: STORE, and what was acknowledged is still there', async () => {
    const sandbox = await startSandbox(bin, 'healthy');
    const home = await makeHome(bin, sandbox.config);
    const before = await connect(bin, home, 'plain');
    const id = await declareFrom(before, 'SEV3');
    await before.close();
    // A limit on the size of files stands in for the full disk: writes beyond it fail in the same place.
    const limited = { ...home, serve: (...more: string[]) => ['-e', LIMITED, ...home.serve(...more)] };
    const session = await connect(bin, limited, 'plain');
    let acknowledged = 0;
    let refused = '';
    for (let i = 0; i < 400 && refused === ''; i++) {
      const { isError, text } = await session.call('record_timeline_event', {
        kind: 'note',
        message: `n${i} ${'x'.repeat(1_000)}`,
      });
      if (isError) refused = text;
      else acknowledged += 1;
    }
    expect(refused).toMatch(STORE);
    expect((await session.ok('get_system_health')).status).toBe('healthy');
    await session.close();
    const after = await connect(bin, home, 'plain');
    const notes = (await eventsOf(after, id)).filter((event) => event.kind === 'note');
    expect(notes).toHaveLength(acknowledged);
    expect((await after.ok('record_timeline_event', { kind: 'note', message: 'space again' })).event).toBeDefined();
  });
});

/** Runs the server under `ulimit -f`; sh is the only program that can set it. */
const LIMITED = `
const { spawn } = require('node:child_process');
const child = spawn('/bin/sh', ['-c', 'ulimit -f 64; trap "" XFSZ; exec "$0" "$@"', process.execPath, ...process.argv.slice(1)], { stdio: 'inherit' });
child.on('exit', (code) => process.exit(code ?? 1));
process.on('SIGTERM', () => child.kill('SIGTERM'));
`;

describe('a damaged record', () => {
  test('one damaged incident: the others work, it is not overwritten, and verify names it', async () => {
    const sandbox = await startSandbox(bin, 'healthy');
    const home = await makeHome(bin, sandbox.config);
    const before = await connect(bin, home, 'plain');
    const [one, two] = [await declareFrom(before, 'SEV3'), await declareFrom(before, 'SEV3')];
    await before.close();
    const path = join(home.data, 'incidents', one, 'timeline.jsonl');
    const garbage = '{"id":"E1","seq":1,broken\n\u0000\u0001\n';
    await writeFile(path, garbage);

    const session = await connect(bin, home, 'first');
    const listed = await session.ok('list_incidents');
    expect((listed.incidents as { id: string }[]).map((incident) => incident.id)).toContain(two);
    await session.ok('record_timeline_event', { incident_id: two, kind: 'note', message: 'still here' });
    const three = await declareFrom(session, 'SEV4');
    expect([one, two]).not.toContain(three);
    for (const tool of ['get_incident', 'draft_postmortem']) {
      const { isError, text } = await session.call(tool, { incident_id: one });
      expect(isError, tool).toBe(true);
      expect(text).toMatch(/^(STORE|NOT_FOUND|CONFLICT): .+ Next: .+/s);
    }
    const files = await readdir(join(home.data, 'incidents', one));
    const texts = await Promise.all(files.map((name) => readFile(join(home.data, 'incidents', one, name), 'utf8')));
    expect(texts).toContain(garbage);
    const verified = await home.command(['verify']);
    expect(verified.code).toBe(1);
    expect(verified.stdout + verified.stderr).toContain(one);
  });

  test('half a line at the end, as a crash leaves it, costs nothing that was acknowledged', async () => {
    const sandbox = await startSandbox(bin, 'healthy');
    const home = await makeHome(bin, sandbox.config);
    const before = await connect(bin, home, 'plain');
    const id = await declareFrom(before, 'SEV3');
    await before.ok('record_timeline_event', { kind: 'note', message: 'acknowledged' });
    await before.close();
    await appendFile(join(home.data, 'incidents', id, 'timeline.jsonl'), '{"actor":{"name":"x","ty');
    const session = await connect(bin, home, 'first');
    await session.ok('record_timeline_event', { kind: 'note', message: 'after the crash' });
    const events = await eventsOf(session, id);
    expect(events.map((event) => event.seq)).toEqual(events.map((_event, i) => i + 1));
    expect(events.filter((event) => event.kind === 'note').map((event) => event.message)).toEqual([
      'acknowledged',
      'after the crash',
    ]);
  });
});

describe('a configuration that cannot be used ends the start with exit 2, file, line and fix', () => {
  test.each<[string, string, RegExp]>([
    [
      'a wrong key',
      'environments:\n  prod:\n    protected: true\nsignal:\n  prometheus: {}\n',
      /:4: signal: unknown key "signal"; allowed here: .*signals/,
    ],
    [
      'a wrong key inside',
      'environments:\n  prod:\n    contxt: kind\n',
      /:3: .*unknown key "contxt"; allowed here: .*context/,
    ],
    ['no YAML', 'environments:\n  prod: [\n', /: not valid YAML/],
    ['a wrong type', 'source_deadline: 5\n', /:1: source_deadline: /],
    [
      'a secret inline',
      'notify:\n  slack:\n    url: https://hooks.slack.com/services/T0/B0/planted\n',
      /:3: .*unknown key "url"; allowed here: url_env, url_file/,
    ],
    ['an environment that is not there', 'default_environment: staging\n', /default_environment/],
  ])('%s', async (_what, yaml, said) => {
    const folder = await bin.folder();
    const path = join(folder, 'incident-mcp.yaml');
    await writeFile(path, yaml);
    const home = await makeHome(bin, path);
    const [command, ...argv] = home.serve();
    const ended = await run(process.execPath, [command as string, ...argv], { env: home.env });
    expect(ended.code).toBe(2);
    expect(ended.stdout).toBe('');
    expect(ended.stderr).toMatch(said);
    expect(ended.stderr).toContain(path);
    expect(ended.stderr).not.toMatch(/planted|\bat .+:\d+:\d+/);
  });

  test('a file that is not there', async () => {
    const home = await makeHome(bin, '/nonexistent/incident-mcp.yaml');
    const [command, ...argv] = home.serve();
    const ended = await run(process.execPath, [command as string, ...argv], { env: home.env });
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain('/nonexistent/incident-mcp.yaml');
  });
});
