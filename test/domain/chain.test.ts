import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ChainWalk, checkChain, digestFits, digestOfValue, seal } from '../../src/domain/chain.ts';
import type { NewEvent, TimelineEvent } from '../../src/domain/timeline.ts';
import { canonicalJson, GENESIS_HASH } from '../../src/domain/timeline.ts';

const KEY = new TextEncoder().encode('key');
const RECORDED = '2026-03-01T14:20:00.000Z';

const fresh = (message: string): NewEvent => ({ kind: 'note', message, actor: { type: 'assistant', name: 'a 1' } });

function chainOf(messages: string[], key: Uint8Array | null = KEY): TimelineEvent[] {
  const events: TimelineEvent[] = [];
  for (const message of messages) {
    const prev_hash = events.at(-1)?.hash ?? GENESIS_HASH;
    events.push(seal(fresh(message), { seq: events.length + 1, prev_hash, recorded_at: RECORDED }, key));
  }
  return events;
}

const linesOf = (events: TimelineEvent[]): string[] => events.map(canonicalJson);
const six = chainOf(['a', 'b', 'c', 'd', 'e', 'f']);
const head = { seq: 6, hash: six[5]?.hash ?? '' };

describe('seal', () => {
  const place = { seq: 3, prev_hash: 'a'.repeat(64), recorded_at: RECORDED };

  test('fills what the store adds and hashes all the rest', () => {
    const event = seal(fresh('x'), place, KEY);
    const { hash, ...body } = event;
    expect(body).toEqual({ ...fresh('x'), id: 'E3', occurred_at: RECORDED, evidence: [], ...place });
    expect(hash).toBe(createHmac('sha256', KEY).update(canonicalJson(body)).digest('hex'));
    const plain = seal(fresh('x'), place, null);
    expect(plain.hash).toBe(createHash('sha256').update(canonicalJson(body)).digest('hex'));
  });

  test('keeps a given instant and evidence, drops undefined, and cannot be told its own hash or place', () => {
    const given = { ...fresh('x'), occurred_at: '2026-03-01T14:00:00Z', evidence: ['E1'], hash: 'b', seq: 9, id: 'E9' };
    const event = seal({ ...given, data: { a: undefined, d: new Date(0) } }, place, KEY);
    expect(event).toMatchObject({ occurred_at: '2026-03-01T14:00:00Z', evidence: ['E1'], seq: 3, id: 'E3' });
    expect(event.data).toEqual({ d: '1970-01-01T00:00:00.000Z' });
    const { hash, ...body } = event;
    expect(digestFits(body, hash, KEY)).toBe(true);
  });

  test('the digest does not depend on the order of keys and does on every value', () => {
    expect(digestOfValue({ a: 1, b: [2, { c: 3, d: 4 }] }, KEY)).toBe(
      digestOfValue({ b: [2, { d: 4, c: 3 }], a: 1 }, KEY),
    );
    expect(digestOfValue({ a: 1 }, KEY)).not.toBe(digestOfValue({ a: '1' }, KEY));
    expect(digestFits({ a: 1 }, undefined, KEY)).toBe(false);
    expect(digestFits({ a: 1 }, 'short', KEY)).toBe(false);
  });
});

