import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Instant } from './instant.ts';
import type { NewEvent, TimelineEvent } from './timeline.ts';
import { canonicalJson, GENESIS_HASH } from './timeline.ts';

/** What is wrong with a chain of events at one place. */
export interface ChainFault {
  kind: 'unreadable' | 'altered' | 'removed' | 'inserted' | 'reordered' | 'truncated';
  /** 1-based; null when it is the end that is missing. */
  line: number | null;
  event_id: string | null;
  problem: string;
}

/** The newest event of a stream, as it was known when it was acknowledged. */
export interface KnownHead {
  seq: number;
  hash: string;
}

/** HMAC-SHA256 of the canonical JSON with a key, SHA-256 without one; lower-case hex. */
export function digestOfValue(value: unknown, key: Uint8Array | null): string {
  const text = canonicalJson(value);
  return (key === null ? createHash('sha256') : createHmac('sha256', key)).update(text).digest('hex');
}

/** Whether `digest` is the one of `value`; takes the same time wherever they differ. */
export function digestFits(value: unknown, digest: unknown, key: Uint8Array | null): boolean {
  if (typeof digest !== 'string') return false;
  const is = Buffer.from(digestOfValue(value, key));
  const said = Buffer.from(digest);
  return is.length === said.length && timingSafeEqual(is, said);
}

/**
 * Turns a new event into the next one of its stream. `occurred_at` defaults to `recorded_at`, `evidence` to none; the hash covers
 * every other field, the hash of the event before included. Pure.
 */
export function seal(
  event: NewEvent,
  place: { seq: number; prev_hash: string; recorded_at: Instant },
  key: Uint8Array | null,
): TimelineEvent {
  // Through JSON once, so that what is hashed is what a reader of the file will parse (no Date, no undefined, no toJSON).
  const plain = JSON.parse(JSON.stringify(event)) as NewEvent;
  const body = {
    ...plain,
    id: `E${place.seq}`,
    seq: place.seq,
    occurred_at: plain.occurred_at ?? place.recorded_at,
    recorded_at: place.recorded_at,
    evidence: plain.evidence ?? [],
    prev_hash: place.prev_hash,
  };
  // A caller's object may carry the hash of another place; it is no part of what is sealed.
  const { hash: _other, ...sealed } = body as typeof body & { hash?: unknown };
  return { ...sealed, hash: digestOfValue(sealed, key) };
}

interface Link {
  line: number;
  seq: number | null;
  id: string | null;
  prev: string | null;
  hash: string | null;
  own: 'good' | 'unreadable' | 'altered';
}

/**
 * Walks a stream line by line and says where its chain does not hold. The lines are the raw text of the file: fields that this
 * version does not know are hashed too, and bytes that are not the canonical form count as altered.
 */
export class ChainWalk {
  readonly #key: Uint8Array | null;
  readonly #links: Link[] = [];

  constructor(key: Uint8Array | null) {
    this.#key = key;
  }

  get length(): number {
    return this.#links.length;
  }

  push(text: string): void {
    const line = this.#links.length + 1;
    const raw = parseObject(text);
    if (raw === null) {
      this.#links.push({ line, seq: null, id: null, prev: null, hash: null, own: 'unreadable' });
      return;
    }
    const { hash, ...body } = raw;
    const good = digestFits(body, hash, this.#key) && canonicalJson(raw) === text && raw.id === `E${String(raw.seq)}`;
    this.#links.push({
      line,
      seq: typeof raw.seq === 'number' && Number.isSafeInteger(raw.seq) ? raw.seq : null,
      id: typeof raw.id === 'string' ? raw.id.slice(0, 24) : null,
      prev: typeof raw.prev_hash === 'string' ? raw.prev_hash : null,
      hash: typeof hash === 'string' ? hash : null,
      own: good ? 'good' : 'altered',
    });
  }

  /** The faults of all lines pushed, in order of lines. `head` is what is known to have been acknowledged. */
  finish(head: KnownHead | null): ChainFault[] {
    const faults: ChainFault[] = [];
    const seqs = new Set(this.#links.map((link) => link.seq));
    const seen = new Set<number>();
    let expected = 1;
    let prev: string | null = GENESIS_HASH;
    for (const link of this.#links) {
      const fault = faultOf(link, expected, prev, seen, seqs);
      if (fault) faults.push({ ...fault, line: link.line, event_id: link.id });
      const seq: number = link.seq ?? expected;
      seen.add(seq);
      // After a fault the walk goes on from what the line itself says, so that one fault is not told once per line after it.
      expected = fault?.kind === 'inserted' ? expected : seq + 1;
      if (fault?.kind !== 'inserted') prev = link.own === 'good' ? link.hash : null;
    }
    if (head) faults.push(...this.#endFaults(head));
    return faults;
  }

  #endFaults(head: KnownHead): ChainFault[] {
    const at = this.#links.find((link) => link.seq === head.seq);
    if (head.seq > 0 && at && at.hash !== head.hash) {
      const problem = `${at.id} is not the event that was acknowledged as E${head.seq}: the stream was rewritten`;
      return [{ kind: 'altered', line: at.line, event_id: at.id, problem }];
    }
    const last = this.#links.reduce((most, link) => Math.max(most, link.seq ?? 0), 0);
    if (last >= head.seq) return [];
    const problem = `truncated: it ends at ${last === 0 ? 'nothing' : `E${last}`}, but E${head.seq} was acknowledged`;
    return [{ kind: 'truncated', line: null, event_id: `E${head.seq}`, problem }];
  }
}

/** The faults of a whole stream given as its raw lines; none when the chain holds. Pure. */
export function checkChain(
  lines: Iterable<string>,
  key: Uint8Array | null,
  head: KnownHead | null = null,
): ChainFault[] {
  const walk = new ChainWalk(key);
  for (const line of lines) walk.push(line);
  return walk.finish(head);
}

function faultOf(
  link: Link,
  expected: number,
  prev: string | null,
  seen: ReadonlySet<number>,
  all: ReadonlySet<number | null>,
): { kind: ChainFault['kind']; problem: string } | null {
  if (link.own === 'unreadable') return { kind: 'unreadable', problem: 'unreadable: the line is not a JSON object' };
  if (link.own === 'altered' || link.seq === null) {
    return { kind: 'altered', problem: 'altered: the hash does not fit the content' };
  }
  if (seen.has(link.seq)) return { kind: 'inserted', problem: `inserted: ${link.id} is there already` };
  if (link.seq < expected) return { kind: 'reordered', problem: `reordered: ${link.id} comes after E${expected - 1}` };
  if (link.seq > expected) {
    const gone = link.seq - 1 === expected ? `E${expected}` : `E${expected} to E${link.seq - 1}`;
    for (let seq = expected; seq < link.seq && seq < expected + 10_000; seq += 1) {
      if (!all.has(seq)) return { kind: 'removed', problem: `removed: ${gone} should stand before ${link.id}` };
    }
    return { kind: 'reordered', problem: `reordered: ${link.id} stands before ${gone}` };
  }
  if (prev !== null && link.prev !== prev) {
    return { kind: 'altered', problem: `altered: ${link.id} does not follow from the line before it` };
  }
  return null;
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
