import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { conflict } from '../../../src/errors.ts';
import { approval, bundledWorker, openStore, startWorker, tempStore } from './fixture.ts';

const A = 'APR-AAAAAAAAAA';
const B = 'APR-BBBBBBBBBB';
const C = 'APR-CCCCCCCCCC';

describe('approvals', () => {
  test('are read back as they were created', async () => {
    const { dir, store } = await tempStore();
    await store.createApproval(approval(A));
    expect(await (await openStore(dir)).approval(A)).toEqual(approval(A));
    await expect(store.createApproval(approval(A))).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await readdir(join(dir, 'approvals'))).toEqual([`${A}.json`]);
  });

  test.each(['APR-1', 'APR-../../../x', '', 'APR-AAAAAAAAAA/..'])('no id "%s"', async (id) => {
    const { store } = await tempStore();
    await expect(store.createApproval(approval(id))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(store.updateApproval(id, (a) => a)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await store.approval(id)).toBeNull();
  });

  test('are listed newest first and filtered', async () => {
    const { store } = await tempStore();
    await store.createApproval(approval(A, { created_at: '2026-03-01T14:00:00Z', status: 'pending' }));
    await store.createApproval(approval(B, { created_at: '2026-03-01T16:00:00+01:00', incident_id: null }));
    await store.createApproval(approval(C, { created_at: '2026-03-01T14:30:00Z', status: 'pending' }));
    const ids = async (filter?: Parameters<typeof store.approvals>[0]) =>
      (await store.approvals(filter)).map((found) => found.approval_id);
    expect(await ids()).toEqual([B, C, A]);
    expect(await ids({ pending: true })).toEqual([C, A]);
    expect(await ids({ pending: true, limit: 1 })).toEqual([C]);
    expect(await ids({ incident_id: 'INC-0001' })).toEqual([C, A]);
    await store.updateApproval(C, (a) => ({ ...a, status: 'declined' }));
    expect(await ids({ pending: true })).toEqual([A]);
  });

  test('a refused change, or one that is not an approval any more, leaves it as it was', async () => {
    const { store } = await tempStore();
    await store.createApproval(approval(A));
    const refused = store.updateApproval(A, (a) => {
      a.status = 'running';
      throw conflict('expired', 'again');
    });
    await expect(refused).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(store.updateApproval(A, (a) => ({ ...a, approval_id: B }))).rejects.toMatchObject({ code: 'STORE' });
    await expect(store.updateApproval(A, (a) => ({ ...a, status: 'x' as 'failed' }))).rejects.toThrow();
    expect(await store.approval(A)).toEqual(approval(A));
  });

  test.each([
    ['cut off', (text: string) => text.slice(0, 100)],
    ['empty', () => ''],
    ['of another shape', () => '{"approval_id":"APR-AAAAAAAAAA"}'],
    ['forged', (text: string) => text.replace('"pending"', '"approved"')],
  ])('one that is %s is named, never used, never overwritten, and the rest works', async (_name, spoil) => {
    const { dir, store } = await tempStore();
    await store.createApproval(approval(A, { status: 'pending' }));
    await store.createApproval(approval(B));
    const path = join(dir, 'approvals', `${A}.json`);
    const spoiled = spoil(await readFile(path, 'utf8'));
    await writeFile(path, spoiled);
    await expect(store.approval(A)).rejects.toMatchObject({ code: 'STORE' });
    await expect(store.updateApproval(A, (a) => ({ ...a, status: 'running' }))).rejects.toMatchObject({
      code: 'STORE',
    });
    expect((await store.approvals()).map((found) => found.approval_id)).toEqual([B]);
    expect(await store.damaged()).toMatchObject([{ name: `approvals/${A}.json` }]);
    expect(await readFile(path, 'utf8')).toBe(spoiled);
    expect((await store.updateApproval(B, (a) => ({ ...a, status: 'expired' }))).status).toBe('expired');
  });

  test('of several processes that consume one, exactly one wins', async () => {
    const { dir, store } = await tempStore();
    const file = await bundledWorker();
    const ids = Array.from({ length: 25 }, (_, i) => `APR-RACE0000${String(i).padStart(2, '0')}`);
    for (const id of ids) await store.createApproval(approval(id));
    const start = String(Date.now() + 700);
    const workers = [1, 2, 3].map(() => startWorker(file, ['consume', dir, start, ...ids]));
    expect(await Promise.all(workers.map((worker) => worker.ended))).toEqual([0, 0, 0]);
    const said = workers.flatMap((worker) => worker.lines);
    for (const id of ids) {
      const winners = workers.filter((worker) => worker.lines.includes(`won ${id}`));
      expect(winners.length, id).toBe(1);
      expect(said.filter((line) => line === `lost ${id}: consumed already`).length, id).toBe(2);
      expect((await store.approval(id))?.runner?.pid).toBe(winners[0]?.process.pid);
    }
  }, 30_000);
});
