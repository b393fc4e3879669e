import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Runs a program to its end and gives its stdout. @throws when it fails or lasts longer, with the end of its stderr. */
export function runToEnd(
  file: string,
  argv: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; deadlineMs: number; stdin?: string },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...argv], { cwd: options.cwd, env: options.env ?? process.env, stdio: 'pipe' });
    const out: Buffer[] = [];
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => void out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      err = (err + chunk.toString('utf8')).slice(-4_000);
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), options.deadlineMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(Buffer.concat(out).toString('utf8'));
      else
        reject(
          new Error(
            `${file} ${argv.slice(0, 3).join(' ')} ended with ${code ?? 'a signal'}: ${err.trim().slice(-1_500)}`,
          ),
        );
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.stdin ?? '');
  });
}

/** A port of loopback that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** Asks every 100 ms until it is so. @throws after the deadline, with what was last the matter, or as soon as the daemon has ended. */
export async function eventually(
  what: string,
  ask: () => Promise<boolean>,
  deadlineMs: number,
  daemon?: Daemon,
): Promise<void> {
  const end = Date.now() + deadlineMs;
  let last = 'not so yet';
  while (Date.now() < end) {
    daemon?.alive();
    try {
      if (await ask()) return;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await new Promise((wake) => setTimeout(wake, 100));
  }
  throw new Error(`${what} was not so within ${deadlineMs / 1_000} s: ${last}`);
}

/** A program that runs in the background and writes to a file. */
export interface Daemon {
  name: string;
  child: ChildProcess;
  /** Throws with the end of the log when the program has ended by itself. */
  alive(): void;
  stop(): Promise<void>;
}

export function startDaemon(name: string, file: string, argv: readonly string[], log: string): Daemon {
  const to = openSync(log, 'a');
  // Same process group: whoever ends the group ends the daemons too.
  const child = spawn(file, [...argv], { stdio: ['ignore', to, to] });
  closeSync(to);
  let failed: Error | undefined;
  child.on('error', (error) => {
    failed = error;
  });
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    name,
    child,
    alive: () => {
      if (failed) throw failed;
      if (ended()) throw new Error(`${name} ended by itself:\n${readFileSync(log, 'utf8').slice(-2_000)}`);
    },
    stop: async () => {
      if (failed || ended()) return;
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await gone;
      clearTimeout(timer);
    },
  };
}
