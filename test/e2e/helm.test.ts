import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { until } from '../helpers/process.ts';
import { connectRaw } from '../helpers/raw.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { approving, connect } from '../helpers/session.ts';
import { declareFrom, ERROR, eventsOf, kindsOf } from '../helpers/story.ts';

const bin = new Bin();
afterEach(() => bin.empty());

const ROLLBACK = { release: 'pulsestream-core', reason: 'it crashes' };

/** A session whose helm is a script of the test; `null` names a program that is not there. */
async function withHelm(body: string | null, deadline = '2s', source = '2s') {
  const sandbox = await startSandbox(bin, 'bad-deploy');
  const helm = body === null ? join(sandbox.dir, 'bin', 'no-such-helm') : await sandbox.script('own-helm', body);
  const config = await sandbox.configured((raw) => {
    raw.programs.helm = helm;
    raw.rollout_deadline = deadline;
    raw.source_deadline = source;
  });
  const home = await makeHome(bin, config);
  const session = await connect(bin, home, 'first');
  session.human = approving();
  return { sandbox, home, session };
}
/** Plans like the real one; the body decides what the run itself does. */
const atRun = (body: string): string => `case "$*" in *--dry-run*|*version*) exec "$HELM" "$@" ;; esac\n${body}`;
const rollbacks = async (sandbox: Sandbox) => (await sandbox.truth()).actions.filter((a) => a.kind === 'rollback');

describe('a helm that cannot plan: nothing is asked, nothing runs, reading goes on', () => {
  test.each<[string, string | null, string, RegExp]>([
    ['is missing', null, 'NOT_CONFIGURED', /helm program was not found/],
    [
      'fails',
      'echo "Error: token=planted-secret-1234567890 \\033[31mboom" >&2; exit 1',
      'CONFLICT',
      /dry run of helm failed/,
    ],
    ['hangs', 'sleep 30', 'UNAVAILABLE', /did not end in time/],
    ['prints garbage and fails', 'head -c 3000000 /dev/urandom; exit 3', 'CONFLICT', /dry run of helm failed/],
    ['is killed', 'kill -9 $$', 'CONFLICT', /dry run of helm failed/],
  ])('%s', async (_what, body, code, said) => {
    const { sandbox, session } = await withHelm(body);
    const began = performance.now();
    const { isError, text } = await session.call('rollback_release', ROLLBACK);
    expect(performance.now() - began).toBeLessThan(8_000);
    expect(isError).toBe(true);
    expect(text).toMatch(ERROR);
    expect(text).toMatch(new RegExp(`^${code}: `));
    expect(text).toMatch(said);
    expect(text).not.toMatch(/planted-secret/);
    expect(text).not.toContain('\u001b');
    expect(text.length).toBeLessThan(2_000);
    expect(session.forms).toEqual([]);
    expect((await sandbox.truth()).actions).toEqual([]);
    // Histories are read from the cluster, so triage does not need the program.
    expect((await session.ok('check_recent_deploys')).rollback_candidate).toMatchObject({ to_revision: 10 });
    const restarted = await session.ok('restart_service', { service: 'web-ui', reason: 'helm is not needed for this' });
    expect(restarted.status).toBe('executed');
  });
});

describe('a helm that goes wrong in the approved run: the record says what is known', () => {
  test.each<[string, string, string[], RegExp]>([
    ['fails', 'echo "Error: UPGRADE FAILED: password=planted-secret-1234567890" >&2; exit 1', ['failed'], /exit 1/],
    ['hangs beyond its deadline', 'sleep 60', ['outcome_unknown'], /did not end within/],
    [
      'says that it went well, and did nothing',
      'echo "Rollback was a success! Happy Helming!"',
      ['failed'],
      /no new revision/,
    ],
    ['prints garbage and says that it went well', 'head -c 2000000 /dev/urandom', ['failed'], /no new revision/],
    ['is killed before it did anything', 'kill -9 $$', ['failed'], /killed before it wrote/],
  ])('%s', async (_what, body, statuses, said) => {
    const { sandbox, session } = await withHelm(atRun(body));
    const incident = await declareFrom(session, 'SEV2');
    const done = await session.ok('rollback_release', ROLLBACK);
    expect(statuses).toContain(done.status);
    const { summary } = done.outcome as { summary: string };
    expect(summary).toMatch(said);
    expect(summary).not.toMatch(/planted-secret/);
    expect(await rollbacks(sandbox)).toEqual([]);
    const finished = (await eventsOf(session, incident)).filter((e) => e.kind === 'command_finished');
    expect(finished).toHaveLength(1);
    expect(finished[0]?.message).toContain(String(done.status));
    expect(finished[0]?.message).not.toMatch(/planted-secret/);
    // The approval is spent, whatever became of it.
    expect(await session.ok('rollback_release', { ...ROLLBACK, approval_id: done.approval_id })).toMatchObject({
      status: done.status,
    });
    expect(session.forms).toHaveLength(1);
  });

  test('runs on when the client goes away, and its outcome is recorded', async () => {
    const { sandbox, home, session } = await withHelm(atRun('touch "$0.began"; sleep 1; exec "$HELM" "$@"'), '20s');
    const incident = await declareFrom(session, 'SEV2');
    const call = session.call('rollback_release', ROLLBACK).catch(() => null);
    expect(await until(async () => existsSync(join(sandbox.dir, 'bin', 'own-helm.began')), Boolean)).toBe(true);
    await session.close();
    await call;
    expect((await sandbox.recovered()).recovered).toBe(true);
    expect(await rollbacks(sandbox)).toHaveLength(1);
    const later = await connect(bin, home, 'plain');
    expect(await later.ok('get_approval')).toMatchObject({ approvals: [{ status: 'executed' }] });
    const kinds = kindsOf(await eventsOf(later, incident));
    expect(kinds.filter((kind) => kind === 'command_started')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'command_finished')).toHaveLength(1);
    expect(await rollbacks(sandbox)).toHaveLength(1);
  });

  test('is not begun when the client cancels before', async () => {
    const { sandbox, home, session } = await withHelm(
      'case "$*" in *--dry-run*) sleep 1 ;; esac\nexec "$HELM" "$@"',
      '20s',
      '10s',
    );
    const raw = connectRaw(bin, home);
    const planned = (await session.call('get_approval')).data;
    expect(planned).toEqual({ approvals: [] });
    session.human = () => ({ action: 'cancel' });
    const id = String((await session.ok('rollback_release', ROLLBACK)).approval_id);
    expect((await home.decide('approve', id, sandbox.secret)).code).toBe(0);
    const cancelled = raw.call('rollback_release', { ...ROLLBACK, approval_id: id });
    await new Promise((wake) => setTimeout(wake, 300));
    raw.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })}\n`);
    await Promise.race([cancelled, new Promise((wake) => setTimeout(wake, 2_500))]);
    expect((await sandbox.truth()).actions).toEqual([]);
    // The approval is not spent: the human's word still stands.
    expect(await session.ok('rollback_release', { ...ROLLBACK, approval_id: id })).toMatchObject({
      status: 'executed',
    });
    expect(await rollbacks(sandbox)).toHaveLength(1);
  });
});