describe('checkChain', () => {
  const lines = linesOf(six);
  const line = (n: number): string => lines[n - 1] ?? '';

  test('a sound chain has no faults, with and without key and head', () => {
    expect(checkChain(lines, KEY, head)).toEqual([]);
    expect(checkChain(lines, KEY)).toEqual([]);
    expect(checkChain(linesOf(chainOf(['a', 'b'], null)), null)).toEqual([]);
    expect(checkChain([], KEY)).toEqual([]);
    expect(checkChain([], KEY, { seq: 0, hash: GENESIS_HASH })).toEqual([]);
  });

  test.each<[string, string[], [string, number | null, string | null][]]>([
    ['a word changed', lines.with(2, line(3).replace('"c"', '"C"')), [['altered', 3, 'E3']]],
    ['a field added', lines.with(2, line(3).replace('{', '{"aa":1,')), [['altered', 3, 'E3']]],
    ['a key twice', lines.with(2, line(3).replace('"message"', '"message":"z","message"')), [['altered', 3, 'E3']]],
    ['another id', lines.with(2, line(3).replace('"E3"', '"E4"')), [['altered', 3, 'E4']]],
    ['not JSON', lines.with(2, 'x'), [['unreadable', 3, null]]],
    ['not an object', lines.with(2, '7'), [['unreadable', 3, null]]],
    ['one removed', lines.toSpliced(2, 1), [['removed', 3, 'E4']]],
    ['the first removed', lines.slice(1), [['removed', 1, 'E2']]],
    ['one twice', lines.toSpliced(4, 0, line(3)), [['inserted', 5, 'E3']]],
    ['the last one cut off', lines.slice(0, 5), [['truncated', null, 'E6']]],
    ['all cut off', [], [['truncated', null, 'E6']]],
  ])('%s', (_name, changed, expected) => {
    const faults = checkChain(changed, KEY, head);
    expect(faults.map((fault) => [fault.kind, fault.line, fault.event_id])).toEqual(expected);
  });

  test('two in the wrong order', () => {
    const faults = checkChain(lines.with(2, line(4)).with(3, line(3)), KEY, head);
    expect(faults[0]).toMatchObject({ kind: 'reordered', line: 3, event_id: 'E4' });
    expect(new Set(faults.map((fault) => fault.kind))).toEqual(new Set(['reordered']));
  });

  test('one sealed anew without the rest: by who has no key it is altered, by who has it the next one tells', () => {
    const place = { seq: 3, prev_hash: six[1]?.hash ?? '', recorded_at: RECORDED };
    const forged = (key: Uint8Array | null): string[] =>
      lines.with(2, canonicalJson(seal(fresh('forged'), place, key)));
    expect(checkChain(forged(null), KEY, head)).toMatchObject([{ kind: 'altered', line: 3 }]);
    expect(checkChain(forged(KEY), KEY, head)).toMatchObject([{ kind: 'altered', line: 4 }]);
  });

  test('a whole chain written anew is told by the head alone', () => {
    const anew = linesOf(chainOf(['a', 'b', 'c', 'd', 'e', 'forged']));
    expect(checkChain(anew, KEY)).toEqual([]);
    expect(checkChain(anew, KEY, head)).toMatchObject([{ kind: 'altered', line: 6, event_id: 'E6' }]);
  });

  test('more events than the head knows are no fault', () => {
    expect(checkChain(lines, KEY, { seq: 4, hash: six[3]?.hash ?? '' })).toEqual([]);
  });

  test('fields of a later version are part of what is checked', () => {
    const later = seal(
      { ...fresh('x'), later: { a: 1 } } as NewEvent,
      { seq: 1, prev_hash: GENESIS_HASH, recorded_at: RECORDED },
      KEY,
    );
    expect(checkChain([canonicalJson(later)], KEY)).toEqual([]);
    expect(checkChain([canonicalJson(later).replace('"a":1', '"a":2')], KEY).length).toBe(1);
  });
});

describe('for every chain', () => {
  const messages = fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 12 });

  test('it is sound after a round trip through text', () => {
    fc.assert(
      fc.property(messages, fc.boolean(), (list, keyed) => {
        const key = keyed ? KEY : null;
        const events = chainOf(list, key);
        const last = events.at(-1) as TimelineEvent;
        const text = Buffer.from(linesOf(events).join('\n')).toString();
        expect(checkChain(text.split('\n'), key, { seq: last.seq, hash: last.hash })).toEqual([]);
      }),
    );
  });

  test('any change of one byte, removal, doubling or swap of lines is noticed', () => {
    fc.assert(
      fc.property(
        messages,
        fc.nat(),
        fc.nat(),
        fc.constantFrom('byte', 'remove', 'double', 'swap'),
        (list, a, b, how) => {
          const events = chainOf(list);
          const last = events.at(-1) as TimelineEvent;
          const lines = linesOf(events);
          const i = a % lines.length;
          const j = b % lines.length;
          const text = lines[i] ?? '';
          if (how === 'byte') {
            const at = b % text.length;
            lines[i] = text.slice(0, at) + String.fromCharCode((text.charCodeAt(at) ^ 1) & 0x7f) + text.slice(at + 1);
          } else if (how === 'remove') lines.splice(i, 1);
          else if (how === 'double') lines.splice(j, 0, text);
          else {
            fc.pre(i !== j);
            lines[i] = lines[j] ?? '';
            lines[j] = text;
          }
          expect(checkChain(lines, KEY, { seq: last.seq, hash: last.hash })).not.toEqual([]);
        },
      ),
    );
  });

  test('the walk counts what it was given', () => {
    const walk = new ChainWalk(KEY);
    for (const text of linesOf(six)) walk.push(text);
    expect(walk.length).toBe(6);
    expect(walk.finish(head)).toEqual([]);
  });
});
