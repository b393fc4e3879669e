import { applyEvent } from '../../domain/fold.ts';
import type { Incident } from '../../domain/incident.ts';
import type { TimelineEvent } from '../../domain/timeline.ts';
import { GENESIS_HASH } from '../../domain/timeline.ts';
import { JOURNAL } from '../../ports/store.ts';
import type { Snapshot } from './schema.ts';

/** Every so many events the byte offset is remembered, so that a page of the timeline is found without reading from the start. */
const MARK_EVERY = 64;

export interface Damage {
  /** 1-based line of the file. */
  line: number;
  problem: string;
}

/** What this process knows of one stream: the fold of the file up to a byte. */
export class StreamState {
  readonly stream: string;
  /** Which file it was read from; another inode is another file. */
  readonly ino: number;
  /** Bytes folded: the end of the last good unit. */
  offset = 0;
  seq = 0;
  /** Lines folded; equal to `seq` unless somebody else edited the file. */
  lines = 0;
  hash: string = GENESIS_HASH;
  incident: Incident | null = null;
  /** Idempotency key -> the seqs it gave. The declaration's own key is apart: it is the store's, not the stream's. */
  keys = new Map<string, number[]>();
  declareKey: string | null = null;
  marks: { seq: number; offset: number }[] = [];
  damage: Damage | null = null;
  /** Bytes after `offset` that are no whole unit (without damage): a write under way, or one that was cut short. */
  tail = 0;
  /** The seq of the newest snapshot on disk, as far as this process knows. */
  snapshotSeq = 0;
  /** Time of the file's last change (ms) when it was read. */
  readAt = 0;
  /** Compared with its known head once by a writer of this process. */
  compared = false;

  constructor(stream: string, ino: number) {
    this.stream = stream;
    this.ino = ino;
  }

  /** Takes one unit that ends at byte `end`. Throws, and changes nothing, when it cannot be folded. */
  apply(events: TimelineEvent[], starts: number[], end: number): void {
    let incident = this.incident;
    if (this.stream !== JOURNAL) for (const event of events) incident = applyEvent(incident, event);
    this.incident = incident;
    for (const [i, event] of events.entries()) {
      const last = this.marks.at(-1);
      if (!last || event.seq - last.seq >= MARK_EVERY) {
        this.marks.push({ seq: event.seq, offset: starts[i] ?? this.offset });
      }
      const key = event.idempotency_key;
      if (key !== undefined && event.change?.declared) this.declareKey ??= key;
      else if (key !== undefined) this.keys.set(key, [...(this.keys.get(key) ?? []), event.seq]);
      this.seq = event.seq;
      this.lines += 1;
      this.hash = event.hash;
    }
    this.offset = end;
    this.tail = 0;
  }

  /** Byte at which reading must begin to find every event after `seq`. */
  offsetBefore(seq: number): number {
    let found = 0;
    for (const mark of this.marks) {
      if (mark.seq > seq + 1) break;
      found = mark.offset;
    }
    return found;
  }

  toSnapshot(): Omit<Snapshot, 'seal'> {
    return {
      version: 1,
      stream: this.stream,
      seq: this.seq,
      lines: this.lines,
      offset: this.offset,
      head_hash: this.hash,
      declare_key: this.declareKey,
      keys: Object.fromEntries(this.keys),
      marks: [...this.marks],
      incident: this.incident,
    };
  }

  static fromSnapshot(snapshot: Snapshot, ino: number): StreamState {
    const state = new StreamState(snapshot.stream, ino);
    state.offset = snapshot.offset;
    state.seq = snapshot.seq;
    state.lines = snapshot.lines;
    state.hash = snapshot.head_hash;
    state.incident = snapshot.incident;
    state.keys = new Map(Object.entries(snapshot.keys));
    state.declareKey = snapshot.declare_key;
    state.marks = snapshot.marks;
    state.snapshotSeq = snapshot.seq;
    return state;
  }
}
