import { invalidInput } from '../../errors.ts';
import type { CommandResult, Commands } from '../../ports/commands.ts';

const ENVIRONMENT = /^[a-z0-9][a-z0-9_-]{0,40}$/;

/**
 * The argv of the platform's own scale-down command: every `{environment}` of the configured template is filled in.
 * Throws `INVALID_INPUT` for an environment that is no plain name, so that it can never be read as a flag.
 */
export function scaleDownCommand(template: readonly string[], values: { environment: string }): string[] {
  if (!ENVIRONMENT.test(values.environment)) {
    throw invalidInput(
      `"${values.environment.slice(0, 60)}" is not the name of an environment.`,
      'use a configured environment.',
    );
  }
  return template.map((word) => word.replaceAll('{environment}', values.environment));
}

export interface Platform {
  /** Runs an argv to its end; it takes no AbortSignal, because an approved change must finish. `deadline_ms` bounds it. */
  run(argv: readonly string[], deadline_ms: number): Promise<CommandResult>;
}

/** The platform's own command-line tool. */
export function createPlatform(commands: Commands): Platform {
  return {
    async run(argv, deadline_ms) {
      const [program, ...args] = argv;
      if (program === undefined) throw invalidInput('the command is empty.', 'configure scale_down.command.');
      return commands.run({ program, args, deadline_ms });
    },
  };
}
