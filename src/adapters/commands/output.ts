import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** Where one stream of a program goes, and what it wrote there, at most `limit` bytes. */
export interface Output {
  /** For the program's `stdout` or `stderr`. */
  target: 'pipe' | number;
  /** With a pipe only. */
  attach(stream: Readable): void;
  read(): Promise<{ bytes: Buffer; truncated: boolean }>;
  close(): Promise<void>;
}

export function pipeOutput(limit: number): Output {
  const parts: Buffer[] = [];
  let size = 0;
  let truncated = false;
  return {
    target: 'pipe',
    attach: (stream) => {
      stream.on('data', (chunk: Buffer) => {
        const room = limit - size;
        if (chunk.length > room) truncated = true;
        if (room <= 0) return;
        const part = chunk.length > room ? chunk.subarray(0, room) : chunk;
        parts.push(part);
        size += part.length;
      });
      stream.on('error', () => undefined);
    },
    read: async () => ({ bytes: Buffer.concat(parts), truncated }),
    close: async () => undefined,
  };
}

/** How often a file is looked at, ms, and from which size on it is cut, bytes. */
const LOOK_MS = 200;
const CUT_AT = 16 * 1024 * 1024;

/**
 * A file without a name instead of a pipe: a pipe breaks when this process dies, and a program that then writes a mere warning is ended by SIGPIPE in
 * the middle of its work. A pipe where no file can be made.
 */
export async function fileOutput(limit: number): Promise<Output> {
  let dir: string;
  try {
    dir = await mkdtemp(join(tmpdir(), 'incident-mcp-'));
  } catch {
    return pipeOutput(limit);
  }
  const file = await open(join(dir, 'output'), 'a+', 0o600).catch(() => null);
  // Where open files cannot be removed it goes at the end.
  const remove = (): Promise<void> => rm(dir, { recursive: true, force: true }).catch(() => undefined);
  if (file === null) {
    await remove();
    return pipeOutput(limit);
  }
  await remove();
  let head: Buffer | null = null;
  const beginning = async (): Promise<Buffer> => {
    const buffer = Buffer.alloc(Math.min(limit, (await file.stat()).size));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return buffer.subarray(0, bytesRead);
  };
  const bound = async (): Promise<void> => {
    if ((await file.stat()).size <= CUT_AT) return;
    head ??= await beginning();
    await file.truncate(0);
  };
  const timer = setInterval(() => void bound().catch(() => undefined), LOOK_MS);
  timer.unref();
  return {
    target: file.fd,
    attach: () => undefined,
    read: async () => {
      const { size } = await file.stat();
      return { bytes: head ?? (await beginning()), truncated: head !== null || size > limit };
    },
    close: async () => {
      clearInterval(timer);
      await file.close().catch(() => undefined);
      await remove();
    },
  };
}
