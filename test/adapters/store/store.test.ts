import { lstat, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { seal } from '../../../src/domain/chain.ts';
import { GENESIS_HASH } from '../../../src/domain/timeline.ts';
import { conflict } from '../../../src/errors.ts';
import { JOURNAL } from '../../../src/ports/store.ts';
import {
  addNotes,
  declaration,
  declared,
  linesOf,
  note,
  openStore,
  tempFolder,
  tempStore,
  timelinePath,
} from './fixture.ts';

describe('an empty data folder', () => {
  test('reads answer without making it', async () => {
    const { dir, store } = await tempStore();
    expect(await store.incidents()).toEqual([]);
    expect(await store.incident('INC-0001')).toBeNull();
    expect(await store.timeline(JOURNAL)).toEqual([]);
    expect(await store.head('INC-0001')).toEqual({ seq: 0, hash: GENESIS_HASH });
    expect(await store.approval('APR-AAAAAAAAAA')).toBeNull();
    expect(await store.approvals()).toEqual([]);
    expect(await store.damaged()).toEqual([]);
    expect(await store.verify()).toEqual({ streams: 0, events: 0, problems: [] });
    await expect(lstat(dir)).rejects.toThrow('ENOENT');
  });

  test('the first write makes it, for the owner alone', async () => {
    const { dir, store } = await tempStore();
    const id = await declared(store);
    for (const folder of [dir, join(dir, 'incidents'), join(dir, 'incidents', id), join(dir, 'heads')]) {
      expect((await lstat(folder)).mode & 0o777, folder).toBe(0o700);
    }
    for (const file of [timelinePath(dir, id), join(dir, 'heads', `${id}.json`)]) {
      expect((await lstat(file)).mode & 0o777, file).toBe(0o600);
    }
    expect((await readdir(dir)).filter((name) => name.startsWith('lock'))).toEqual([]);
  });
});

describe('declare', () => {
  test('gives ids in order and the open incidents', async () => {
    const { dir, store } = await tempStore();
    const first = await store.declare((id, open) => {
      expect(open).toEqual([]);
      return declaration(id);
    });
    expect(first).toMatchObject({ repeated: false, incident: { id: 'INC-0001', seq: 1 }, event: { id: 'E1' } });
    await store.append('INC-0001', () => [note('over', { kind: 'status_changed', change: { status: 'closed' } })]);
    await declared(store);
    await store.declare((id, open) => {
      expect(open.map((incident) => incident.id)).toEqual(['INC-0002']);
      return declaration(id);
    });
    expect((await store.incidents()).map((incident) => incident.id)).toEqual(['INC-0003', 'INC-0002', 'INC-0001']);
    expect(await (await openStore(dir)).incident('INC-0001')).toEqual(await store.incident('INC-0001'));
  });

  test('an id is never given twice, even when the newest folder is gone', async () => {
    const { dir, store } = await tempStore();
    await declared(store);
    await declared(store);
    await rm(join(dir, 'incidents', 'INC-0002'), { recursive: true });
    expect(await declared(store)).toBe('INC-0003');
  });

  test('the same key gives the first answer, also to another process and after more events', async () => {
    const { dir, store } = await tempStore();
    const first = await store.declare((id) => declaration(id), 'k1');
    await addNotes(store, first.incident.id, 2);
    const again = await (await openStore(dir)).declare(() => expect.unreachable(), 'k1');
    expect(again.repeated).toBe(true);
    expect(again.event).toEqual(first.event);
    expect(again.incident.seq).toBe(3);
    // The store's key of a declaration is no key of the stream.
    expect((await store.append(first.incident.id, () => [note('other')], 'k1')).repeated).toBe(false);
  });

  test('a refusal writes nothing and uses up no id', async () => {
    const { dir, store } = await tempStore();
    const refused = store.declare(() => {
      throw conflict('one is open', 'use it');
    });
    await expect(refused).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(store.declare((id) => note(id))).rejects.toMatchObject({ code: 'STORE' });
    await expect(lstat(join(dir, 'incidents'))).rejects.toThrow('ENOENT');
    expect(await declared(store)).toBe('INC-0001');
  });
});

describe('append', () => {
  test('gives id, seq, instants, evidence and a hash that follows', async () => {
    const now = new Date('2026-03-01T15:00:00Z');
    const { store } = await tempStore({ clock: { now: () => now } });
    const id = await declared(store);
    const { events, incident } = await store.append(id, (before) => {
      expect(before?.seq).toBe(1);
      return [note('one', { occurred_at: '2026-03-01T15:30:00+01:00' }), note('two', { evidence: ['E1'] })];
    });
    expect(events[0]).toMatchObject({
      id: 'E2',
      seq: 2,
      occurred_at: '2026-03-01T14:30:00.000Z',
      recorded_at: '2026-03-01T15:00:00.000Z',
      evidence: [],
    });
    expect(events[1]).toMatchObject({ id: 'E3', seq: 3, evidence: ['E1'], prev_hash: events[0]?.hash });
    expect(incident?.seq).toBe(3);
    expect(await store.head(id)).toEqual({ seq: 3, hash: events[1]?.hash });
    expect(await store.timeline(id, { since_seq: 1 })).toEqual(events);
  });

  test('the journal needs no declaration', async () => {
    const { store } = await tempStore();
    const { incident, events } = await store.append(JOURNAL, (none) => {
      expect(none).toBeNull();
      return [note('no incident')];
    });
    expect(incident).toBeNull();
    expect(events[0]?.prev_hash).toBe(GENESIS_HASH);
    expect(await store.incident(JOURNAL)).toBeNull();
    expect(await store.incidents()).toEqual([]);
  });

  test.each(['INC-0042', 'INC-1', '../journal', 'INC-0001/../../x', ''])('no stream "%s"', async (stream) => {
    const { store } = await tempStore();
    await declared(store);
    await expect(store.append(stream, () => [note('x')])).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await store.incident(stream)).toBeNull();
    expect(await store.timeline(stream)).toEqual([]);
  });

  test('the same key gives the first events, also to another process', async () => {
    const { dir, store } = await tempStore();
    const id = await declared(store);
    const first = await store.append(id, () => [note('a'), note('b')], 'k');
    await addNotes(store, id, 1);
    for (const again of [store, await openStore(dir)]) {
      const answer = await again.append(id, () => expect.unreachable(), 'k');
      expect(answer.repeated).toBe(true);
      expect(answer.events).toEqual(first.events);
    }
    expect((await store.append(JOURNAL, () => [note('j')], 'k')).repeated).toBe(false);
    const carried = await store.append(id, () => [note('a', { idempotency_key: 'k' })]);
    expect(carried).toMatchObject({ repeated: true, events: first.events });
    expect((await store.timeline(id)).length).toBe(4);
  });

  test('a refusal, or nothing to say, writes nothing', async () => {
    const { dir, store } = await tempStore();
    const id = await declared(store);
    const refusal = store.append(id, () => {
      throw conflict('no', 'none');
    });
    await expect(refusal).rejects.toMatchObject({ code: 'CONFLICT', message: 'no' });
    expect((await store.append(id, () => [])).events).toEqual([]);
    expect((await linesOf(timelinePath(dir, id))).length).toBe(1);
  });

  test.each([
    ['an instant without an offset', note('x', { occurred_at: 'yesterday' })],
    ['a status that is none', note('x', { change: { status: 'fixed' as 'closed' } })],
    ['a key that no object can carry', note('x', { data: JSON.parse('{"__proto__":1}') as Record<string, unknown> })],
    ['no message', { ...note('x'), message: 7 as unknown as string }],
  ])('%s is refused before anything is written, the other events of the unit too', async (_name, bad) => {
    const { store } = await tempStore();
    const id = await declared(store);
    await expect(store.append(id, () => [note('good'), bad])).rejects.toMatchObject({ code: 'STORE' });
    expect((await store.timeline(id)).length).toBe(1);
    expect((await store.append(id, () => [note('next')])).events[0]?.id).toBe('E2');
  });

  test('two stores on one folder see each other at once', async () => {
    const { dir, store } = await tempStore();
    const other = await openStore(dir);
    const id = await declared(store);
    await Promise.all([addNotes(store, id, 25, 'a'), addNotes(other, id, 25, 'b')]);
    expect(await store.timeline(id)).toEqual(await other.timeline(id));
    expect(await store.incident(id)).toEqual(await other.incident(id));
    expect(await store.verify()).toEqual({ streams: 1, events: 51, problems: [] });
  });

  test('odd text survives: newlines, separators, lone surrogates', async () => {
    const { dir, store } = await tempStore();
    const id = await declared(store);
    const message = 'a\nb \u2028 \ud800 "quoted" \u0000 ü 🚨 ';
    await store.append(id, () => [note(message), note('then', { data: { n: -0.5, ü: [null, { '': 1e21 }] } })]);
    const read = await (await openStore(dir)).timeline(id);
    expect(read[1]?.message).toBe(message);
    expect((await store.verify(id)).problems).toEqual([]);
  });
});

