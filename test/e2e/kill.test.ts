import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { until } from '../helpers/process.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { connect, type Session } from '../helpers/session.ts';
import { declareFrom, eventsOf, kindsOf } from '../helpers/story.ts';

const bin = new Bin();
afterEach(() => bin.empty());

const ROUNDS = 20;
const WRITERS = 4;
/** Between the first write and the kill, ms; spread so that every stage of a write is hit. */
const afterMs = (round: number): number => 5 + ((round * 37) % 120) + Math.random() * 10;

describe('kill -9 while events are recorded', () => {
  test(`${ROUNDS} rounds: all that was acknowledged is there once, and the numbers have no gap`, async () => {
    const sandbox = await startSandbox(bin, 'healthy');
    const home = await makeHome(bin, sandbox.config);
    let session = await connect(bin, home, 'plain');
    const id = await declareFrom(session, 'SEV3');
    const acknowledged: string[] = [];
    const sent = new Set<string>();
    for (let round = 1; round <= ROUNDS; round++) {
      const writer = async (name: number, server: Session): Promise<void> => {
        for (let n = 1; ; n++) {
          const message = `r${round} w${name} n${n}`;
          sent.add(message);
          const { isError } = await server.call('record_timeline_event', { kind: 'note', message });
          if (!isError) acknowledged.push(message);
        }
      };
      // They end when the server dies under them.
      const writers = Array.from({ length: WRITERS }, (_, i) => writer(i, session).catch(() => undefined));
      // Every other round from the first acknowledged one on: a loaded machine may need longer than the pause to begin.
      const before = acknowledged.length;
      if (round % 2 === 0)
        await until(
          async () => acknowledged.length,
          (n) => n > before,
        );
      await new Promise((wake) => setTimeout(wake, afterMs(round)));
      await session.kill();
      await Promise.all(writers);
      session = await connect(bin, home, 'plain');
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(ROUNDS / 2);
    const events = await eventsOf(session, id);
    expect(events.map((event) => event.seq)).toEqual(events.map((_event, i) => i + 1));
    const notes = events.filter((event) => event.kind === 'note').map((event) => event.message);
    expect(new Set(notes).size).toBe(notes.length);
    expect(acknowledged.filter((message) => !notes.includes(message))).toEqual([]);
    expect(notes.filter((message) => !sent.has(message))).toEqual([]);
    expect(await home.command(['verify'])).toMatchObject({ code: 0 });
  });

  test('a retry with its idempotency key after the crash is written once', async () => {
    const sandbox = await startSandbox(bin, 'healthy');
    const home = await makeHome(bin, sandbox.config);
    let session = await connect(bin, home, 'plain');
    const id = await declareFrom(session, 'SEV3');
    for (let round = 1; round <= 6; round++) {
      const args = { kind: 'note', message: `round ${round}`, idempotency_key: `key-${round}` };
      const first = session.call('record_timeline_event', args).catch(() => null);
      await new Promise((wake) => setTimeout(wake, round * 2));
      await session.kill();
      await first;
      session = await connect(bin, home, 'plain');
      await session.ok('record_timeline_event', args);
    }
    const notes = (await eventsOf(session, id)).filter((event) => event.kind === 'note').map((event) => event.message);
    expect(notes).toEqual([1, 2, 3, 4, 5, 6].map((round) => `round ${round}`));
  });
});

describe('kill -9 during an approved rollback', () => {
  const ROLLBACK = { release: 'pulsestream-core', reason: 'it crashes' };
  const rollbacks = async (sandbox: Sandbox) => (await sandbox.truth()).actions.filter((a) => a.kind === 'rollback');

  /** Runs until helm has begun, then kills the server; gives a new one on the same record. */
  async function killedInTheMiddle(body: string) {
    const sandbox = await startSandbox(bin, 'bad-deploy');
    const helm = await sandbox.script(
      'own-helm',
      `case "$*" in *--dry-run*|*version*) exec "$HELM" "$@" ;; esac\necho $$ > "$0.pid"; mv "$0.pid" "$0.began"\n${body}`,
    );
    const config = await sandbox.configured((raw) => {
      raw.programs.helm = helm;
    });
    const home = await makeHome(bin, config);
    const session = await connect(bin, home, 'plain');
    const incident = await declareFrom(session, 'SEV2');
    const id = String((await session.ok('rollback_release', ROLLBACK)).approval_id);
    expect((await home.decide('approve', id, sandbox.secret)).code).toBe(0);
    const call = session.call('rollback_release', { ...ROLLBACK, approval_id: id }).catch(() => null);
    expect(await until(async () => existsSync(`${helm}.began`), Boolean)).toBe(true);
    await session.kill();
    await call;
    const next = await connect(bin, home, 'plain');
    const settled = (deadlineMs: number) =>
      until(
        async () => ((await next.ok('get_approval', { approval_id: id })).approvals as { status: string }[])[0]?.status,
        (status) => status !== 'running',
        deadlineMs,
      );
    return { sandbox, next, incident, id, helm, settled };
  }

  async function recordedOnce(next: Session, incident: string, id: string): Promise<void> {
    const events = (await eventsOf(next, incident)).filter((event) => event.approval_id === id);
    expect(kindsOf(events)).toEqual(['plan_proposed', 'approval_decided', 'command_started', 'command_finished']);
    expect(events.at(-1)?.message).toContain('found out after the server that ran it had stopped');
  }

  test('helm outlives the server: the next one finds that it succeeded, and runs nothing again', async () => {
    const { sandbox, next, incident, id, settled } = await killedInTheMiddle('sleep 1; exec "$HELM" "$@"');
    // While it goes on, nobody else may begin.
    expect(await next.ok('rollback_release', { ...ROLLBACK, approval_id: id })).toMatchObject({
      status: 'in_progress',
    });
    expect(await settled(15_000)).toBe('executed');
    expect(await rollbacks(sandbox)).toHaveLength(1);
    expect((await sandbox.recovered()).recovered).toBe(true);
    expect(await next.ok('rollback_release', { ...ROLLBACK, approval_id: id })).toMatchObject({ status: 'executed' });
    expect(await rollbacks(sandbox)).toHaveLength(1);
    await recordedOnce(next, incident, id);
  });

  test('helm dies too, before it did anything: failed, and never run again by itself', async () => {
    const { sandbox, next, incident, id, helm, settled } = await killedInTheMiddle('sleep 60');
    process.kill(-Number(await readFile(`${helm}.began`, 'utf8')), 'SIGKILL');
    expect(await settled(25_000)).toBe('failed');
    expect(await rollbacks(sandbox)).toEqual([]);
    expect(await next.ok('rollback_release', { ...ROLLBACK, approval_id: id })).toMatchObject({ status: 'failed' });
    expect(await rollbacks(sandbox)).toEqual([]);
    await recordedOnce(next, incident, id);
  });
});
