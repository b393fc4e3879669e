import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/domain/timeline.ts';
import { Bin } from '../helpers/bin.ts';
import { connect, type Session } from '../helpers/session.ts';
import { declareFrom } from '../helpers/story.ts';
import { Authenticator } from './authenticator.ts';
import { incidentOf, type Planned, ROLLBACK, startTarget, type Target, withPolicy } from './target.ts';
import { tellTests, tries } from './tell-tests.ts';

/** Other hands write into the data folder. They hold no key of the record, so nothing that they write may run or be believed. */

tellTests("attacks: the data folder's files");
const bin = new Bin();
afterAll(() => bin.empty());

type Json = Record<string, unknown>;
const decisionBy = (approver: string, way = 'terminal'): Json => ({
  decision: 'approve',
  way,
  approver,
  note: null,
  at: new Date().toISOString(),
});
const plain = (body: Json): Json => ({ ...body, seal: createHash('sha256').update(canonicalJson(body)).digest('hex') });

describe('a plan that waits', () => {
  let target: Target;
  let planned: Planned;
  let kept = '';
  let other: Session;
  beforeAll(async () => {
    target = await startTarget(bin, { change: withPolicy({ ways: ['terminal', 'passkey'], approvers: 2 }) });
    await incidentOf(target);
    planned = await target.plan();
    kept = await readFile(target.approvalFile(planned.id), 'utf8');
    other = await connect(bin, target.home, 'plain');
  });
  afterEach(() => writeFile(target.approvalFile(planned.id), kept));

  test.each<[string, (file: Json) => Json]>([
    ['approved', (file) => ({ ...file, status: 'approved', decisions: [decisionBy('Ada'), decisionBy('Grace')] })],
    ['approved, without anybody', (file) => ({ ...file, status: 'approved' })],
    [
      'approved, and sealed without the key',
      ({ seal: _seal, ...file }) =>
        plain({ ...file, status: 'approved', decisions: [decisionBy('Ada'), decisionBy('Grace')] }),
    ],
    [
      'approved, and the seal taken away',
      ({ seal: _seal, ...file }) => ({
        ...file,
        status: 'approved',
        decisions: [decisionBy('Ada'), decisionBy('Grace')],
      }),
    ],
    ['approved, and the seal emptied', (file) => ({ ...file, status: 'approved', seal: '' })],
    ['with one decision put in', (file) => ({ ...file, decisions: [decisionBy('Ada')] })],
    ['with a decision by a passkey put in', (file) => ({ ...file, decisions: [decisionBy('Ada', 'passkey')] })],
    ['with its ways widened', (file) => ({ ...file, ways: ['client_form', 'terminal', 'page_secret', 'passkey'] })],
    ['needing one person only', (file) => ({ ...file, approvers_needed: 1 })],
    ['living for a year', (file) => ({ ...file, expires_at: '2099-01-01T00:00:00.000Z' })],
    ['made later', (file) => ({ ...file, created_at: '2099-01-01T00:00:00.000Z' })],
    ['for other arguments', (file) => ({ ...file, arguments: { ...(file.arguments as Json), revision: 3 } })],
    ['for another hash of the arguments', (file) => ({ ...file, arguments_hash: '0'.repeat(64) })],
    ['with another digest', (file) => ({ ...file, plan: { ...(file.plan as Json), digest: '0'.repeat(64) } })],
    [
      'with another command',
      (file) => ({ ...file, plan: { ...(file.plan as Json), command: ['helm', 'uninstall', 'pulsestream-core'] } }),
    ],
    ['with another target', (file) => ({ ...file, plan: { ...(file.plan as Json), target: 'pulsestream-agent' } })],
    ['with a lower risk', (file) => ({ ...file, plan: { ...(file.plan as Json), risk: 'low' } })],
    ['with its warnings taken out', (file) => ({ ...file, plan: { ...(file.plan as Json), warnings: [] } })],
    ['of another tool', (file) => ({ ...file, tool: 'scale_down' })],
    ['of another incident', (file) => ({ ...file, incident_id: null })],
    ["with another approver's secret", (file) => ({ ...file, secret_id: '0'.repeat(64) })],
    ["with no approver's secret pinned", ({ secret_id: _gone, ...file }) => file],
    ['with a passkey more', (file) => ({ ...file, passkeys: ['0'.repeat(64)] })],
    [
      'as a run that was cut short',
      (file) => ({ ...file, status: 'running', runner: { pid: 1, token: 'x', started_at: new Date().toISOString() } }),
    ],
  ])('edited to be %s: nothing runs, nobody can approve it, verify tells', async (_what, edit) => {
    const file = JSON.parse(kept) as Json;
    await writeFile(target.approvalFile(planned.id), JSON.stringify(edit(file), null, 2));
    await target.nothingRan(planned.id);
    const called = await other.call('rollback_release', { ...ROLLBACK, approval_id: planned.id });
    expect(called.text).toMatch(/damaged|cannot be used/);
    const ran = await target.home.command(['run', planned.id, '--secret-stdin'], `${target.sandbox.secret}\n`);
    expect(ran.code).not.toBe(0);
    const verified = await target.home.command(['verify']);
    expect(verified.code).toBe(1);
    expect(verified.stdout).toContain(planned.id);
    expect((await target.sandbox.truth()).actions).toEqual([]);
    tries(3);
  });

  test.each<[string, (path: string) => Promise<unknown>]>([
    ['cut off', (path) => writeFile(path, kept.slice(0, kept.length / 2))],
    ['empty', (path) => writeFile(path, '')],
    ['a list', (path) => writeFile(path, '[]')],
    [
      'a symbolic link to the same text',
      async (path) => {
        await copyFile(path, `${path}.moved`);
        await rm(path);
        await symlink(`${path}.moved`, path);
      },
    ],
    [
      'a symbolic link to a device',
      async (path) => {
        await rm(path);
        await symlink('/dev/zero', path);
      },
    ],
    [
      'a folder',
      async (path) => {
        await rm(path);
        await mkdir(path);
      },
    ],
  ])('that is %s: nothing runs', async (_what, bend) => {
    const path = target.approvalFile(planned.id);
    await bend(path);
    try {
      await target.nothingRan(planned.id);
      const decided = await target.home.decide('approve', planned.id, target.sandbox.secret);
      expect(decided.code).not.toBe(0);
    } finally {
      await rm(path, { recursive: true, force: true });
      await rm(`${path}.moved`, { force: true });
    }
    tries(2);
  });

  test('whose folder is a symbolic link: nothing runs', async () => {
    const folder = join(target.home.data, 'approvals');
    await rename(folder, `${folder}-elsewhere`);
    await symlink(`${folder}-elsewhere`, folder);
    try {
      await target.nothingRan(planned.id);
    } finally {
      await rm(folder);
      await rename(`${folder}-elsewhere`, folder);
    }
  });
});

