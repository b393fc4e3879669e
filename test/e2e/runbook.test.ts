import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { TESTED } from '../helpers/dist.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { until } from '../helpers/process.ts';
import { connectReader, type Reader } from '../helpers/reader.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { approving, connect, type Session } from '../helpers/session.ts';
import { declareFrom } from '../helpers/story.ts';

const bin = new Bin();
let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox(bin, 'healthy');
});
afterAll(() => bin.empty());

const SHIPPED = join(dirname(TESTED.cli), '..', 'runbooks', 'pulsestream.md');
const MODE = {
  runbook: 'pulsestream',
  failure_mode: 'Certificate of the agent gateway expired',
  detection: 'Agents drop all at once.\n# not a heading',
  mitigation: 'Renew it, then restart agent-gateway.',
};
const HEADING = `## Failure mode: ${MODE.failure_mode}`;

describe('update_runbook on the shipped runbook', () => {
  let home: Home;
  let session: Session;
  let reader: Reader;
  beforeAll(async () => {
    home = await makeHome(bin, sandbox.config);
    session = await connect(bin, home, 'plain');
    reader = await connectReader(bin, home, 'second');
  });

  test('the plan shows the section; nothing is written before the approval, and the shipped file never', async () => {
    const shipped = await readFile(SHIPPED, 'utf8');
    const planned = await session.ok('update_runbook', MODE);
    const id = String(planned.approval_id);
    expect(planned).toMatchObject({
      status: 'approval_required',
      plan: { action: 'update_runbook', target: 'pulsestream', from: 'no such section', to: 'a new section' },
    });
    const [change] = (planned.plan as { changes: { from: string | null; to: string }[] }).changes;
    expect(change?.from).toBeNull();
    expect(change?.to).toContain(HEADING);
    expect(change?.to).toContain(MODE.mitigation);
    expect(change?.to).toContain('    # not a heading');
    expect(await reader.read('runbook://pulsestream')).toBe(shipped);

    expect((await home.decide('approve', id, sandbox.secret)).stdout).toContain(MODE.failure_mode);
    expect(await reader.read('runbook://pulsestream')).toBe(shipped);
    expect(await session.ok('update_runbook', { ...MODE, approval_id: id })).toMatchObject({ status: 'executed' });
    const now = await reader.read('runbook://pulsestream');
    expect(now).toBe(`${shipped.trimEnd()}\n\n${change?.to}`);
    expect(await readFile(SHIPPED, 'utf8')).toBe(shipped);
    const again = await session.call('update_runbook', MODE);
    expect(again.text).toMatch(/^CONFLICT: the runbook pulsestream says that already\. Next: /);
  });

  test('a changed section replaces the present one, and the plan shows both', async () => {
    const changed = { ...MODE, mitigation: 'Renew it; agents come back by themselves.' };
    const planned = await session.ok('update_runbook', changed);
    const [change] = (planned.plan as { changes: { from: string | null; to: string }[] }).changes;
    expect(change?.from).toContain(MODE.mitigation);
    await home.decide('approve', String(planned.approval_id), sandbox.secret);
    await session.ok('update_runbook', { ...changed, approval_id: planned.approval_id });
    const text = await reader.read('runbook://pulsestream');
    expect(text.split(HEADING)).toHaveLength(2);
    expect(text).toContain(changed.mitigation);
    expect(text).not.toContain(MODE.mitigation);
  });
});

