import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createOutbox, slackChannel } from '../../../src/adapters/notify/index.ts';
import { tryLock } from '../../../src/adapters/notify/lock.ts';
import { type Received, serve, silent, status } from '../http/server.ts';

let program = '';
let dir = '';
const children = new Set<ChildProcess>();

beforeAll(async () => {
  program = join(mkdtempSync(join(tmpdir(), 'sender-')), 'sender.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'sender.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
  });
});
afterAll(() => rmSync(join(program, '..'), { recursive: true, force: true }));
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'outbox-'));
});
afterEach(async () => {
  for (const child of children) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
  children.clear();
  rmSync(dir, { recursive: true, force: true });
});

const sender = (url: string, name: string, count: number): ChildProcess => {
  const child = spawn(process.execPath, [program, dir, url, name, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  return child;
};
const titles = (received: Received[]): string[] =>
  received.map(({ body }) => (JSON.parse(body) as { text: string }).text.replace(/.*: /, ''));
const names = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name}${i}`);

describe('across processes', () => {
  test('two at once on one folder: everything once, each in its own order', async () => {
    const slack = await serve(status(200));
    const both = [sender(slack.url, 'a', 12), sender(slack.url, 'b', 12)];
    const codes = await Promise.all(both.map(async (child) => (await once(child, 'exit'))[0]));
    expect(codes).toEqual([0, 0]);
    const all = titles(slack.received);
    expect(all).toHaveLength(24);
    expect(all.filter((title) => title.startsWith('a'))).toEqual(names('a', 12));
    expect(all.filter((title) => title.startsWith('b'))).toEqual(names('b', 12));
  }, 20_000);

  test('what a killed process was about to deliver is delivered by the next', async () => {
    let answer = silent;
    const slack = await serve((request, response) => answer(request, response));
    const child = sender(slack.url, 'a', 1);
    await vi.waitFor(() => expect(slack.received).toHaveLength(1), { timeout: 5_000 });
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(existsSync(join(dir, 'slack', 'lock'))).toBe(true);
    answer = status(200);
    const outbox = createOutbox({
      dir,
      channels: [slackChannel({ url: slack.url })],
      clock: { now: () => new Date() },
    });
    await vi.waitFor(async () => expect(await outbox.pending()).toBe(0), { timeout: 5_000 });
    await outbox.close();
    expect(titles(slack.received)).toEqual(['a0', 'a0']);
  }, 20_000);

  test('a waiting retry does not keep the process alive', async () => {
    const slack = await serve(status(500));
    const child = sender(slack.url, 'a', 1);
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
  }, 20_000);
});

describe('the lock', () => {
  const path = (): string => join(dir, 'lock');
  const owner = { token: 't', pid: process.pid, host: hostname(), started: performance.timeOrigin };
  const write = (value: unknown, ageMs = 0): void => {
    mkdirSync(dir, { recursive: true });
    writeFileSync(path(), typeof value === 'string' ? value : JSON.stringify(value));
    const at = new Date(Date.now() - ageMs);
    utimesSync(path(), at, at);
  };
  const deadPid = async (): Promise<number> => {
    const child = spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' });
    await once(child, 'exit');
    return child.pid ?? 0;
  };

  test('is held by one', async () => {
    const first = await tryLock(path());
    expect(await tryLock(path())).toBeNull();
    await first?.release();
    const second = await tryLock(path());
    expect(second).not.toBeNull();
    // Releasing again does not free what somebody else holds now.
    await first?.release();
    expect(await first?.refresh()).toBe(false);
    expect(await second?.refresh()).toBe(true);
  });

  test('is taken by one of many at once, also when it is stale', async () => {
    write({ ...owner, pid: await deadPid() });
    const locks = await Promise.all(Array.from({ length: 10 }, () => tryLock(path())));
    expect(locks.filter((lock) => lock !== null).length).toBeLessThanOrEqual(1);
    await Promise.all(locks.map((lock) => lock?.release()));
    expect(await tryLock(path())).not.toBeNull();
  });

  test.each<[string, () => unknown, number, boolean]>([
    ['alive', () => owner, 0, false],
    ['alive and refreshed lately', () => owner, 50_000, false],
    ['not refreshed for long', () => owner, 70_000, true],
    ['another process that had our pid', () => ({ ...owner, started: 1 }), 0, true],
    ['another machine', () => ({ ...owner, host: 'elsewhere', pid: 1 }), 0, false],
    ['another machine, long ago', () => ({ ...owner, host: 'elsewhere' }), 70_000, true],
    ['just being written', () => '', 0, false],
    ['never finished', () => '', 10_000, true],
  ])('%s', async (_name, value, age, taken) => {
    write(value(), age);
    expect((await tryLock(path())) !== null).toBe(taken);
  });
});