describe('a plan that was decided', () => {
  test('the file of an approved plan under the name of another one runs nothing more than what was approved', async () => {
    const target = await startTarget(bin);
    const restart = { service: 'web-ui', reason: 'stuck' };
    const approved = await target.plan('restart_service', restart);
    const waits = await target.plan();
    expect((await target.home.decide('approve', approved.id, target.sandbox.secret)).code).toBe(0);
    await copyFile(target.approvalFile(approved.id), target.approvalFile(waits.id));
    await target.nothingRan(waits.id);
    // Under its own name it runs; under the other it does not run again.
    expect((await target.run(approved.id, 'restart_service', restart)).data.status).toBe('executed');
    await target.run(waits.id, 'restart_service', restart);
    expect((await target.sandbox.truth()).actions).toHaveLength(1);
    tries(2);
  });

  test('the file from before a rejection, put back, needs a human again', async () => {
    const target = await startTarget(bin);
    const planned = await target.plan();
    const before = await readFile(target.approvalFile(planned.id), 'utf8');
    expect((await target.home.decide('reject', planned.id, target.sandbox.secret)).code).toBe(0);
    await writeFile(target.approvalFile(planned.id), before);
    await target.nothingRan(planned.id);
  });

  test('a decision by passkey without its signature is found out, also where the chain was written with the key', async () => {
    const grace = new Authenticator();
    const target = await startTarget(bin, { passkeys: [grace.enrolled('Grace Example')] });
    const incident = await incidentOf(target);
    const planned = await target.plan();
    const { createStore } = await import('../../src/adapters/store/index.ts');
    const { recordKey } = await import('../../src/cli/record-key.ts');
    const store = await createStore({
      dir: target.home.data,
      clock: { now: () => new Date() },
      key: recordKey(join(target.home.dir, 'config', 'incident-mcp', 'record.key')),
    });
    await store.append(incident, () => [
      {
        kind: 'approval_decided',
        message: `${planned.id} approved by Grace Example through the approval page, with a passkey`,
        actor: { type: 'human', name: 'Grace Example' },
        approval_id: planned.id,
        data: { decision: 'approve', way: 'passkey' },
      },
    ]);
    const verified = await target.home.command(['verify', '--json']);
    expect(verified.code).toBe(1);
    expect(JSON.parse(verified.stdout)).toMatchObject({
      problems: [],
      passkey_proofs: 0,
      proofs: [{ stream: incident }],
    });
    await target.nothingRan(planned.id);
  });
});

