import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { connect } from '../helpers/session.ts';
import { declareFrom } from '../helpers/story.ts';
import { cluster } from './cluster.ts';
import { ROLLBACK, startTarget, withPolicy } from './target.ts';
import { tellTests, tries } from './tell-tests.ts';

/** Files that the server sealed itself, put back or copied; and a record that was edited to soften the policy. */

tellTests('attacks: sealed files put back');
const bin = new Bin();
afterAll(() => bin.empty());

test('the file of an approved plan from before its run, put back after it, does not run it again', async () => {
  const target = await startTarget(bin);
  const scale = { reason: 'stop the bleeding' };
  const replicas = await cluster(target.sandbox).replicas();
  const planned = await target.plan('scale_down', scale);
  expect((await target.home.decide('approve', planned.id, target.sandbox.secret)).code).toBe(0);
  const kept = await readFile(target.approvalFile(planned.id), 'utf8');
  expect((await target.run(planned.id, 'scale_down', scale)).data.status).toBe('executed');
  // A colleague brings the platform up again; the world is as it was approved.
  await cluster(target.sandbox).scale(replicas);
  const before = (await target.sandbox.truth()).actions.length;
  await writeFile(target.approvalFile(planned.id), kept);
  tries(3);
  const again = await target.run(planned.id, 'scale_down', scale);
  expect(again.data.status).not.toBe('executed');
  const other = await connect(bin, target.home, 'plain');
  await other.call('scale_down', { ...scale, approval_id: planned.id });
  await writeFile(target.approvalFile(planned.id), kept);
  expect((await target.home.command(['run', planned.id, '--secret-stdin'], `${target.sandbox.secret}\n`)).code).toBe(1);
  expect((await target.sandbox.truth()).actions).toHaveLength(before);
});

test('the file of an approved plan under the name of another one is damaged there', async () => {
  const target = await startTarget(bin);
  const restart = { service: 'web-ui', reason: 'stuck' };
  const approved = await target.plan('restart_service', restart);
  const waits = await target.plan();
  expect((await target.home.decide('approve', approved.id, target.sandbox.secret)).code).toBe(0);
  await copyFile(target.approvalFile(approved.id), target.approvalFile(waits.id));
  const called = await target.run(waits.id, 'restart_service', restart);
  expect(called.text).toContain('damaged');
  expect(await target.done()).toEqual([]);
});

test('a severity lowered in the file of the timeline does not soften the policy', async () => {
  const target = await startTarget(bin, { change: withPolicy({ severity: 'SEV1', ways: ['terminal'] }) });
  const writer = await connect(bin, target.home, 'plain');
  const incident = await declareFrom(writer, 'SEV1');
  await writer.close();
  const folder = join(target.home.data, 'incidents', incident);
  const text = await readFile(join(folder, 'timeline.jsonl'), 'utf8');
  await writeFile(join(folder, 'timeline.jsonl'), text.replaceAll('SEV1', 'SEV4'));
  await rm(join(folder, 'state.json'), { force: true });
  const victim = await connect(bin, target.home, 'first');
  victim.human = () => ({ action: 'accept', content: { approve: true, approver: 'Mallory' } });
  const called = await victim.ok('rollback_release', { ...ROLLBACK, incident_id: incident });
  expect(called.status).toBe('approval_required');
  expect(JSON.stringify(called.plan)).toContain('was altered');
  expect(victim.forms).toEqual([]);
  expect(await target.done()).toEqual([]);
});
