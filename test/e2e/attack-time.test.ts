import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { tellTests } from '../attack/tell-tests.ts';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { until } from '../helpers/process.ts';
import { accepted, connectRaw } from '../helpers/raw.ts';
import { startSandbox } from '../helpers/sandbox.ts';
import { connect } from '../helpers/session.ts';

tellTests('attacks: time, twice and by hand');
const bin = new Bin();
afterEach(() => bin.empty());

const ROLLBACK = { release: 'pulsestream-core', reason: 'it crashes' };

/** A sandbox, a machine, and a session of a client that cannot ask, with a plan for a rollback that waits. */
async function waiting(change: Parameters<Awaited<ReturnType<typeof startSandbox>>['configured']>[0] = () => {}) {
  const sandbox = await startSandbox(bin, 'bad-deploy');
  const home = await makeHome(bin, await sandbox.configured(change));
  const session = await connect(bin, home, 'plain');
  const planned = await session.ok('rollback_release', ROLLBACK);
  return { sandbox, home, session, id: String(planned.approval_id) };
}
const lifetime = (value: string) => (config: Record<string, unknown>) => {
  config.approval = { ...(config.approval as object), lifetime: value };
};

describe('an approval that is over', () => {
  test('expired before a decision: no form and no terminal revives it', async () => {
    const { sandbox, home, session, id } = await waiting(lifetime('1s'));
    const raw = connectRaw(bin, home);
    const asked = await raw.call('restart_service', { service: 'web-ui', reason: 'stuck' });
    await wait(1_100);
    const late = await raw.call(
      'restart_service',
      { service: 'web-ui', reason: 'stuck' },
      { requestState: asked.result?.requestState, inputResponses: accepted({ approve: true, approver: 'Ada' }) },
    );
    expect(late.result?.structuredContent).toMatchObject({ status: 'expired' });
    expect(await session.ok('rollback_release', { ...ROLLBACK, approval_id: id })).toMatchObject({ status: 'expired' });
    const decided = await home.decide('approve', id, sandbox.secret);
    expect(decided.code).toBe(1);
    expect(decided.stderr).toContain('expired');
    expect((await sandbox.truth()).actions).toEqual([]);
  });

  test('approved, and expired before it ran', async () => {
    const { sandbox, home, session, id } = await waiting(lifetime('3s'));
    expect((await home.decide('approve', id, sandbox.secret)).code).toBe(0);
    await wait(3_100);
    expect(await session.ok('rollback_release', { ...ROLLBACK, approval_id: id })).toMatchObject({ status: 'expired' });
    expect((await sandbox.truth()).actions).toEqual([]);
  });

  test('approved, and the release moved on: stale, also for a second try', async () => {
    const { sandbox, home, session, id } = await waiting();
    expect((await home.decide('approve', id, sandbox.secret)).code).toBe(0);
    const elsewhere = await sandbox.helm('rollback', 'pulsestream-core', '9', '-n', 'pulsestream-core-prod', '--wait');
    expect(elsewhere).toMatchObject({ code: 0 });
    for (const _try of [1, 2]) {
      expect(await session.ok('rollback_release', { ...ROLLBACK, approval_id: id })).toMatchObject({ status: 'stale' });
    }
    const { actions } = await sandbox.truth();
    expect(actions).toHaveLength(1);
    expect(actions[0]?.detail).toMatch(/\b9\b/);
    expect((await home.decide('approve', id, sandbox.secret)).code).toBe(1);
  });

  test('rejected at the terminal never runs, and cannot be approved later', async () => {
    const { sandbox, home, session, id } = await waiting();
    const rejected = await home.decide('reject', id, sandbox.secret);
    expect(rejected).toMatchObject({ code: 0 });
    expect((await home.decide('approve', id, sandbox.secret)).code).toBe(1);
    expect(await session.ok('rollback_release', { ...ROLLBACK, approval_id: id })).toMatchObject({
      status: 'declined',
    });
    expect((await sandbox.truth()).actions).toEqual([]);
  });
});

