#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { AppError } from '../errors.ts';
import type { Parsed } from './command.ts';
import { COMMANDS, type CommandName, checkChoices, flagsOf, helpFor, overview } from './commands.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { complain, print } from './output.ts';

/** The only reader of `process.env` and `process.argv`. Commands are loaded when they are named, so that `serve` starts at once. */
async function main(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<ExitCode> {
  const [word, ...rest] = argv;
  if (word === undefined || word === '--help' || word === '-h' || word === 'help') {
    print(overview());
    return word === undefined ? EXIT.usage : EXIT.ok;
  }
  if (word === '--version' || word === '-v') {
    print((await import('./version.ts')).VERSION);
    return EXIT.ok;
  }
  if (!Object.hasOwn(COMMANDS, word)) {
    complain(`incident-mcp: there is no command "${word}".\n\n${overview()}`);
    return EXIT.usage;
  }
  const name = word as CommandName;
  if (rest.includes('--help') || rest.includes('-h')) {
    print(helpFor(name));
    return EXIT.ok;
  }
  // The sandbox has its own program and its own flags.
  if (name === 'sandbox') return (await import('./sandbox.ts')).sandbox(rest, env);
  const parsed = parse(name, rest);
  if (parsed === null) return EXIT.usage;
  return COMMANDS[name].run(parsed, env);
}

function parse(name: CommandName, args: string[]) {
  try {
    // `--sandbox` alone means the default scenario.
    const filled = args.flatMap((arg, i) =>
      arg === '--sandbox' && (args[i + 1] === undefined || args[i + 1]?.startsWith('-')) ? ['--sandbox='] : [arg],
    );
    const { values, positionals } = parseArgs({
      args: filled,
      options: flagsOf(name),
      allowPositionals: true,
      strict: true,
    });
    const wanted = COMMANDS[name].positionals;
    if (positionals.length < wanted.min || positionals.length > wanted.max) {
      throw new Error(wanted.max === 0 ? 'it takes no arguments' : `it takes ${wanted.names}`);
    }
    const parsed: Parsed = { values: values as Parsed['values'], positionals };
    checkChoices(name, parsed);
    return parsed;
  } catch (error) {
    complain(`incident-mcp ${name}: ${(error as Error).message}\n\n${helpFor(name)}`);
    return null;
  }
}

main(process.argv.slice(2), process.env).then(
  (code) => {
    process.exitCode = code;
    // Nothing of ours keeps the process: a handle of a library must not either.
    setTimeout(() => process.exit(code), 200).unref();
  },
  (error: unknown) => {
    if (error instanceof AppError) {
      complain(`${error.code}: ${error.message} Next: ${error.next}`);
      process.exitCode = error.code === 'INVALID_INPUT' || error.code === 'NOT_CONFIGURED' ? EXIT.usage : EXIT.no;
      return;
    }
    // Ctrl+C or Ctrl+D at a question: every command asks before it writes.
    if (error instanceof Error && error.name === 'AbortError') {
      complain('\nCancelled at the question; nothing was written.');
      process.exitCode = EXIT.no;
      return;
    }
    complain(`unexpected failure: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exitCode = EXIT.no;
  },
);
