import { maskText } from '../../domain/mask.ts';
import { invalidInput } from '../../errors.ts';
import type { CommandSpec, Commands } from '../../ports/commands.ts';
import { safeEnvironment } from './environment.ts';
import { runProcess } from './process.ts';

const MAX_OUTPUT_BYTES = 1024 * 1024;
const MAX_ARGUMENT_BYTES = 4 * 1024;
const MAX_TOTAL_BYTES = 64 * 1024;

export interface CommandsOptions {
  /** Where programs are; what is not named is looked up on PATH. */
  programs: Readonly<Record<string, string>>;
  /** The server's environment; programs see an allow-listed part of it. */
  env: Readonly<Record<string, string | undefined>>;
  /** More names that programs may see (configuration: `program_environment`). */
  passthrough?: readonly string[];
  /** Bytes kept of stdout and of stderr each; default 1 MiB. More is truncated, not failed. */
  maxOutputBytes?: number;
}

/** Runs programs for the server: argv only, bounded, cleaned and masked output. */
export function createCommands(options: CommandsOptions): Commands {
  const base = safeEnvironment(options.env, options.passthrough);
  return {
    async run(spec) {
      checkArgv(spec);
      const raw = await runProcess({
        file: options.programs[spec.program] ?? spec.program,
        args: spec.args,
        env: { ...base, ...spec.env },
        deadline_ms: spec.deadline_ms,
        max_output_bytes: options.maxOutputBytes ?? MAX_OUTPUT_BYTES,
        // What nobody may cancel is an approved change.
        ...(spec.signal ? { signal: spec.signal } : { outlives: true }),
      });
      return { ...raw, stdout: cleanOutput(raw.stdout), stderr: cleanOutput(raw.stderr) };
    },
  };
}

function checkArgv(spec: CommandSpec): void {
  const words = [
    spec.program,
    ...spec.args,
    ...Object.entries(spec.env ?? {}).map(([name, value]) => `${name}=${value}`),
  ];
  if (spec.program === '')
    throw invalidInput('the command names no program.', 'give an argv whose first element is a program.');
  let total = 0;
  for (const word of words) {
    if (word.includes('\0')) throw invalidInput('an argument of the command holds a NUL character.', 'remove it.');
    const bytes = Buffer.byteLength(word);
    total += bytes + 1;
    if (bytes > MAX_ARGUMENT_BYTES) {
      throw invalidInput(
        `an argument of the command has ${bytes} bytes; at most ${MAX_ARGUMENT_BYTES} are taken.`,
        'shorten it.',
      );
    }
  }
  if (total > MAX_TOTAL_BYTES) {
    throw invalidInput(`the command has ${total} bytes; at most ${MAX_TOTAL_BYTES} are taken.`, 'shorten it.');
  }
}

// ECMA-48 control sequences: colours and cursor moves that could repaint what a human reads.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const ESCAPES = /(?:\x1b\[|\x9b)[0-9:;<=>?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?/g;
// C0 but tab and newline, DEL, C1, and the marks that turn the direction of text around.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text of a program's output: UTF-8 with U+FFFD for what is not, no control characters, secrets masked. */
export function cleanOutput(bytes: Buffer): string {
  return maskText(bytes.toString('utf8').replace(ESCAPES, '').replace(CONTROLS, ''));
}