describe('one approval, several who use it', () => {
  test('two servers at once run it once', async () => {
    const { sandbox, home, session, id } = await waiting();
    const other = await connect(bin, home, 'plain');
    const raw = connectRaw(bin, home);
    expect((await home.decide('approve', id, sandbox.secret)).code).toBe(0);
    const call = { ...ROLLBACK, approval_id: id };
    const answers = await Promise.all([
      session.ok('rollback_release', call),
      other.ok('rollback_release', call),
      other.ok('rollback_release', call),
      raw.call('rollback_release', call).then((answer) => answer.result?.structuredContent ?? {}),
    ]);
    const statuses = answers.map((answer) => answer.status);
    expect(statuses).toContain('executed');
    for (const status of statuses) expect(['executed', 'in_progress']).toContain(status);
    expect((await sandbox.truth()).actions).toHaveLength(1);
    expect(await other.ok('rollback_release', call)).toMatchObject({ status: 'executed' });
    expect((await sandbox.truth()).actions).toHaveLength(1);
  });

  test('the slower of two servers, overtaken in its second look, answers with what the quicker one makes of it', async () => {
    const sandbox = await startSandbox(bin, 'bad-deploy', '--speed', '1');
    const go = `${sandbox.dir}/go`;
    const quick = await sandbox.script(
      'quick-helm',
      `case "$*" in *--dry-run*|*version*) exec "$HELM" "$@" ;; esac\n"$HELM" "$@" & child=$!\nsleep 0.5; touch '${go}'; wait $child`,
    );
    const slow = await sandbox.script(
      'slow-helm',
      `case "$*" in *--dry-run*) touch "$0.looks"; while [ ! -e '${go}' ]; do sleep 0.05; done ;; esac\nexec "$HELM" "$@"`,
    );
    const using = (helm: string) =>
      sandbox.configured((config) => {
        config.programs.helm = helm;
      });
    const home = await makeHome(bin, await using(quick));
    const winner = await connect(bin, home, 'plain');
    const loser = await connect(bin, home.using(await using(slow)), 'plain');
    const id = String((await winner.ok('rollback_release', ROLLBACK)).approval_id);
    expect((await home.decide('approve', id, sandbox.secret)).code).toBe(0);
    const call = { ...ROLLBACK, approval_id: id };
    const late = loser.call('rollback_release', call);
    expect(await until(async () => existsSync(`${slow}.looks`), Boolean)).toBe(true);
    const [won, lost] = await Promise.all([winner.ok('rollback_release', call), late]);
    expect(won.status).toBe('executed');
    expect(lost.isError, lost.text).toBe(false);
    expect(['executed', 'in_progress']).toContain(lost.data.status);
    expect((await sandbox.truth()).actions).toHaveLength(1);
  });

  test('approved twice is approved once, and runs once', async () => {
    const { sandbox, home, session, id } = await waiting();
    const both = await Promise.all([
      home.decide('approve', id, sandbox.secret, '--approver', 'Ada'),
      home.decide('approve', id, sandbox.secret, '--approver', 'Grace'),
    ]);
    expect(both.map((said) => said.code).sort()).toEqual([0, 1]);
    expect((await home.decide('approve', id, sandbox.secret)).code).toBe(1);
    const call = { ...ROLLBACK, approval_id: id };
    await session.ok('rollback_release', call);
    await session.ok('rollback_release', call);
    expect((await sandbox.truth()).actions).toHaveLength(1);
  });
});

describe('the secret at the terminal', () => {
  test('wrong decides nothing; five wrong ones lock the right one out too', async () => {
    const { sandbox, home, session, id } = await waiting();
    for (const secret of ['wrong', `${sandbox.secret}x`, sandbox.secret.toUpperCase() + 1, 'x'.repeat(3_000), '0']) {
      const said = await home.decide('approve', id, secret);
      expect(said.code).toBe(1);
      expect(said.stderr).toMatch(/^FORBIDDEN: .+ Next: /);
    }
    const locked = await home.decide('approve', id, sandbox.secret);
    expect(locked.code).toBe(1);
    expect(locked.stderr).toMatch(/^FORBIDDEN: .*locked.* Next: /);
    expect(await session.ok('rollback_release', { ...ROLLBACK, approval_id: id })).toMatchObject({
      status: 'approval_required',
    });
    expect((await sandbox.truth()).actions).toEqual([]);
  });

  test('missing, empty or without a terminal to ask at: usage, and nothing decided', async () => {
    const { sandbox, home, session, id } = await waiting();
    expect((await home.decide('approve', id, '')).code).toBe(2);
    expect((await home.command(['approve', id])).code).toBe(2);
    expect((await home.command(['approve', id, '--secret', sandbox.secret])).code).toBe(2);
    expect((await home.decide('approve', 'APR-0000000000', sandbox.secret)).code).toBe(1);
    expect(await session.ok('rollback_release', { ...ROLLBACK, approval_id: id })).toMatchObject({
      status: 'approval_required',
    });
  });

  test('an approval made by hand in the data folder does not run', async () => {
    const { sandbox, home, session, id } = await waiting();
    const file = (await readdir(`${home.data}/approvals`)).find((name) => name.startsWith(id)) ?? '';
    const path = `${home.data}/approvals/${file}`;
    const forged = (await readFile(path, 'utf8'))
      .replace('"status":"pending"', '"status":"approved"')
      .replace('"status": "pending"', '"status": "approved"')
      .replace(
        /"decisions":\s*\[\]/,
        `"decisions":[{"decision":"approve","way":"terminal","approver":"Mallory","note":null,"at":"${new Date().toISOString()}"}]`,
      );
    expect(forged).toContain('Mallory');
    await writeFile(path, forged);
    for (const who of [session, await connect(bin, home, 'plain')]) {
      const called = await who.call('rollback_release', { ...ROLLBACK, approval_id: id });
      expect(called.data.status).not.toBe('executed');
      expect(called.text).not.toMatch(/it ran once/);
    }
    expect((await sandbox.truth()).actions).toEqual([]);
  });
});
