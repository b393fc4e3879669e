import type { FileHandle } from 'node:fs/promises';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { KnownHead } from '../../domain/chain.ts';
import { seal } from '../../domain/chain.ts';
import { toInstant } from '../../domain/instant.ts';
import type { NewEvent, TimelineEvent } from '../../domain/timeline.ts';
import { canonicalJson } from '../../domain/timeline.ts';
import { notFound, storeFailed } from '../../errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { JOURNAL } from '../../ports/store.ts';
import { errnoOf } from './failure.ts';
import {
  CREATE,
  ensureFolder,
  isRealFolder,
  openFile,
  openIfThere,
  READ,
  removeIfThere,
  sweepTemporary,
  syncFolder,
  UPDATE,
  writeAt,
} from './files.ts';
import type { Heads } from './heads.ts';
import type { Layout } from './layout.ts';
import { SNAPSHOT, TIMELINE } from './layout.ts';
import { unitOf } from './lines.ts';
import { eventsAfter, foldTail } from './reader.ts';
import type { RecordGap } from './repair.ts';
import { continueAfterDamage, cutTorn, gapEvent } from './repair.ts';
import { Misfit, parseEvent } from './schema.ts';
import { createSerial } from './serial.ts';
import { loadSnapshot, saveSnapshot, snapshotDue } from './snapshot.ts';
import { StreamState } from './state.ts';

/** Where the store says what it mended or could not do by the way; fits a pino logger. Never a secret, never an event's text. */
export interface StoreLog {
  warn(details: object, message: string): void;
}

/** A stream that is open for writing: the newest state, and the way to add to it. */
export interface Writer {
  readonly state: StreamState;
  /** Appends as one unit; durable when it resolves, nothing written when it rejects. */
  commit(events: NewEvent[], idempotencyKey?: string): Promise<TimelineEvent[]>;
  events(since: number, limit: number): Promise<TimelineEvent[]>;
}

export interface Streams {
  /** The newest state without any lock; null when there is no such stream. */
  current(stream: string): Promise<StreamState | null>;
  events(stream: string, since: number, limit: number): Promise<TimelineEvent[]>;
  /** To be called under the folder's lock. A missing journal is made; a missing incident is `NOT_FOUND`. */
  write<T>(stream: string, work: (writer: Writer) => Promise<T>): Promise<T>;
  /** To be called under the folder's lock: makes the stream with its first event, or leaves no trace. */
  create(
    stream: string,
    event: NewEvent,
    idempotencyKey?: string,
  ): Promise<{ state: StreamState; event: TimelineEvent }>;
}

export interface StreamsDeps {
  layout: Layout;
  heads: Heads;
  clock: Clock;
  key: Uint8Array | null;
  log: StoreLog;
}

/**
 * The streams and what this process has read of them. An append reads nothing when the file is as this process left it, and only
 * the tail when another process added to it, so its cost does not depend on the length of the stream.
 */
