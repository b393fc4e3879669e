import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Bin } from '../../helpers/bin.ts';
import type { Home } from '../../helpers/home.ts';
import { endProcess } from '../../helpers/process.ts';

/** A server process, byte by byte: whole lines out, anything in. */
export interface RawServer {
  pid: number;
  /** Waits until the pipe takes more. False when the server takes nothing any more. */
  write(bytes: Uint8Array): Promise<boolean>;
  onLine(take: (line: Buffer) => void): void;
  /** Exit code or signal; null while it runs. */
  ended(): number | string | null;
  child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** What it wrote to stderr, at most 64 KB. */
  stderr(): string;
}

export function startRaw(bin: Bin, home: Home, ...flags: string[]): RawServer {
  const child = spawn(process.execPath, home.serve(...flags), { env: home.env, cwd: home.dir, stdio: 'pipe' });
  bin.add(() => endProcess(child));
  let ended: number | string | null = null;
  child.once('exit', (code, signal) => {
    ended = code ?? signal ?? 'gone';
  });
  child.stdin.on('error', () => undefined);
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (stderr.length < 65_536) stderr += chunk.toString('utf8');
  });
  let take: (line: Buffer) => void = () => undefined;
  let kept: Buffer = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => {
    let from = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      const part = chunk.subarray(from, at);
      take(kept.length === 0 ? part : Buffer.concat([kept, part]));
      kept = Buffer.alloc(0);
      from = at + 1;
    }
    if (from < chunk.length) kept = Buffer.concat([kept, chunk.subarray(from)]);
  });
  return {
    pid: child.pid ?? 0,
    async write(bytes) {
      if (ended !== null || child.stdin.destroyed) return false;
      if (child.stdin.write(bytes)) return true;
      return new Promise((resolve) => {
        const done = (open: boolean) => () => {
          child.stdin.off('drain', drained);
          child.off('exit', gone);
          child.stdin.off('close', gone);
          resolve(open);
        };
        const drained = done(true);
        const gone = done(false);
        child.stdin.once('drain', drained);
        child.once('exit', gone);
        child.stdin.once('close', gone);
      });
    },
    onLine: (next) => {
      take = next;
    },
    ended: () => ended,
    child,
    stderr: () => stderr,
  };
}
