import { spawn } from 'node:child_process';
import type { Bin } from '../helpers/bin.ts';

export interface Worker {
  pid: number;
  /** What it said so far, whole lines. */
  lines: string[];
  /** Resolves with the exit code or the signal's name, all lines read. */
  ended: Promise<number | string>;
  kill(): void;
}

/** Starts a program; it is killed with the test at the latest. `wrap` is put before it, such as `prlimit`. */
export function startWorker(
  bin: Bin,
  file: string,
  args: readonly string[],
  options: { env?: Record<string, string>; wrap?: readonly string[]; onLine?: (line: string) => void } = {},
): Worker {
  const [command = '', ...rest] = [...(options.wrap ?? []), process.execPath, file, ...args];
  const child = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH ?? '', ...options.env },
  });
  const lines: string[] = [];
  let kept = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (kept + text).split('\n');
    kept = parts.pop() ?? '';
    for (const line of parts) {
      lines.push(line);
      options.onLine?.(line);
    }
  });
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'gone'));
  });
  const kill = (): void => void child.kill('SIGKILL');
  bin.add(() => {
    kill();
    return ended;
  });
  return { pid: child.pid ?? 0, lines, ended, kill };
}
