import { join } from 'node:path';
import type { Bin } from './bin.ts';
import { TESTED } from './dist.ts';
import { run, type Said } from './process.ts';

/** One user's machine: a home, a configuration and a data folder of its own. */
export interface Home {
  dir: string;
  data: string;
  env: Record<string, string>;
  /** Arguments of `serve` that use all this. */
  serve(...more: string[]): string[];
  /** A command at the terminal, with `stdin` piped in. */
  command(argv: readonly string[], stdin?: string): Promise<Said>;
  /** Decides at the terminal with a secret. */
  decide(decision: 'approve' | 'reject', id: string, secret: string, ...more: string[]): Promise<Said>;
  /** The same machine, record and key with another configuration file. */
  using(config: string): Home;
}

export async function makeHome(bin: Bin, config: string): Promise<Home> {
  const dir = await bin.folder();
  return home(dir, join(dir, 'data'), config);
}

function home(dir: string, data: string, config: string): Home {
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: dir,
    XDG_CONFIG_HOME: join(dir, 'config'),
    XDG_DATA_HOME: join(dir, 'share'),
    INCIDENT_MCP_LOG: 'silent',
  };
  const where = ['--config', config, '--data-dir', data];
  const command = (argv: readonly string[], stdin?: string): Promise<Said> =>
    run(process.execPath, [TESTED.cli, ...argv, ...where], {
      env,
      cwd: dir,
      ...(stdin === undefined ? {} : { stdin }),
    });
  return {
    dir,
    data,
    env,
    serve: (...more) => [TESTED.cli, 'serve', ...where, ...more],
    command,
    decide: (decision, id, secret, ...more) => command([decision, id, '--secret-stdin', ...more], `${secret}\n`),
    using: (other) => home(dir, data, other),
  };
}