describe('timeline', () => {
  test('pages by seq, also past the marks and in a process that has not read it', async () => {
    const { dir, store } = await tempStore();
    const id = await declared(store);
    await store.append(id, () => Array.from({ length: 300 }, (_, i) => note(`n${i + 2}`)));
    await addNotes(store, id, 20);
    const all = await store.timeline(id);
    expect(all.map((event) => event.seq)).toEqual(Array.from({ length: 321 }, (_, i) => i + 1));
    for (const reader of [store, await openStore(dir)]) {
      for (const [since_seq, limit] of [
        [0, 3],
        [63, 2],
        [64, 2],
        [65, 70],
        [300, 50],
        [321, 5],
        [10, 0],
      ] as const) {
        expect(await reader.timeline(id, { since_seq, limit })).toEqual(all.slice(since_seq, since_seq + limit));
      }
    }
  });
});

describe('the snapshot', () => {
  test('is written by reads, used by the next process, and believed only with its seal', async () => {
    const { dir, store } = await tempStore();
    const id = await declared(store);
    await store.append(id, () => Array.from({ length: 250 }, (_, i) => note(`n${i}`)), 'bulk');
    const state = join(dir, 'incidents', id, 'state.json');
    await expect(lstat(state)).rejects.toThrow('ENOENT');
    const truth = await store.incident(id);
    const text = (await linesOf(state)).join('\n');
    await addNotes(store, id, 3);

    const next = await openStore(dir);
    expect(await next.incident(id)).toEqual({ ...truth, seq: 254 });
    expect((await next.append(id, () => expect.unreachable(), 'bulk')).events.length).toBe(250);

    await writeFile(state, text.replace('"SEV2"', '"SEV4"'));
    expect((await (await openStore(dir)).incident(id))?.severity).toBe('SEV2');
    await writeFile(state, '{');
    expect((await (await openStore(dir)).incident(id))?.seq).toBe(254);
  });

  test('of another timeline is passed over', async () => {
    const { dir, store } = await tempStore();
    const [a, b] = [await declared(store, 'a'), await declared(store, 'b')];
    for (const id of [a, b]) await store.append(id, () => Array.from({ length: 250 }, (_, i) => note(`${id} ${i}`)));
    await store.incidents();
    await rename(join(dir, 'incidents', b, 'state.json'), join(dir, 'incidents', a, 'state.json'));
    expect((await (await openStore(dir)).incident(a))?.title).toBe('a');
  });
});

