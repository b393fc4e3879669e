import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { tellTests } from '../attack/tell-tests.ts';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { approving, connect } from '../helpers/session.ts';
import { declareFrom } from '../helpers/story.ts';

tellTests('attacks: words to customers and runbooks');
const bin = new Bin();
afterEach(() => bin.empty());

/** How often the sinks received these words. */
const heard = async (sandbox: Sandbox, words: string): Promise<number> =>
  (await sandbox.truth()).notifications.filter((n) => n.sink === 'slack' && JSON.stringify(n.body).includes(words))
    .length;

test('customers are told only the words that a human approved, once', async () => {
  const sandbox = await startSandbox(bin, 'bad-deploy');
  const home = await makeHome(bin, sandbox.config);
  const session = await connect(bin, home, 'plain');
  await declareFrom(session, 'SEV2');
  const update = { audience: 'customers', message: 'Analyses are delayed, zebra.' };
  const planned = await session.ok('send_update', update);
  expect(planned).toMatchObject({ status: 'approval_required', update: null, notifications: [] });
  const id = String(planned.approval_id);
  expect(await session.ok('send_update', { ...update, approval_id: id })).toMatchObject({
    status: 'approval_required',
  });

  expect((await home.decide('approve', id, sandbox.secret)).code).toBe(0);
  const other = await session.call('send_update', { ...update, message: 'All is well, giraffe.', approval_id: id });
  expect(other.text).toMatch(/^CONFLICT: .*nothing was run.* Next: /s);
  const toAll = await session.call('send_update', {
    ...update,
    audience: 'executives',
    message: 'Fine, okapi.',
    approval_id: id,
  });
  expect(toAll.data.status).not.toBe('executed');
  expect(await heard(sandbox, 'zebra')).toBe(0);

  expect(await session.ok('send_update', { ...update, approval_id: id })).toMatchObject({ status: 'executed' });
  expect(await session.ok('send_update', { ...update, approval_id: id })).toMatchObject({ status: 'executed' });
  expect(await heard(sandbox, 'zebra')).toBe(1);
  expect(await heard(sandbox, 'giraffe')).toBe(0);
});

test('a runbook is written only with the text that a human approved', async () => {
  const sandbox = await startSandbox(bin, 'healthy');
  const home = await makeHome(bin, sandbox.config);
  const session = await connect(bin, home, 'second');
  const section = {
    runbook: 'pulsestream',
    failure_mode: 'Spool is full',
    detection: 'OOM kills',
    mitigation: 'Restart it',
  };
  const file = join(home.data, 'runbooks', 'pulsestream.md');
  session.human = () => ({ action: 'decline' });
  expect(await session.ok('update_runbook', section)).toMatchObject({ status: 'declined' });
  expect(existsSync(file)).toBe(false);
  session.human = approving();
  const done = await session.ok('update_runbook', section);
  expect(done).toMatchObject({ status: 'executed', plan: { target: 'pulsestream' } });
  expect(session.forms.at(-1)?.message).toContain('Restart it');
  const written = await readFile(file, 'utf8');
  expect(written).toContain('Spool is full');
  const again = await session.call('update_runbook', {
    ...section,
    mitigation: 'rm it',
    approval_id: done.approval_id,
  });
  expect(again.text).toMatch(/^CONFLICT: .*nothing was run.* Next: /s);
  expect(await readFile(file, 'utf8')).toBe(written);
});
