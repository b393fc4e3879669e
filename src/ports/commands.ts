/** A program to run: an argv, never a shell. */
export interface CommandSpec {
  /** `helm`, `pulsar`: looked up in the configuration's `programs`, else on PATH. */
  program: string;
  args: readonly string[];
  /** Milliseconds until it is ended (SIGTERM, then SIGKILL). */
  deadline_ms: number;
  /** Ends it early; absent for an approved change, which must finish. */
  signal?: AbortSignal;
  /** Added to the allow-listed environment. */
  env?: Readonly<Record<string, string>>;
}

export interface CommandResult {
  exit_code: number | null;
  /** Bounded, control characters removed, secrets masked. */
  stdout: string;
  stderr: string;
  /** True when the deadline ended it. */
  timed_out: boolean;
  /** True when the program could not be started at all. */
  not_found: boolean;
  truncated: boolean;
  duration_ms: number;
}

/** The one function that runs subprocesses. Resolves also for failures; throws `INVALID_INPUT` for an argv with NUL or over-long. */
export interface Commands {
  run(spec: CommandSpec): Promise<CommandResult>;
}
