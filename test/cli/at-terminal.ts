import { spawn, spawnSync } from 'node:child_process';
import { TESTED } from '../helpers/dist.ts';
import type { Desk } from './desk.ts';

/** util-linux's `script` gives a program a terminal. */
export const hasTerminal = spawnSync('script', ['--version']).status === 0;

const DEADLINE_MS = 20_000;

/**
 * Runs a command at a terminal: waits for each question and types its answer. Resolves with all that the terminal showed and the exit code.
 */
export function atTerminal(
  desk: Desk,
  argv: readonly string[],
  dialogue: readonly (readonly [question: string, answer: string])[],
): Promise<{ code: number | null; shown: string }> {
  const command = [process.execPath, TESTED.cli, ...argv].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { ...desk.env, TERM: 'dumb', SHELL: '/bin/sh' },
    cwd: desk.dir,
    stdio: 'pipe',
  });
  return new Promise((resolve, reject) => {
    let shown = '';
    let from = 0;
    const open = [...dialogue];
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`it waits for ${JSON.stringify(open[0]?.[0])} after:\n${shown}`));
    }, DEADLINE_MS);
    child.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString('utf8');
      const at = open[0] === undefined ? -1 : shown.indexOf(open[0][0], from);
      if (at < 0) return;
      const [question, answer] = open.shift() as readonly [string, string];
      from = at + question.length;
      child.stdin.write(`${answer}\r`);
    });
    // After Ctrl+C nobody reads what is still typed.
    child.stdin.on('error', () => undefined);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, shown });
    });
  });
}
