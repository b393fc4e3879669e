import { type ChildProcess, spawn } from 'node:child_process';

export interface Said {
  code: number | null;
  stdout: string;
  stderr: string;
}

const DEADLINE_MS = 20_000;

/** Runs a program to its end, at most 20 s. */
export function run(
  file: string,
  argv: readonly string[],
  options: { env?: NodeJS.ProcessEnv; stdin?: string; cwd?: string } = {},
): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...argv], { env: options.env ?? process.env, cwd: options.cwd, stdio: 'pipe' });
    const said: Said = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      said.stdout += chunk.toString('utf8');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      said.stderr += chunk.toString('utf8');
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ ...said, code });
    });
    // A program that refuses before it reads closes the pipe under us.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.stdin ?? '');
  });
}

/** Ends a process and waits until it is gone: closed stdin, then SIGTERM, then SIGKILL. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.stdin?.end();
  const timers = [setTimeout(() => child.kill('SIGTERM'), 500), setTimeout(() => child.kill('SIGKILL'), 4_000)];
  await gone;
  for (const timer of timers) clearTimeout(timer);
}

/** Asks again every 50 ms until the answer is good; after the deadline the last answer is returned as it is. */
export async function until<T>(ask: () => Promise<T>, good: (answer: T) => boolean, deadlineMs = 10_000): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (good(answer) || Date.now() > end) return answer;
    await new Promise((wake) => setTimeout(wake, 50));
  }
}
