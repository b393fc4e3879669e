import type { FileHandle } from 'node:fs/promises';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { NewEvent, TimelineEvent } from '../../domain/timeline.ts';
import { CREATE, keepAs, openFile, removeIfThere, saveAs, syncFolder, writeAt } from './files.ts';
import { TIMELINE } from './layout.ts';
import type { StreamState } from './state.ts';

/** What the event that begins a continuation says; `verify` finds it by this. */
export interface RecordGap {
  reason: 'damaged' | 'truncated';
  /** Where the damaged bytes are kept; null when there are none. */
  file: string | null;
  line: number | null;
  /** Good up to this seq, and known to have gone up to that one (null: not known). */
  after_seq: number;
  known_seq: number | null;
}

/** The gap that an event tells of, if it is one that the system wrote. */
export function gapOf(event: Pick<TimelineEvent, 'actor' | 'data'>): RecordGap | null {
  const gap = event.data?.record_gap;
  return event.actor.type === 'system' && typeof gap === 'object' && gap !== null ? (gap as RecordGap) : null;
}

/** The system's own note on a gap in the record. */
export function gapEvent(gap: RecordGap): NewEvent {
  const good = gap.after_seq === 0 ? 'Nothing of it is readable' : `It is good up to E${gap.after_seq}`;
  const why =
    gap.reason === 'damaged'
      ? `The record was damaged at line ${gap.line}; the damaged file is kept as ${gap.file}.`
      : `The end of the record was cut off: E${gap.known_seq} had been acknowledged.`;
  return {
    kind: 'note',
    message: `${why} ${good}, and goes on from here.`,
    actor: { type: 'system', name: 'incident-mcp' },
    data: { record_gap: { ...gap } },
  };
}

/**
 * Moves the bytes of a write that was cut short to `timeline.torn-<n>` and cuts them off. They were never acknowledged. To be called
 * under the lock, when no write can be under way.
 */
export async function cutTorn(handle: FileHandle, state: StreamState, folder: string): Promise<string> {
  const bytes = Buffer.alloc(state.tail);
  await handle.read(bytes, 0, bytes.length, state.offset);
  const name = await saveAs(folder, 'timeline.torn', '', bytes);
  await handle.truncate(state.offset);
  await handle.datasync();
  state.tail = 0;
  return name;
}

/**
 * Sets a damaged timeline aside as `timeline.damaged-<n>.jsonl` and puts in its place what is good before the damage and then
 * `note`, whose hash follows from the last good event. The damaged file keeps its every byte; at no instant is there no timeline.
 */
export async function continueAfterDamage(
  handle: FileHandle,
  state: StreamState,
  folder: string,
  note: (keptAs: string) => string,
): Promise<void> {
  const path = join(folder, TIMELINE);
  const keptAs = await keepAs(path, 'timeline.damaged', '.jsonl');
  const fresh = join(folder, `${TIMELINE}.${process.pid}.tmp`);
  await removeIfThere(fresh);
  try {
    const copy = await openFile(fresh, CREATE);
    try {
      const chunk = Buffer.alloc(256 * 1024);
      for (let at = 0; at < state.offset; ) {
        const { bytesRead } = await handle.read(chunk, 0, Math.min(chunk.length, state.offset - at), at);
        if (bytesRead === 0) break;
        await writeAt(copy, chunk.subarray(0, bytesRead), at);
        at += bytesRead;
      }
      await writeAt(copy, Buffer.from(note(keptAs)), state.offset);
      await copy.sync();
    } finally {
      await copy.close();
    }
    await rename(fresh, path);
  } catch (cause) {
    await removeIfThere(fresh).catch(() => undefined);
    await removeIfThere(join(folder, keptAs)).catch(() => undefined);
    throw cause;
  }
  await syncFolder(folder);
}
