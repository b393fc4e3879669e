import { join } from 'node:path';
import type { Bin } from './bin.ts';
import { TESTED } from './dist.ts';
import { run, type Said } from './process.ts';

/** One user's machine: a home, a configuration and a data folder of its own. */
export interface Home {
  config: string;
  data: string;
  env: Record<string, string>;
  /** Arguments of `serve` that use all this. */
  serve(...more: string[]): string[];
  /** A command at the terminal, with `stdin` piped in. */
  command(argv: readonly string[], stdin?: string): Promise<Said>;
  /** Approves at the terminal with the secret that only the human has. */
  decide(decision: 'approve' | 'reject', id: string, secret: string, ...more: string[]): Promise<Said>;
}

export async function makeHome(bin: Bin, config: string, data?: string): Promise<Home> {
  const dir = await bin.folder();
  const folder = data ?? join(dir, 'data');
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: dir,
    XDG_CONFIG_HOME: join(dir, 'config'),
    XDG_DATA_HOME: join(dir, 'share'),
    INCIDENT_MCP_LOG: 'silent',
  };
  const where = ['--config', config, '--data-dir', folder];
  const command = (argv: readonly string[], stdin?: string): Promise<Said> =>
    run(process.execPath, [TESTED.cli, ...argv, ...where], { env, cwd: dir, ...(stdin === undefined ? {} : { stdin }) });
  return {
    config,
    data: folder,
    env,
    serve: (...more) => [TESTED.cli, 'serve', ...where, ...more],
    command,
    decide: (decision, id, secret, ...more) => command([decision, id, '--secret-stdin', ...more], `${secret}\n`),
  };
}

/** The same machine with another configuration file: same record, same key. */
export const withConfig = (home: Home, config: string): Home => {
  const where = ['--config', config, '--data-dir', home.data];
  return {
    ...home,
    config,
    serve: (...more) => [TESTED.cli, 'serve', ...where, ...more],
    command: (argv, stdin) =>
      run(process.execPath, [TESTED.cli, ...argv, ...where], {
        env: home.env,
        cwd: home.env.HOME ?? '/',
        ...(stdin === undefined ? {} : { stdin }),
      }),
  };
};