describe('update_runbook in a folder of the user', () => {
  let home: Home;
  let folder: string;
  let session: Session;
  beforeAll(async () => {
    folder = await bin.folder();
    await writeFile(join(folder, 'network.md'), '# Network\n\nAsk Bo.\n');
    const config = await sandbox.configured((raw) => {
      raw.runbooks = { folder };
    });
    home = await makeHome(bin, config);
    session = await connect(bin, home, 'second');
  });
  const args = { ...MODE, runbook: 'network' };
  const onDisk = () => readFile(join(folder, 'network.md'), 'utf8');

  test('stale when somebody changed the file between the plan and the run: nothing is written', async () => {
    const planner = await connect(bin, home, 'plain');
    const planned = await planner.ok('update_runbook', args);
    const id = String(planned.approval_id);
    await home.decide('approve', id, sandbox.secret);
    await appendFile(join(folder, 'network.md'), '\nAsk Cy as well.\n');
    expect((await planner.call('update_runbook', { ...args, approval_id: id })).data.status).toBe('stale');
    expect(await onDisk()).toBe('# Network\n\nAsk Bo.\n\nAsk Cy as well.\n');
    const other = await planner.call('update_runbook', { ...args, mitigation: 'Something else.', approval_id: id });
    expect(other.isError || other.data.status === 'stale', other.text).toBe(true);
    expect(await onDisk()).not.toContain('Something else.');
  });

  test('a declined form writes nothing, an accepted one the very section', async () => {
    session.human = () => ({ action: 'decline' });
    expect(await session.ok('update_runbook', args)).toMatchObject({ status: 'declined' });
    expect(await onDisk()).not.toContain(HEADING);
    session.human = approving('network');
    expect(await session.ok('update_runbook', args)).toMatchObject({ status: 'executed' });
    expect(session.forms.at(-1)?.message).toContain(MODE.mitigation);
    expect(await onDisk()).toMatch(/^# Network\n\nAsk Bo\.\n\nAsk Cy as well\.\n\n## Failure mode: Certificate/);
  });

  test('a section between others is replaced as a whole, and the others stay to the byte', async () => {
    const before = await onDisk();
    const start = before.indexOf(HEADING);
    const tail = '## Contacts\n\nBo, then Cy.\n';
    await appendFile(join(folder, 'network.md'), `\n${tail}`);
    session.human = approving('network');
    const changed = { ...args, mitigation: 'Renew it; agents come back.' };
    expect(await session.ok('update_runbook', changed)).toMatchObject({ status: 'executed' });
    const after = await onDisk();
    expect(after.slice(0, start)).toBe(before.slice(0, start));
    expect(after.endsWith(`${changed.mitigation}\n\n${tail}`)).toBe(true);
    expect(after).not.toContain(MODE.mitigation);
    expect(after.split('**Detection**')).toHaveLength(2);
  });

  test('a name cannot leave the folder, and a folder in the place of a file is an answer, not a crash', async () => {
    for (const runbook of ['../network', 'a/b', '.hidden', 'a..b', '/etc/hosts']) {
      expect((await session.call('update_runbook', { ...args, runbook })).text).toMatch(/^INVALID_INPUT: .+ Next: .+/s);
    }
    await mkdir(join(folder, 'taken.md'));
    const { isError, text } = await session.call('update_runbook', { ...args, runbook: 'taken' });
    expect(isError, text).toBe(true);
    expect(text).toMatch(/^[A-Z_]+: .+ Next: .+/s);
    expect(text).not.toMatch(/\bat .+:\d+:\d+/);
  });
});

describe.each(['first', 'second'] as const)('resources for a %s-generation client', (generation) => {
  test('incidents, statistics and notices of changes made by another server', async () => {
    const home = await makeHome(bin, sandbox.config);
    const reader = await connectReader(bin, home, generation);
    const session = await connect(bin, home, 'plain');
    expect(await reader.uris()).toEqual([
      'runbook://severity-matrix',
      'incident://statistics',
      'runbook://pulsestream',
    ]);
    expect(await reader.read('runbook://severity-matrix')).toMatch(/SEV1.*platform down, all customers affected/s);

    await reader.follow('incident://INC-0001', 'incident://INC-0001/timeline');
    const id = await declareFrom(session, 'SEV3');
    expect(id).toBe('INC-0001');
    await until(
      async () => reader.updated.length,
      (n) => n >= 2,
    );
    expect([...new Set(reader.updated)].sort()).toEqual(['incident://INC-0001', 'incident://INC-0001/timeline']);
    expect(reader.listChanges()).toBeGreaterThan(0);
    expect(await reader.uris()).toEqual(expect.arrayContaining([`incident://${id}`, `incident://${id}/timeline`]));
    const seen = JSON.parse(await reader.read(`incident://${id}`)) as { incident: { severity: string } };
    expect(seen.incident.severity).toBe('SEV3');

    const told = reader.updated.length;
    await session.ok('record_timeline_event', { kind: 'note', message: 'seen by the reader' });
    await until(
      async () => reader.updated.length,
      (n) => n >= told + 2,
    );
    expect(reader.updated.length).toBeGreaterThanOrEqual(told + 2);
    expect(await reader.read(`incident://${id}/timeline`)).toContain('seen by the reader');

    for (const status of ['mitigated', 'resolved'])
      await session.ok('update_incident', { status, reason: 'it is well again' });
    await declareFrom(session, 'SEV1', { drill: true });
    await session.ok('draft_postmortem', { incident_id: id });
    expect(await reader.read(`incident://${id}/postmortem`)).toContain(id);
    const statistics = JSON.parse(await reader.read('incident://statistics')) as {
      incidents: number;
      metrics: unknown;
    };
    expect(statistics.incidents).toBe(2);
    // The drill is in no metric; one incident has no mean.
    expect(JSON.stringify(statistics.metrics)).toMatch(/"n":1\b/);
    expect(JSON.stringify(statistics.metrics)).not.toMatch(/"n":2\b/);
    await expect(reader.read('incident://INC-0099')).rejects.toThrow(/INC-0099/);
  });
});
