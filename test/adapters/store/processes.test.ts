import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { createFolderLock } from '../../../src/adapters/store/lock.ts';
import {
  addNotes,
  bundledWorker,
  declared,
  linesOf,
  note,
  openStore,
  startWorker,
  tempFolder,
  tempStore,
  timelinePath,
} from './fixture.ts';

let worker = '';
beforeEach(async () => {
  worker = await bundledWorker();
});

describe('several processes', () => {
  test('append to one incident: nothing missing, nothing twice, the chain holds', async () => {
    const { dir, store } = await tempStore();
    const id = await declared(store);
    const workers = ['a', 'b', 'c', 'd'].map((name) => startWorker(worker, ['append', dir, id, '200', name]));
    expect(await Promise.all(workers.map((w) => w.ended))).toEqual([0, 0, 0, 0]);
    const acknowledged = workers.flatMap((w) => w.lines).sort();
    const recorded = (await store.timeline(id))
      .slice(1)
      .map((event) => `${event.message} ${event.id}`)
      .sort();
    expect(recorded).toEqual(acknowledged);
    expect(new Set(recorded).size).toBe(800);
    expect(await store.verify()).toEqual({ streams: 1, events: 801, problems: [] });
  }, 60_000);

  test('declare at once: every id is unique and none is left out', async () => {
    const { dir, store } = await tempStore();
    const workers = [1, 2, 3].map(() => startWorker(worker, ['declare', dir, '15']));
    await Promise.all(workers.map((w) => w.ended));
    const ids = workers.flatMap((w) => w.lines).sort();
    expect(ids).toEqual(Array.from({ length: 45 }, (_, i) => `INC-${String(i + 1).padStart(4, '0')}`));
    expect((await store.incidents()).length).toBe(45);
    expect((await store.verify()).problems).toEqual([]);
  }, 60_000);
});

describe('kill -9 in the middle of appends', () => {
  test('loses nothing acknowledged, halves no unit, and the next writer goes on at once', async () => {
    const { dir, store } = await tempStore();
    const id = await declared(store);
    for (let round = 1; round <= 6; round += 1) {
      const victim = startWorker(worker, ['pairs', dir, id, `r${round}`]);
      await victim.said(5 + round * 3);
      victim.process.kill('SIGKILL');
      await victim.ended;
      const began = performance.now();
      await store.append(id, () => [note(`survivor ${round}`)]);
      expect(performance.now() - began).toBeLessThan(500);
      const told = (await store.timeline(id)).map((event) => event.message);
      for (const n of victim.lines) {
        expect(told.filter((message) => message === `r${round} ${n}a`).length, n).toBe(1);
        expect(told.filter((message) => message === `r${round} ${n}b`).length, n).toBe(1);
      }
      const ofRound = told.filter((message) => message.startsWith(`r${round} `));
      expect(ofRound.filter((m) => m.endsWith('a')).length).toBe(ofRound.filter((m) => m.endsWith('b')).length);
    }
    const last = await openStore(dir);
    await addNotes(last, id, 1);
    expect((await last.verify()).problems).toEqual([]);
    expect((await readdir(dir)).filter((name) => name.startsWith('lock'))).toEqual([]);
  }, 60_000);
});