describe('documents', () => {
  test('are replaced as a whole and lie beside the incident', async () => {
    const { dir, store } = await tempStore();
    const id = await declared(store);
    expect(await store.readDocument(id, 'postmortem.md')).toBeNull();
    await store.writeDocument(id, 'postmortem.md', 'long '.repeat(100));
    const path = await store.writeDocument(id, 'postmortem.md', '# short\n');
    expect(path).toBe(join(dir, 'incidents', id, 'postmortem.md'));
    expect(await store.readDocument(id, 'postmortem.md')).toBe('# short\n');
    expect((await readdir(join(dir, 'incidents', id))).sort()).toEqual(['postmortem.md', 'timeline.jsonl']);
  });

  test.each([
    'timeline.jsonl',
    'timeline.damaged-1.jsonl',
    'state.json',
    '../x.md',
    '/etc/x.md',
    'a/b.md',
    '.md',
    'x.tmp',
    '',
  ])('the name "%s" is refused', async (name) => {
    const { store } = await tempStore();
    const id = await declared(store);
    await expect(store.writeDocument(id, name, 'x')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('of no incident', async () => {
    const { store } = await tempStore();
    await expect(store.writeDocument('INC-0009', 'a.md', 'x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await store.readDocument('INC-0009', 'a.md')).toBeNull();
  });
});

describe('symbolic links', () => {
  test('in the data folder are refused, whatever they stand for', async () => {
    const { dir, store } = await tempStore();
    const [a, b, c] = [await declared(store), await declared(store), await declared(store)];
    const away = join(await tempFolder(), 'away');
    await rename(timelinePath(dir, a), away);
    await symlink(away, timelinePath(dir, a));
    await rename(join(dir, 'incidents', b), `${away}-folder`);
    await symlink(`${away}-folder`, join(dir, 'incidents', b));
    const other = await openStore(dir);
    for (const id of [a, b]) {
      await expect(other.append(id, () => [note('x')])).rejects.toMatchObject({ code: 'STORE' });
      await expect(other.incident(id)).rejects.toMatchObject({ code: 'STORE' });
    }
    expect((await other.incidents()).map((incident) => incident.id)).toEqual([c]);
    expect((await other.damaged()).map((document) => document.name)).toEqual([`incidents/${a}`, `incidents/${b}`]);
    expect((await linesOf(away)).length).toBe(1);
    expect((await other.append(c, () => [note('fine')])).events.length).toBe(1);
  });

  test('a folder of approvals that is a link', async () => {
    const { dir, store } = await tempStore();
    await declared(store);
    await mkdir(`${dir}-away`);
    await symlink(`${dir}-away`, join(dir, 'approvals'));
    await expect(store.approvals()).rejects.toMatchObject({ code: 'STORE' });
  });
});

test('watch tells of a change by this store and by another, before and after the folder exists', async () => {
  const { dir, store } = await tempStore();
  const heard: string[] = [];
  const stop = store.watch((stream) => heard.push(stream));
  const until = async (n: number): Promise<void> => {
    const end = performance.now() + 5_000;
    while (heard.length < n && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  try {
    const id = await declared(store);
    await until(1);
    expect(heard).toEqual([id]);
    await (await openStore(dir)).append(JOURNAL, () => [note('x')]);
    await until(2);
    expect(heard).toEqual([id, JOURNAL]);
  } finally {
    stop();
  }
  await store.append(JOURNAL, () => [note('after the stop')]);
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(heard.length).toBe(2);
});

test('what is sealed here is what the domain seals', async () => {
  const key = new Uint8Array([1, 2, 3]);
  const now = new Date('2026-03-01T15:00:00Z');
  const { store } = await tempStore({ key, clock: { now: () => now } });
  const { event } = await store.declare((id) => declaration(id));
  const place = { seq: 1, prev_hash: GENESIS_HASH, recorded_at: now.toISOString() };
  expect(event).toEqual(seal(declaration('INC-0001'), place, key));
});
