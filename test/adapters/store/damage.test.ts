import { appendFile, copyFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../../src/ports/store.ts';
import { JOURNAL } from '../../../src/ports/store.ts';
import { addNotes, declared, linesOf, note, openStore, tempStore, timelinePath } from './fixture.ts';

interface Case {
  dir: string;
  store: Store;
  id: string;
  path: string;
  /** Rewrites the lines of the timeline as other hands would. */
  edit(change: (lines: string[]) => string[]): Promise<void>;
  /** A process that has read nothing yet. */
  fresh(): Promise<Store>;
}

/** An incident with E1 (declared) and E2 to E10. */
async function incidentOfTen(): Promise<Case> {
  const { dir, store } = await tempStore();
  const id = await declared(store);
  await addNotes(store, id, 9);
  const path = timelinePath(dir, id);
  return {
    dir,
    store,
    id,
    path,
    edit: async (change) =>
      writeFile(
        path,
        change(await linesOf(path))
          .map((line) => `${line}\n`)
          .join(''),
      ),
    fresh: () => openStore(dir),
  };
}

const problemsOf = async (store: Store, id: string): Promise<string[]> =>
  (await store.verify(id)).problems.map((problem) => `${problem.line ?? '-'} ${problem.problem}`);

describe('a write that was cut short', () => {
  test.each([
    ['half a line', '{"actor":{"name":"x'],
    ['bytes that are no text', '\u0000\u0000\u0000\u0000'],
    ['a unit without its last line', '{"whole":true} \n{"half'],
    ['a unit that lacks its last line wholly', '{"whole":true} \n'],
  ])('%s: reads ignore it, the next append moves it aside', async (_name, torn) => {
    const { dir, store, id, path, fresh } = await incidentOfTen();
    await appendFile(path, torn);
    for (const reader of [store, await fresh()]) {
      expect((await reader.timeline(id)).length).toBe(10);
      expect((await reader.incident(id))?.seq).toBe(10);
      expect(await reader.damaged()).toEqual([]);
      expect((await reader.verify(id)).problems).toEqual([]);
    }
    expect((await readFile(path, 'utf8')).endsWith(torn)).toBe(true);
    const { events } = await (await fresh()).append(id, () => [note('after')]);
    expect(events[0]?.id).toBe('E11');
    expect(await readFile(join(dir, 'incidents', id, 'timeline.torn-1'), 'utf8')).toBe(torn);
    expect((await linesOf(path)).length).toBe(11);
    expect(await store.verify(id)).toEqual({ streams: 1, events: 11, problems: [] });
    expect((await store.append(id, () => [note('again')])).events[0]?.id).toBe('E12');
  });

  test('a declaration that was cut short is no incident, and its id is not used again', async () => {
    const { dir, store } = await tempStore();
    const id = await declared(store);
    await truncate(timelinePath(dir, id), 30);
    await rm(join(dir, 'heads'), { recursive: true });
    const fresh = await openStore(dir);
    expect(await fresh.incidents()).toEqual([]);
    await expect(fresh.append(id, () => [note('x')])).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await declared(fresh)).toBe('INC-0002');
  });
});

