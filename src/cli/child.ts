import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { notConfigured } from '../errors.ts';

/** A file of the bundle that lies beside the running one. */
export function bundled(name: string): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (const folder of [here, join(here, '..')]) {
    const file = join(folder, name);
    if (existsSync(file)) return file;
  }
  throw notConfigured(`${name} is not beside the program.`, 'build it with `npm run build`.');
}

/**
 * Starts a part of this product as its own long-lived process (the sandbox, a server for the demo). Programs of others, which act and end,
 * go through the commands adapter instead. stdin is a pipe, so that the child notices when its parent dies.
 */
export const startNode = (
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  stderr: 'inherit' | 'ignore' | 'pipe',
): ChildProcess =>
  spawn(process.execPath, [...args], {
    stdio: ['pipe', 'pipe', stderr],
    env: { ...env } as NodeJS.ProcessEnv,
    shell: false,
    windowsHide: true,
  });
