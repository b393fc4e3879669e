import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createCommands } from '../../adapters/commands/index.ts';
import type { Config, EnvironmentConfig } from '../../config.ts';
import { oneLine } from '../../domain/text.ts';
import type { Env } from '../compose.ts';
import { fail, ok, type Said, SOURCE_MS, warn } from './check.ts';

/** Helm 3 and 4 are known; what it says of itself is asked, nothing else is run. */
export async function helm(config: Config, env: Env): Promise<Said> {
  const commands = createCommands({ programs: config.programs, env, passthrough: config.program_environment });
  const named = config.programs.helm ?? 'helm';
  const result = await commands.run({
    program: 'helm',
    args: ['version', '--template', '{{.Version}}'],
    deadline_ms: SOURCE_MS - 2_000,
  });
  const install = 'install Helm 3 or 4, or name it under programs.helm; without it rollback_release cannot run.';
  if (result.not_found) return fail(`${named} was not found or cannot be started.`, install);
  if (result.timed_out) return fail(`${named} version did not answer.`, 'try it in a terminal.');
  const version = oneLine(result.stdout, 60);
  const major = Number(/^v?(\d+)\./.exec(version)?.[1] ?? Number.NaN);
  if (result.exit_code !== 0 || Number.isNaN(major))
    return fail(
      `${named} version: ${oneLine(result.stderr || result.stdout, 200) || `exit ${result.exit_code}`}`,
      install,
    );
  if (major === 3 || major === 4) return ok(`${named} ${version}`);
  return major < 3
    ? fail(`${named} ${version} is too old.`, install)
    : warn(`${named} ${version} is newer than what was tested.`, 'try a rollback in a test cluster first.');
}

/** The program of the configured scale-down. It is looked for and not run: nobody knows what it does without arguments. */
export async function platform(environment: EnvironmentConfig, config: Config, env: Env): Promise<Said> {
  const [program = ''] = environment.scale_down.command;
  const named = config.programs[program] ?? program;
  const where = await find(named, env);
  return where !== null
    ? ok(where)
    : warn(
        `${named} was not found.`,
        `install it, name it under programs.${program}, or change scale_down.command; only scale_down without a service needs it.`,
      );
}

async function find(program: string, env: Env): Promise<string | null> {
  const path = env.PATH ?? env.Path ?? '';
  const places = /[\\/]/.test(program)
    ? [program]
    : path
        .split(delimiter)
        .filter((folder) => folder !== '')
        .flatMap((folder) =>
          process.platform === 'win32'
            ? ['.exe', '.cmd', ''].map((end) => join(folder, `${program}${end}`))
            : [join(folder, program)],
        );
  for (const place of places) {
    const found = await access(place, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return place;
  }
  return null;
}
