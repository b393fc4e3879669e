import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hashSecret } from '../../src/cli/approver-secret.ts';
import { Bin } from '../helpers/bin.ts';
import type { Home } from '../helpers/home.ts';
import type { Said } from '../helpers/process.ts';
import { incidentOf, type Planned, startTarget, type Target, withPolicy } from './target.ts';
import { tellTests, tries } from './tell-tests.ts';

/** `incident-mcp run ID`, as an assistant with a shell would misuse it. */

tellTests('attacks: break glass');
const bin = new Bin();
afterAll(() => bin.empty());

const run = (target: Target, id: string, secret: string, home: Home = target.home, ...more: string[]): Promise<Said> =>
  home.command(['run', id, '--secret-stdin', ...more], `${secret}\n`);
const nothing = async (target: Target): Promise<void> => expect((await target.sandbox.truth()).actions).toEqual([]);

describe('a plan that waits', () => {
  let target: Target;
  let planned: Planned;
  beforeAll(async () => {
    target = await startTarget(bin);
    planned = await target.plan();
  });
  afterEach(() => nothing(target));

  test('does not run with a wrong secret', async () => {
    expect(await run(target, planned.id, 'guess')).toMatchObject({ code: 1 });
  });
  test('does not run without a secret, by a flag, or with an empty one', async () => {
    const said = [
      await run(target, planned.id, ''),
      await target.home.command(['run', planned.id]),
      await target.home.command(['run', planned.id, '--secret', target.sandbox.secret]),
      await target.home.command(['run', planned.id, '--yes']),
      await target.home.command(['run', planned.id, '--force']),
    ];
    tries(said.length);
    for (const { code } of said) expect(code).toBe(2);
  });
  test.each(['APR-0000000000', 'APR-', '../approvals/APR-0000000000', '--config=/dev/null', ''])(
    'is not run under the id %j',
    async (id) => {
      expect((await run(target, id, target.sandbox.secret)).code).not.toBe(0);
    },
  );
  test("does not run with a configuration that brings a secret of the assistant's own", async () => {
    const folder = await bin.folder();
    await writeFile(join(folder, 'mine.hash'), `${await hashSecret('chosen by the assistant')}\n`);
    const config = await target.sandbox.configured((raw) => {
      raw.approval = { secret_file: join(folder, 'mine.hash') };
    });
    const said = await run(target, planned.id, 'chosen by the assistant', target.home.using(config));
    expect(said.code).toBe(1);
    expect(said.stderr).toMatch(/^FORBIDDEN: /m);
  });
  test('does not run after its file was edited', async () => {
    const file = target.approvalFile(planned.id);
    const kept = await readFile(file, 'utf8');
    const edited = JSON.parse(kept) as { arguments: Record<string, unknown>; status: string };
    tries(2);
    for (const change of [{ arguments: { ...edited.arguments, revision: 3 } }, { status: 'approved' }]) {
      await writeFile(file, JSON.stringify({ ...edited, ...change }));
      expect((await run(target, planned.id, target.sandbox.secret)).code).toBe(1);
    }
    await writeFile(file, kept);
  });
  test('does not run with a data folder that does not have it', async () => {
    const folder = await bin.folder();
    const said = await target.home.command(['approve', planned.id, '--secret-stdin', '--note', folder], '\n');
    expect(said.code).not.toBe(0);
  });
});

test('a rejected plan does not run', async () => {
  const target = await startTarget(bin);
  const { id } = await target.plan();
  expect((await target.home.decide('reject', id, target.sandbox.secret)).code).toBe(0);
  expect((await run(target, id, target.sandbox.secret)).code).toBe(1);
  await nothing(target);
});

test('an expired plan does not run', async () => {
  const target = await startTarget(bin, {
    change: (config) => {
      config.approval = { ...(config.approval as object), lifetime: '1s' };
    },
  });
  const { id } = await target.plan();
  await new Promise((wake) => setTimeout(wake, 1_050));
  expect((await run(target, id, target.sandbox.secret)).code).toBe(1);
  await nothing(target);
});

test('a plan whose world moved does not run', async () => {
  const target = await startTarget(bin);
  const { id } = await target.plan();
  await target.sandbox.helm('rollback', 'pulsestream-core', '9', '-n', 'pulsestream-core-prod', '--wait');
  const said = await run(target, id, target.sandbox.secret);
  expect(said.code).toBe(1);
  const { actions } = await target.sandbox.truth();
  expect(actions).toHaveLength(1);
  expect(actions[0]?.detail).toMatch(/\b9\b/);
});

test('a plan that the policy keeps from the terminal, or that needs two people, does not run', async () => {
  tries(2);
  const target = await startTarget(bin, {
    change: withPolicy({ action: 'restart_service', ways: ['terminal'], approvers: 2 }, { ways: ['passkey'] }),
  });
  await incidentOf(target);
  const one = await target.plan();
  expect((await run(target, one.id, target.sandbox.secret)).code).toBe(1);
  const restart = { service: 'web-ui', reason: 'stuck' };
  const two = await target.plan('restart_service', restart);
  expect((await run(target, two.id, target.sandbox.secret, target.home, '--approver', 'Ada')).code).toBe(1);
  expect((await run(target, two.id, target.sandbox.secret, target.home, '--approver', ' ADA\u200b')).code).toBe(1);
  expect((await run(target, two.id, target.sandbox.secret, target.home, '--approver', '\uff21\uff44\uff41')).code).toBe(
    1,
  );
  await nothing(target);
});

test('twice at once, and beside the assistant, it runs once and the record says who ran it', async () => {
  const target = await startTarget(bin);
  const incident = await incidentOf(target);
  const { id } = await target.plan();
  tries(4);
  const said = await Promise.all([
    run(target, id, target.sandbox.secret, target.home, '--approver', 'Ada Example'),
    run(target, id, target.sandbox.secret, target.home, '--approver', 'Ada Example'),
    target.run(id),
    target.run(id),
  ]);
  expect(said).toHaveLength(4);
  await run(target, id, target.sandbox.secret);
  const { actions } = await target.sandbox.truth();
  expect(actions.length).toBeLessThanOrEqual(1);
  const told = await readFile(join(target.home.data, 'incidents', incident, 'timeline.jsonl'), 'utf8');
  expect(told.split('"command_started"').length - 1).toBe(actions.length);
});