describe('the timeline', () => {
  let target: Target;
  beforeAll(async () => {
    target = await startTarget(bin, { change: withPolicy({ severity: 'SEV1', ways: ['terminal'] }) });
  });
  test.each<[string, (lines: string[]) => string[], string]>([
    ['an approval put in', (lines) => [...lines, forged(lines, 'approved by Ada through the terminal')], 'altered'],
    ['the newest event taken away', (lines) => lines.slice(0, -1), 'truncated'],
    ['the first event taken away', (lines) => lines.slice(1), 'removed'],
    ['two events in another order', (lines) => [lines[1] ?? '', lines[0] ?? '', ...lines.slice(2)], 'reordered'],
    ['an event twice', (lines) => [...lines, lines.at(-1) ?? ''], 'inserted'],
  ])('with %s is told by verify, and softens no policy', async (_what, edit, said) => {
    // A server of its own, gone before the edit: none may write meanwhile.
    const writer = await connect(bin, target.home, 'plain');
    const incident = await declareFrom(writer, 'SEV1');
    await writer.ok('record_timeline_event', { incident_id: incident, kind: 'note', message: 'one more' });
    await writer.close();
    const path = join(target.home.data, 'incidents', incident, 'timeline.jsonl');
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    await writeFile(path, `${edit(lines).join('\n')}\n`);
    await rm(join(target.home.data, 'incidents', incident, 'state.json'), { force: true });
    const verified = await target.home.command(['verify', incident]);
    expect(verified.code).toBe(1);
    expect(verified.stdout).toContain(said);
    // A server that reads the edited file must not take the client's form for what needs a terminal.
    const victim = await connect(bin, target.home, 'first');
    victim.human = () => ({ action: 'accept', content: { approve: true, approver: 'Mallory' } });
    await victim.call('rollback_release', { ...ROLLBACK, incident_id: incident });
    await victim.close();
    expect((await target.sandbox.truth()).actions).toEqual([]);
    tries(2);
  });
});

function forged(lines: readonly string[], message: string): string {
  const last = JSON.parse(lines.at(-1) ?? '{}') as Json & { seq: number; hash: string };
  const { hash: _hash, ...body } = {
    ...last,
    seq: last.seq + 1,
    id: `E${last.seq + 1}`,
    message,
    prev_hash: last.hash,
  };
  return canonicalJson({ ...body, hash: createHash('sha256').update(canonicalJson(body)).digest('hex') });
}
