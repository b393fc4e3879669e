import { join } from 'node:path';
import type { KnownHead } from '../../domain/chain.ts';
import { digestFits, digestOfValue } from '../../domain/chain.ts';
import { GENESIS_HASH } from '../../domain/timeline.ts';
import {
  ensureFolder,
  entriesOf,
  openFile,
  openIfThere,
  readIfThere,
  removeIfThere,
  replaceFile,
  UPDATE,
  writeAt,
} from './files.ts';
import type { Layout } from './layout.ts';
import { parseHead } from './schema.ts';

/** A record of fixed size, so that it is overwritten in place by one small write. */
const SIZE = 320;
/** The stream under which the highest incident number is kept. */
export const IDS = 'ids';

export interface Heads {
  /** The newest acknowledged event of a stream; null when nothing is known, `altered` when the record does not fit its seal. */
  read(stream: string): Promise<KnownHead | null | 'altered'>;
  /** Makes the record durably, at nothing, before the stream's first event. */
  start(stream: string): Promise<void>;
  /** Follows an acknowledged event. Not flushed: after a power cut it may lag behind the timeline, never run ahead of it. */
  write(stream: string, head: KnownHead): Promise<void>;
  /** For a stream whose first event could not be written. */
  forget(stream: string): Promise<void>;
  /** All streams of which something is known. */
  streams(): Promise<string[]>;
}

/**
 * The heads of all streams, outside of their folders: a timeline that was cut off or removed is noticed because its head says
 * more. With a key the heads are sealed, so that whoever cuts cannot mend them.
 */
export function createHeads(layout: Layout, key: Uint8Array | null): Heads {
  const pathOf = (stream: string): string => join(layout.heads, `${stream}.json`);
  const textOf = (stream: string, head: KnownHead): string => {
    const body = { stream, seq: head.seq, hash: head.hash };
    return `${JSON.stringify({ ...body, seal: digestOfValue(body, key) }).padEnd(SIZE - 1)}\n`;
  };

  async function start(stream: string): Promise<void> {
    await ensureFolder(layout.heads);
    await replaceFile(pathOf(stream), textOf(stream, { seq: 0, hash: GENESIS_HASH }), { durable: true });
  }

  return {
    start,
    async read(stream) {
      const text = await readIfThere(pathOf(stream));
      if (text === null) return null;
      try {
        const { seal, ...body } = parseHead(JSON.parse(text));
        return body.stream === stream && digestFits(body, seal, key) ? { seq: body.seq, hash: body.hash } : 'altered';
      } catch {
        return 'altered';
      }
    },
    async write(stream, head) {
      let handle = await openIfThere(pathOf(stream), UPDATE);
      if (!handle) {
        await start(stream);
        handle = await openFile(pathOf(stream), UPDATE);
      }
      try {
        await writeAt(handle, Buffer.from(textOf(stream, head)), 0);
      } finally {
        await handle.close();
      }
    },
    forget: (stream) => removeIfThere(pathOf(stream)),
    async streams() {
      const names = (await entriesOf(layout.heads)).filter((name) => name.endsWith('.json'));
      return names.map((name) => name.slice(0, -5)).filter((stream) => layout.stream(stream) !== null);
    },
  };
}