describe('a line in the middle that does not parse', () => {
  const spoiled = ['not json', '{"seq":5}', '', '[]', '{"id":"E5","seq":5,"kind":"note"}'];

  test.each(spoiled)('%j: what is good before it is read, and it is named', async (line) => {
    const { id, edit, fresh } = await incidentOfTen();
    await edit((lines) => lines.with(4, line));
    const store = await fresh();
    expect((await store.timeline(id)).map((event) => event.id)).toEqual(['E1', 'E2', 'E3', 'E4']);
    expect((await store.incidents()).map((incident) => incident.seq)).toEqual([4]);
    const damaged = await store.damaged();
    expect(damaged).toMatchObject([{ name: `incidents/${id}/timeline.jsonl` }]);
    expect(damaged[0]?.problem).toContain('line 5');
    expect((await problemsOf(store, id))[0]).toMatch(/^5 (unreadable|altered)/);
  });

  test('an append sets the file aside whole and goes on from the good part, saying so', async () => {
    const { dir, id, path, edit, fresh } = await incidentOfTen();
    await edit((lines) => lines.with(4, 'spoiled'));
    const before = await readFile(path);
    const store = await fresh();
    const { events, incident } = await store.append(id, (state) => {
      expect(state?.seq).toBe(5);
      return [note('goes on')];
    });
    expect(incident?.seq).toBe(6);
    expect(events[0]?.id).toBe('E6');
    expect(await readFile(join(dir, 'incidents', id, 'timeline.damaged-1.jsonl'))).toEqual(before);
    const [said] = await store.timeline(id, { since_seq: 4, limit: 1 });
    expect(said).toMatchObject({ id: 'E5', actor: { type: 'system' }, kind: 'note' });
    expect(said?.message).toContain('timeline.damaged-1.jsonl');
    expect(said?.data).toEqual({
      record_gap: { reason: 'damaged', file: 'timeline.damaged-1.jsonl', line: 5, after_seq: 4, known_seq: 10 },
    });
    // The chain of the continuation holds, and yet the gap is told for ever.
    const problems = await problemsOf(await fresh(), id);
    expect(problems.length).toBe(1);
    expect(problems[0]).toMatch(/^5 damaged: the record goes on after a gap/);
    expect((await store.damaged()).map((document) => document.name)).toEqual([
      `incidents/${id}/timeline.damaged-1.jsonl`,
    ]);
    expect((await (await fresh()).append(id, () => [note('more')])).events[0]?.id).toBe('E7');
    expect((await readdir(join(dir, 'incidents', id))).sort()).toEqual(['timeline.damaged-1.jsonl', 'timeline.jsonl']);
  });

  test('inside a unit keeps the good lines of that unit', async () => {
    const { dir, store } = await tempStore();
    const id = await declared(store);
    await store.append(id, () => [note('a'), note('b'), note('c')]);
    const lines = await linesOf(timelinePath(dir, id));
    await writeFile(timelinePath(dir, id), `${lines.with(2, 'spoiled').join('\n')}\n`);
    const fresh = await openStore(dir);
    expect((await fresh.timeline(id)).map((event) => event.message).slice(1)).toEqual(['a']);
    await fresh.append(id, () => [note('on')]);
    expect((await (await openStore(dir)).timeline(id)).map((event) => event.id)).toEqual(['E1', 'E2', 'E3', 'E4']);
    expect((await problemsOf(fresh, id)).length).toBe(1);
  });

  test('a second damage gets a second copy', async () => {
    const { dir, id, edit, fresh } = await incidentOfTen();
    for (const n of [1, 2]) {
      await edit((lines) => lines.with(3, `spoiled ${n}`));
      await (await fresh()).append(id, () => [note('on'), note('on')]);
    }
    const names = (await readdir(join(dir, 'incidents', id))).sort();
    expect(names).toEqual(['timeline.damaged-1.jsonl', 'timeline.damaged-2.jsonl', 'timeline.jsonl']);
  });

  test('the first line: no incident, nothing is appended or changed, the rest works', async () => {
    const { store: other, id, path, edit, fresh, dir } = await incidentOfTen();
    const second = await declared(other);
    await edit((lines) => lines.with(0, 'spoiled'));
    const before = await readFile(path);
    const store = await fresh();
    expect(await store.incident(id)).toBeNull();
    expect((await store.incidents()).map((incident) => incident.id)).toEqual([second]);
    await expect(store.append(id, () => [note('x')])).rejects.toMatchObject({ code: 'STORE' });
    expect(await readFile(path)).toEqual(before);
    expect((await store.damaged())[0]?.name).toBe(`incidents/${id}/timeline.jsonl`);
    expect(await declared(store)).toBe('INC-0003');
    expect((await readdir(join(dir, 'incidents', id))).sort()).toEqual(['timeline.jsonl']);
  });

  test('a timeline that its owner mended is read again', async () => {
    const { id, path, edit, fresh } = await incidentOfTen();
    const good = await readFile(path);
    await edit((lines) => lines.with(4, 'spoiled'));
    const store = await fresh();
    expect((await store.incident(id))?.seq).toBe(4);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await writeFile(path, good);
    expect((await store.incident(id))?.seq).toBe(10);
    expect(await store.damaged()).toEqual([]);
  });
});

