import { expect, test } from 'vitest';
import { declared, note, openStore, tempStore } from './fixture.ts';

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const ms = (n: number): string => `${n.toFixed(2)} ms`;

async function time(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

test('an append costs the same at 10 and at 10,000 events', async (context) => {
  const { dir, store } = await tempStore();
  const text = 'error rate of the analysis engine is 12 %, three pods restart '.repeat(4);
  const notes = (n: number) => () => Array.from({ length: n }, () => note(text));
  const [small, large] = [await declared(store), await declared(store)];
  await store.append(small, notes(10));
  for (let i = 0; i < 10; i += 1) await store.append(large, notes(1_000));

  // In turns, so that whatever else the machine does falls on both alike.
  const times: Record<string, number[]> = { [small]: [], [large]: [] };
  for (let i = 0; i < 150; i += 1) {
    for (const id of [small, large]) times[id]?.push(await time(() => store.append(id, notes(1), `k${i}`)));
  }
  const at10 = median(times[small] ?? []);
  const at10k = median(times[large] ?? []);
  const cold = await time(async () => (await openStore(dir)).incident(large));
  const snapshot = await time(async () => (await openStore(dir)).incident(large));
  const verified = await time(async () => expect((await store.verify(large)).problems).toEqual([]));
  await context.annotate(
    `append at 10: ${ms(at10)}, at 10,000: ${ms(at10k)} (x${(at10k / at10).toFixed(2)}); ` +
      `first read of 10,000: ${ms(cold)}, with snapshot ${ms(snapshot)}; verify ${ms(verified)}`,
  );
  expect(at10k).toBeLessThan(at10 * 5);
}, 60_000);
