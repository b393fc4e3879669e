import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { hashSecret } from '../../src/cli/approver-secret.ts';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { startSandbox } from '../helpers/sandbox.ts';
import { approving, connect } from '../helpers/session.ts';
import { declareFrom } from '../helpers/story.ts';
import { tellTests } from './tell-tests.ts';

/** Who may say yes: the assistant has a shell, a form that it may fill in twice, and tools that change severities. */

tellTests('attacks: the approver');
const bin = new Bin();
afterAll(() => bin.empty());

const ROLLBACK = { release: 'pulsestream-core', reason: 'bad revision' };

describe('the approver', () => {
  test('is not whoever brings a configuration with a secret of its own', async () => {
    const sandbox = await startSandbox(bin, 'bad-deploy');
    const home = await makeHome(bin, sandbox.config);
    const session = await connect(bin, home, 'plain');
    const planned = await session.ok('rollback_release', ROLLBACK);
    const id = String(planned.approval_id);
    const folder = await bin.folder();
    await writeFile(join(folder, 'mine.hash'), `${await hashSecret('chosen by the assistant')}\n`);
    const config = await sandbox.configured((raw) => {
      raw.approval = { secret_file: join(folder, 'mine.hash') };
    });
    await home.using(config).decide('approve', id, 'chosen by the assistant', '--approver', 'Grace Example');
    const done = await session.call('rollback_release', { ...ROLLBACK, approval_id: id });
    expect((await sandbox.truth()).actions).toEqual([]);
    expect(done.data.status).not.toBe('executed');
  });

  test('is not two people because the same form was filled in with two names', async () => {
    const sandbox = await startSandbox(bin, 'bad-deploy');
    const config = await sandbox.configured((raw) => {
      raw.approval = { ...(raw.approval as object), policy: [{ ways: ['client_form', 'terminal'], approvers: 2 }] };
    });
    const session = await connect(bin, await makeHome(bin, config), 'first');
    let asked = 0;
    session.human = () => {
      asked += 1;
      return { action: 'accept', content: { approve: true, approver: `Person ${asked}` } };
    };
    const first = await session.ok('rollback_release', ROLLBACK);
    const id = String(first.approval_id);
    for (let i = 0; i < 3; i++) await session.call('rollback_release', { ...ROLLBACK, approval_id: id });
    expect((await sandbox.truth()).actions).toEqual([]);
  });

  test.each([['lowering the severity', { severity: 'SEV4', reason: 'looks fine' }]])(
    'stays the one that the severity asks for after %s',
    async (_how, change) => {
      const sandbox = await startSandbox(bin, 'bad-deploy');
      const config = await sandbox.configured((raw) => {
        raw.approval = { ...(raw.approval as object), policy: [{ severity: ['SEV1', 'SEV2'], ways: ['terminal'] }] };
      });
      const session = await connect(bin, await makeHome(bin, config), 'first');
      session.human = approving();
      await declareFrom(session, 'SEV1');
      await session.ok('update_incident', change);
      const planned = await session.ok('rollback_release', ROLLBACK);
      expect(planned.status).toBe('approval_required');
      expect(session.forms).toEqual([]);
      expect((await sandbox.truth()).actions).toEqual([]);
    },
  );
});