describe('verify', () => {
  const reversed = (lines: string[]): string[] => lines.with(4, lines[5] ?? '').with(5, lines[4] ?? '');
  const without = (lines: string[]): string[] => lines.filter((_line, i) => i !== 4);
  const twice = (lines: string[]): string[] => [...lines.slice(0, 5), lines[4] ?? '', ...lines.slice(5)];

  test.each<[string, (lines: string[]) => string[], RegExp]>([
    ['altered', (lines) => lines.map((line) => line.replace('note 4', 'note 5 ')), /^5 altered/],
    [
      'altered in white space only',
      (lines) => lines.map((line, i) => (i === 4 ? `{ ${line.slice(1)}` : line)),
      /^5 altered/,
    ],
    ['an unknown field added', (lines) => lines.map((l, i) => (i === 4 ? l.replace('{', '{"a":1,') : l)), /^5 altered/],
    ['removed', without, /^5 removed: E5/],
    ['reordered', reversed, /^5 reordered/],
    ['inserted', twice, /^6 inserted/],
    ['truncated', (lines) => lines.slice(0, 8), /^- truncated: it ends at E8, but E10/],
    ['emptied', () => [], /^- truncated/],
  ])('finds what was %s', async (_name, change, expected) => {
    const { id, edit, fresh } = await incidentOfTen();
    await edit(change);
    const problems = await problemsOf(await fresh(), id);
    expect(problems[0]).toMatch(expected);
    expect(problems.length).toBeLessThanOrEqual(3);
  });

  test('finds a missing timeline, a missing folder, a missing or forged head', async () => {
    const { dir, store, id, path } = await incidentOfTen();
    const saved = `${dir}-saved`;
    await copyFile(path, saved);
    await rm(path);
    expect(await problemsOf(store, id)).toEqual(['- removed: the whole timeline is missing, E10 was acknowledged']);
    await rm(join(dir, 'incidents', id), { recursive: true });
    expect((await store.verify()).problems.length).toBe(1);
    await rm(join(dir, 'heads', `${id}.json`));
    expect((await store.verify()).problems).toMatchObject([{ stream: id, line: null }]);

    const again = await incidentOfTen();
    const head = join(again.dir, 'heads', `${again.id}.json`);
    const text = await readFile(head, 'utf8');
    await writeFile(head, text.replace('"seq":10', '"seq":08'));
    expect((await problemsOf(again.store, again.id)).at(-1)).toMatch(/^- altered: the record of its newest event/);
    await writeFile(head, text.replace('"seq":10', '"seq":9'));
    expect((await problemsOf(again.store, again.id)).at(-1)).toMatch(/^- altered: the record of its newest event/);
    await rm(head);
    expect((await problemsOf(again.store, again.id)).at(-1)).toMatch(/^- altered: .* is missing/);
    await rm(saved);
  });

  test('another key is told once, not only line by line', async () => {
    const { dir, id } = await incidentOfTen();
    const other = await openStore(dir, { key: new Uint8Array(32) });
    expect((await problemsOf(other, id)).join('\n')).toContain('another key');
  });

  test('an unknown stream is NOT_FOUND; an unused journal is sound', async () => {
    const { store } = await incidentOfTen();
    await expect(store.verify('INC-0099')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(store.verify('../x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await store.verify(JOURNAL)).toEqual({ streams: 1, events: 0, problems: [] });
  });

  test('an append cannot cover up a cut-off end', async () => {
    const { id, edit, fresh } = await incidentOfTen();
    await edit((lines) => lines.slice(0, 8));
    const { events } = await (await fresh()).append(id, () => [note('on')]);
    expect(events[0]?.id).toBe('E10');
    expect(await problemsOf(await fresh(), id)).toMatchObject([expect.stringMatching(/^9 truncated: .* gap/)]);
  });

  test('nor one in the process that wrote it', async () => {
    const { store, id, edit } = await incidentOfTen();
    await edit((lines) => lines.slice(0, 8));
    await store.append(id, () => [note('on')]);
    expect((await problemsOf(store, id)).length).toBe(1);
  });
});