export function createStreams({ layout, heads, clock, key, log }: StreamsDeps): Streams {
  const states = new Map<string, StreamState>();
  const serial = createSerial();

  /** The state after folding what is new in the file. */
  async function upToDate(stream: string, folder: string, handle: FileHandle): Promise<StreamState> {
    const stat = await handle.stat();
    const known = states.get(stream);
    const same = known && known.ino === stat.ino && stat.size >= known.offset;
    // A damaged file that was touched since may have been mended by its owner.
    let state = same && (known.damage === null || known.readAt === stat.mtimeMs) ? known : null;
    state ??= await loadSnapshot(join(folder, SNAPSHOT), stream, handle, key);
    state ??= new StreamState(stream, stat.ino);
    if (stat.size > state.offset && state.damage === null && !(await foldTail(handle, state, stat.size))) {
      state = new StreamState(stream, stat.ino);
      await foldTail(handle, state, stat.size);
    }
    state.readAt = stat.mtimeMs;
    states.set(stream, state);
    return state;
  }

  async function reading<T>(
    stream: string,
    none: T,
    work: (state: StreamState, handle: FileHandle, folder: string) => Promise<T>,
  ): Promise<T> {
    const folder = layout.stream(stream);
    if (folder === null) return none;
    return serial.run(stream, async () => {
      const there = stream === JOURNAL || (await isRealFolder(layout.incidents));
      const handle = there && (await isRealFolder(folder)) ? await openIfThere(join(folder, TIMELINE), READ) : null;
      if (!handle) {
        states.delete(stream);
        return none;
      }
      try {
        return await work(await upToDate(stream, folder, handle), handle, folder);
      } finally {
        await handle.close();
      }
    });
  }

  async function current(stream: string): Promise<StreamState | null> {
    return reading<StreamState | null>(stream, null, async (state, _handle, folder) => {
      if (snapshotDue(state)) {
        await saveSnapshot(join(folder, SNAPSHOT), state, key).catch((cause: unknown) => {
          // Only a cache: without it the next process reads the timeline from its start.
          state.snapshotSeq = state.seq;
          log.warn({ stream, code: errnoOf(cause) }, 'the snapshot could not be written');
        });
      }
      return state;
    });
  }

  /** The events as they will stand in the file; throws `STORE` for what could not be read back. */
  function sealed(state: StreamState, events: NewEvent[], idempotencyKey: string | undefined): TimelineEvent[] {
    const recorded_at = toInstant(clock.now());
    let { seq, hash } = state;
    return events.map((event) => {
      const body: NewEvent = { ...event };
      if (idempotencyKey !== undefined) body.idempotency_key = idempotencyKey;
      if (event.occurred_at !== undefined && !Number.isNaN(Date.parse(event.occurred_at))) {
        body.occurred_at = toInstant(new Date(event.occurred_at));
      }
      const next = seal(body, { seq: seq + 1, prev_hash: hash, recorded_at }, key);
      seq = next.seq;
      hash = next.hash;
      let problem = 'a field would be lost';
      try {
        if (canonicalJson(parseEvent(next)) === canonicalJson(next)) return next;
      } catch (cause) {
        if (!(cause instanceof Misfit)) throw cause;
        problem = cause.message;
      }
      throw storeFailed(`The event (${event.kind}) cannot be recorded: ${problem}.`, 'mend that value and call again.');
    });
  }

  async function commit(
    state: StreamState,
    handle: FileHandle,
    events: NewEvent[],
    idempotencyKey?: string,
  ): Promise<TimelineEvent[]> {
    const next = sealed(state, events, idempotencyKey);
    if (next.length === 0) return next;
    const lines = next.map((event) => Buffer.byteLength(canonicalJson(event)));
    const bytes = Buffer.from(unitOf(next.map(canonicalJson)));
    const before = state.offset;
    try {
      await writeAt(handle, bytes, before);
      await handle.datasync();
    } catch (cause) {
      // Nothing half-written may stay; should this fail too, the next writer moves the torn bytes aside.
      await handle.truncate(before).catch(() => undefined);
      await handle.datasync().catch(() => undefined);
      throw cause;
    }
    let at = before;
    const starts = lines.map((length) => {
      const start = at;
      at += length + 2;
      return start;
    });
    state.apply(next, starts, before + bytes.length);
    await followHead(state.stream, { seq: state.seq, hash: state.hash });
    return next;
  }

  async function followHead(stream: string, head: KnownHead): Promise<void> {
    await heads.write(stream, { seq: head.seq, hash: head.hash }).catch((cause: unknown) => {
      // The event itself is safe on disk; only the notice of a cut-off end is older than it could be.
      log.warn({ stream, code: errnoOf(cause) }, 'the head could not be written');
    });
  }

  /** Torn bytes are moved aside, damage is set aside, a cut-off end is written down; then the state may be added to. */
  async function mended(stream: string, folder: string, handle: FileHandle): Promise<StreamState | 'reopen'> {
    const state = await upToDate(stream, folder, handle);
    if (state.compared && state.damage === null && state.tail === 0) return state;
    const head = await heads.read(stream);
    const known = head === null || head === 'altered' ? null : head.seq;
    if (stream !== JOURNAL && state.incident === null) {
      // A declaration that was cut short was never acknowledged.
      if (state.damage === null && (known ?? 0) === 0) throw noIncident(stream);
      throw storeFailed(
        `The record of ${stream} is unreadable from its start${state.damage ? `: ${state.damage.problem}` : ''}.`,
        'bring it back from a backup, or declare a new incident; nothing of it was changed.',
      );
    }
    const gap = { after_seq: state.seq, known_seq: known };
    if (state.damage !== null) {
      const { line, problem } = state.damage;
      let noted: TimelineEvent | null = null;
      await continueAfterDamage(handle, state, folder, (file) => {
        const note = sealed(state, [gapEvent({ ...gap, reason: 'damaged', file, line })], undefined);
        noted = note.at(-1) ?? null;
        return unitOf(note.map(canonicalJson));
      });
      if (noted) await followHead(stream, noted);
      log.warn({ stream, line, problem }, 'a damaged timeline was set aside');
      states.delete(stream);
      return 'reopen';
    }
    if (state.tail > 0) {
      const file = await cutTorn(handle, state, folder);
      log.warn({ stream, file }, 'the bytes of an unfinished write were moved aside');
    }
    if (known !== null && known > state.seq) {
      const truncated: RecordGap = { ...gap, reason: 'truncated', file: null, line: null };
      await commit(state, handle, [gapEvent(truncated)]);
      log.warn({ stream, ...truncated }, 'the end of a timeline is missing');
    }
    if (!state.compared) await sweepTemporary(folder);
    state.compared = true;
    return state;
  }

  async function writing<T>(stream: string, folder: string, work: (writer: Writer) => Promise<T>): Promise<T> {
    const path = join(folder, TIMELINE);
    let handle = (await isRealFolder(folder)) ? await openIfThere(path, UPDATE) : null;
    if (!handle && stream !== JOURNAL) throw await missing(stream);
    if (!handle) {
      await ensureFolder(folder);
      if ((await heads.read(stream)) === null) await heads.start(stream);
      handle = await openFile(path, CREATE);
      await syncFolder(folder);
    }
    try {
      const state = await mended(stream, folder, handle);
      if (state !== 'reopen') {
        const open = handle;
        return await work({
          state,
          commit: (events, idempotencyKey) => commit(state, open, events, idempotencyKey),
          events: (since, limit) => eventsAfter(open, state, since, limit),
        });
      }
    } finally {
      await handle.close();
    }
    return writing(stream, folder, work);
  }

  async function missing(stream: string): Promise<Error> {
    const head = await heads.read(stream);
    if (head === null || (head !== 'altered' && head.seq === 0)) return noIncident(stream);
    return storeFailed(
      `The record of ${stream} is gone from the data folder.`,
      'bring it back from a backup, or declare a new incident; `incident-mcp verify` says what was known of it.',
    );
  }

  return {
    current,
    events: (stream, since, limit) =>
      reading<TimelineEvent[]>(stream, [], (state, handle) => eventsAfter(handle, state, since, limit)),
    async write(stream, work) {
      const folder = layout.stream(stream);
      if (folder === null) throw noIncident(stream);
      return serial.run(stream, () => writing(stream, folder, work));
    },
    async create(stream, event, idempotencyKey) {
      const folder = layout.stream(stream) ?? '';
      return serial.run(stream, async () => {
        await ensureFolder(layout.incidents);
        await ensureFolder(folder);
        await heads.start(stream);
        const path = join(folder, TIMELINE);
        const handle = await openFile(path, CREATE);
        try {
          await syncFolder(folder);
          const state = new StreamState(stream, (await handle.stat()).ino);
          const [first] = await commit(state, handle, [event], idempotencyKey);
          state.compared = true;
          states.set(stream, state);
          return { state, event: first as TimelineEvent };
        } catch (cause) {
          // An empty timeline would only use up an id.
          await removeIfThere(path).catch(() => undefined);
          await rmdir(folder).catch(() => undefined);
          await heads.forget(stream).catch(() => undefined);
          throw cause;
        } finally {
          await handle.close();
        }
      });
    },
  };
}

const noIncident = (stream: string): Error =>
  notFound(`There is no incident ${stream.slice(0, 40)}.`, 'list_incidents shows those that there are.');
