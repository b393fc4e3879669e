import type { FileHandle } from 'node:fs/promises';
import { Low } from 'lowdb';
import { digestFits, digestOfValue } from '../../domain/chain.ts';
import { Damaged, JsonDocument, openDocument } from './document.ts';
import { isErrno } from './failure.ts';
import type { Snapshot } from './schema.ts';
import { parseSnapshot } from './schema.ts';
import { StreamState } from './state.ts';

const MAX_LINE = 256 * 1024;

/** Worth writing when this many events were added since the last one: often enough to help, seldom enough to cost nothing. */
export const snapshotDue = (state: StreamState): boolean =>
  state.damage === null && state.seq - state.snapshotSeq >= Math.max(200, state.seq / 10);

/**
 * The state that a snapshot gives, when it carries its seal and the timeline still has, right before its byte, the event it says;
 * else null: it is a cache, and the timeline alone decides.
 */
export async function loadSnapshot(
  path: string,
  stream: string,
  timeline: FileHandle,
  key: Uint8Array | null,
): Promise<StreamState | null> {
  let snapshot: Snapshot | null;
  try {
    snapshot = (await openDocument(path, parseSnapshot, { durable: false })).data;
  } catch (cause) {
    if (cause instanceof Damaged || isErrno(cause, 'ELOOP', 'EISDIR', 'EACCES')) return null;
    throw cause;
  }
  if (snapshot === null || snapshot.stream !== stream) return null;
  const { seal, ...body } = snapshot;
  if (!digestFits(body, seal, key)) return null;
  const stat = await timeline.stat();
  if (stat.size < snapshot.offset || !(await endsWith(timeline, snapshot))) return null;
  return StreamState.fromSnapshot(snapshot, stat.ino);
}

/** Writes the snapshot, over whatever was there: it is the one document that holds nothing of its own. */
export async function saveSnapshot(path: string, state: StreamState, key: Uint8Array | null): Promise<void> {
  const body = state.toSnapshot();
  const adapter = new JsonDocument<Snapshot>(path, parseSnapshot, { durable: false });
  await new Low<Snapshot>(adapter, { ...body, seal: digestOfValue(body, key) }).write();
  state.snapshotSeq = body.seq;
}

async function endsWith(timeline: FileHandle, snapshot: Snapshot): Promise<boolean> {
  const length = Math.min(MAX_LINE, snapshot.offset);
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await timeline.read(bytes, 0, length, snapshot.offset - length);
  if (bytesRead !== length || bytes[length - 1] !== 10) return false;
  const before = bytes.lastIndexOf(10, length - 2);
  try {
    const raw = JSON.parse(bytes.toString('utf8', before + 1)) as { seq?: unknown; hash?: unknown };
    return raw.seq === snapshot.seq && raw.hash === snapshot.head_hash;
  } catch {
    return false;
  }
}
