import type { ChildProcess } from 'node:child_process';
import { z } from 'zod';
import { AppError, timedOut, unavailable } from '../errors.ts';
import { bundled, startNode } from './child.ts';

const readySchema = z.looseObject({
  config: z.string(),
  kubeconfig: z.string(),
  urls: z.record(z.string(), z.string()),
  approver_secret: z.string(),
  truth: z.string(),
  scenario: z.string(),
});
export type SandboxReady = z.infer<typeof readySchema>;

export interface RunningSandbox {
  ready: SandboxReady;
  /** The one line that it printed, as it was. */
  line: string;
  exited: Promise<number>;
  stop(): Promise<void>;
}

const START_MS = 15_000;
const STOP_MS = 3_000;

/** Starts the simulated platform as its own process and waits for its line. Wrong usage is told in the sandbox's own words. */
export async function startSandbox(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<RunningSandbox> {
  const child = startNode([bundled('sandbox.js'), ...args, '--exit-with-parent'], env, 'pipe');
  const exited = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-4_000);
  });
  const line = await Promise.race([
    firstLine(child),
    exited.then((code) => {
      const words = said.trim() || `exit ${code}`;
      throw code === 2
        ? new AppError('INVALID_INPUT', words, 'see `incident-mcp sandbox --help`')
        : unavailable(`the sandbox did not start: ${words}`, 'look at the message above.');
    }),
    deadline(child),
  ]);
  const ready = readySchema.parse(JSON.parse(line));
  return {
    ready,
    line,
    exited,
    stop: async () => {
      child.stdin?.end();
      child.kill('SIGTERM');
      const hard = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await exited;
      clearTimeout(hard);
    },
  };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const take = (chunk: Buffer): void => {
      text += chunk.toString('utf8');
      const end = text.indexOf('\n');
      if (end < 0) return;
      child.stdout?.off('data', take);
      child.stdout?.resume();
      resolve(text.slice(0, end));
    };
    child.stdout?.on('data', take);
  });
}

function deadline(child: ChildProcess): Promise<never> {
  return new Promise((_resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(timedOut(`the sandbox did not start within ${START_MS / 1000} s.`, 'try again.'));
    }, START_MS);
    timer.unref();
  });
}
