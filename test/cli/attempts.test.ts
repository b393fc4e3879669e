import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Attempts } from '../../src/cli/attempts.ts';
import { Bin } from '../helpers/bin.ts';
import { TestClock } from '../mcp/harness.ts';

const MINUTE = 60_000;
const bin = new Bin();
afterAll(() => bin.empty());

async function counter(): Promise<{ clock: TestClock; attempts: Attempts; again: () => Attempts; file: string }> {
  const dir = join(await bin.folder(), 'data');
  const clock = new TestClock();
  const make = (): Attempts => new Attempts(dir, clock);
  return { clock, attempts: make(), again: make, file: join(dir, 'attempts.jsonl') };
}

const fail = async (attempts: Attempts, n: number): Promise<void> => {
  for (let i = 0; i < n; i++) await attempts.failed();
};
const locked = { code: 'FORBIDDEN', message: expect.stringContaining('wrong secrets in a row; locked for') };

describe('wrong secrets in a row', () => {
  it('are allowed four times, and the fifth locks for a minute', async () => {
    const { clock, attempts } = await counter();
    await attempts.mayTry();
    await fail(attempts, 4);
    await attempts.mayTry();
    await fail(attempts, 1);
    await expect(attempts.mayTry()).rejects.toMatchObject(locked);
    clock.forward(MINUTE - 1);
    await expect(attempts.mayTry()).rejects.toMatchObject(locked);
    clock.forward(1);
    await attempts.mayTry();
  });

  it.each([
    [6, 2],
    [7, 4],
    [10, 32],
    [11, 60],
    [40, 60],
  ])('lock longer and longer, at most an hour: %i of them for %i minutes', async (n, minutes) => {
    const { clock, attempts } = await counter();
    await fail(attempts, n);
    clock.forward(minutes * MINUTE - 1);
    await expect(attempts.mayTry()).rejects.toMatchObject(locked);
    clock.forward(1);
    await attempts.mayTry();
  });

  it('are forgotten after a right one', async () => {
    const { attempts } = await counter();
    await fail(attempts, 4);
    await attempts.succeeded();
    await fail(attempts, 4);
    await attempts.mayTry();
  });

  it('count for every process, also when many guess at the same time', async () => {
    const { again } = await counter();
    await Promise.all(Array.from({ length: 20 }, () => again().failed()));
    await expect(again().mayTry()).rejects.toMatchObject({ message: expect.stringContaining('20 wrong secrets') });
  });

  it('are not forgotten by a clock that is set back', async () => {
    const { clock, attempts } = await counter();
    await fail(attempts, 5);
    clock.forward(-60 * MINUTE);
    await expect(attempts.mayTry()).rejects.toMatchObject(locked);
  });
});

describe('a file that was damaged', () => {
  it.each(['', 'not json\n', '{"failed":0}\n', '"2026-03-02"\n'])(
    'locks for a while, not for good: %j',
    async (text) => {
      const { clock, attempts, file } = await counter();
      await attempts.failed();
      await writeFile(file, text);
      await utimes(file, clock.now(), clock.now());
      await expect(attempts.mayTry()).rejects.toMatchObject(locked);
      clock.forward(MINUTE);
      await attempts.mayTry();
      await attempts.failed();
      await expect(attempts.mayTry()).resolves.toBeUndefined();
    },
  );
});
