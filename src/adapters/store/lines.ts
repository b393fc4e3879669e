import type { FileHandle } from 'node:fs/promises';

const CHUNK = 256 * 1024;
const NEWLINE = 10;
const SPACE = 32;

/**
 * How an append is one unit though it is several lines: every line but its last one ends with a blank before the newline. A reader
 * takes the lines of a unit only together with the last one, so a write that was cut short is never half believed.
 */
export const unitOf = (lines: string[]): string => `${lines.join(' \n')}\n`;

export interface RawLine {
  text: string;
  /** Byte offsets in the file: of its first byte and after its newline. */
  start: number;
  end: number;
  /** The last line of its unit. */
  closes: boolean;
}

/**
 * Reads the complete lines from byte `from` on, in order, until `visit` returns false or the file ends. Bytes after the last
 * newline are not visited: they belong to a write that is under way or was cut short.
 */
export async function readLines(handle: FileHandle, from: number, visit: (line: RawLine) => boolean): Promise<void> {
  let kept: Buffer = Buffer.alloc(0);
  let keptAt = from;
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK);
    const { bytesRead } = await handle.read(chunk, 0, CHUNK, keptAt + kept.length);
    if (bytesRead === 0) return;
    const fresh = chunk.subarray(0, bytesRead);
    const bytes = kept.length === 0 ? fresh : Buffer.concat([kept, fresh]);
    let start = 0;
    for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, start)) {
      const closes = at === start || bytes[at - 1] !== SPACE;
      const text = bytes.toString('utf8', start, closes ? at : at - 1);
      if (!visit({ text, start: keptAt + start, end: keptAt + at + 1, closes })) return;
      start = at + 1;
    }
    kept = bytes.subarray(start);
    keptAt += start;
  }
}
