import type { CommandResult } from './commands.ts';

/** The platform's own command-line tool. */
export interface PlatformReader {
  /** The argv of the configured scale-down for this environment. */
  scaleDownCommand(): string[];
}

/** Runs exactly the argv of an approved plan; exists only in a WriteContext. */
export interface PlatformActuator {
  run(argv: readonly string[], deadline_ms: number): Promise<CommandResult>;
}