describe('the lock', () => {
  test('of a killed holder is taken over within 100 ms, by one of several', async () => {
    const dir = await tempFolder();
    const holder = startWorker(worker, ['hold', dir]);
    await holder.said(1);
    holder.process.kill('SIGKILL');
    await holder.ended;
    const inside = { now: 0, most: 0, done: 0 };
    const began = performance.now();
    let first = 0;
    const waiters = Array.from({ length: 8 }, () => createFolderLock(dir));
    await Promise.all(
      waiters.map((lock) =>
        lock.run(async () => {
          first ||= performance.now() - began;
          inside.now += 1;
          inside.most = Math.max(inside.most, inside.now);
          await new Promise((resolve) => setTimeout(resolve, 2));
          inside.now -= 1;
          inside.done += 1;
        }),
      ),
    );
    expect(inside).toEqual({ now: 0, most: 1, done: 8 });
    expect(first).toBeLessThan(100);
    expect(await readdir(dir)).toEqual([]);
  });

  test('of a stopped holder is never taken; the wait ends with its pid', async () => {
    const dir = await tempFolder();
    const holder = startWorker(worker, ['hold', dir]);
    await holder.said(1);
    holder.process.kill('SIGSTOP');
    const store = await openStore(dir, { lockDeadlineMs: 400 });
    const waiting = declared(store);
    await expect(waiting).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringContaining(`process ${holder.process.pid}`),
    });
    const queued = Promise.allSettled([declared(store), declared(store)]);
    expect((await queued).map((result) => result.status)).toEqual(['rejected', 'rejected']);
    expect(await store.incidents()).toEqual([]);
    holder.process.kill('SIGCONT');
    holder.process.kill('SIGKILL');
    await holder.ended;
    expect(await declared(store)).toBe('INC-0001');
  });

  const dead = (nonce: string, more: object = {}): string =>
    JSON.stringify({ pid: 2 ** 22 - 3, start: 'x:1', host: '', nonce, ...more });

  test.each<[string, (own: string) => Record<string, string>]>([
    ['an owner whose pid was reused', (own) => ({ lock: own.replace(/"start":"[^"]*"/, '"start":"other:1"') })],
    ['no owner, after a power cut', () => ({ lock: '' })],
    [
      'a claimant that died too, and one that died after it',
      (own) => {
        const of = (nonce: string): string =>
          own.replace(/"start":"[^"]*"/, '"start":"other:1"').replace(/"nonce":"[^"]*"/, `"nonce":"${nonce}"`);
        return {
          lock: of('a'.repeat(16)),
          [`lock.claim.${'a'.repeat(16)}`]: of('b'.repeat(16)),
          [`lock.claim.${'b'.repeat(16)}`]: of('c'.repeat(16)),
        };
      },
    ],
  ])('with %s is taken over', async (_name, files) => {
    const dir = await tempFolder();
    let own = '';
    await createFolderLock(dir).run(async () => {
      own = await readFile(join(dir, 'lock'), 'utf8');
    });
    for (const [name, text] of Object.entries(files(own))) await writeFile(join(dir, name), text);
    expect(await createFolderLock(dir, { deadlineMs: 2_000 }).run(async () => 'in')).toBe('in');
    expect(await readdir(dir)).toEqual([]);
  });

  test('of another host is not taken, though its pid is unknown here', async () => {
    const dir = await tempFolder();
    await writeFile(join(dir, 'lock'), dead('d'.repeat(16), { host: 'elsewhere' }));
    const waiting = createFolderLock(dir, { deadlineMs: 150 }).run(async () => 'in');
    await expect(waiting).rejects.toThrow('on elsewhere');
  });

  test('within a process goes in order', async () => {
    const lock = createFolderLock(await tempFolder());
    const order: number[] = [];
    const work = (ms: number, i: number) => async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      order.push(i);
    };
    await Promise.all([3, 1, 2].map((ms, i) => lock.run(work(ms, i))));
    expect(order).toEqual([0, 1, 2]);
    await expect(lock.run(async () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    expect(await lock.run(async () => 1)).toBe(1);
  });
});

describe('a disk that refuses', () => {
  test('in the middle of a line: STORE with the next move, nothing half-written, reads go on', async () => {
    const { dir, store } = await tempStore();
    const id = await declared(store);
    const limited = startWorker(worker, ['fill', dir, id], ['prlimit', '--fsize=9000', '--']);
    expect(await limited.ended).toBe(0);
    const [failed, size] = limited.lines.slice(-2);
    const written = limited.lines.length - 2;
    expect(written).toBeGreaterThan(2);
    expect(failed).toMatch(/^failed STORE \| .*nothing was done.*EFBIG.* \| raise the limit/);
    expect(failed).toContain(`seq ${written + 1}`);
    const lines = await linesOf(timelinePath(dir, id));
    expect(lines.length).toBe(written + 1);
    expect(size).toBe(`size ${(await readFile(timelinePath(dir, id))).length}`);
    await addNotes(store, id, 1);
    expect(await store.verify()).toEqual({ streams: 1, events: written + 2, problems: [] });
    expect((await readdir(join(dir, 'incidents', id))).sort()).toEqual(['timeline.jsonl']);
  }, 30_000);

  test('at a declaration: no incident, no folder, no id used up', async () => {
    const { dir, store } = await tempStore();
    const limited = startWorker(worker, ['declare', dir, '1'], ['prlimit', '--fsize=330', '--']);
    expect(await limited.ended).toBe(1);
    expect(await readdir(join(dir, 'incidents'))).toEqual([]);
    expect(await store.verify()).toEqual({ streams: 0, events: 0, problems: [] });
    expect(await declared(store)).toBe('INC-0001');
  }, 30_000);

  test.each(['', '/data'])('a file where the folder%s should be', async (below) => {
    const file = join(await tempFolder(), 'file');
    await writeFile(file, 'mine');
    const store = await openStore(`${file}${below}`);
    await expect(declared(store)).rejects.toMatchObject({ code: 'STORE', next: expect.stringContaining('data-dir') });
    expect(await readFile(file, 'utf8')).toBe('mine');
  });

  test('a file where the incidents should be', async () => {
    const dir = await tempFolder();
    await writeFile(join(dir, 'incidents'), '');
    const store = await openStore(dir);
    await expect(declared(store)).rejects.toMatchObject({ code: 'STORE' });
    await expect(store.incidents()).rejects.toMatchObject({ code: 'STORE' });
  });
});
