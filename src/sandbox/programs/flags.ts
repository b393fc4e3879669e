/** The flags of a command: `switch` takes no value (but may be given as `--x=true`), `value` takes one. */
export type FlagTable = Readonly<Record<string, 'switch' | 'value' | 'optional'>>;

export interface ParsedFlags {
  words: string[];
  /** By long name. A switch has the value `true`; an optional one without a value has the empty string. */
  flags: ReadonlyMap<string, string>;
}

/** A command line that cannot be understood. */
export class FlagError extends Error {}

/** Parses the way Go's pflag does: `--flag value`, `--flag=value`, `-f value`, and `--` ends the flags. */
export function parseFlags(
  argv: readonly string[],
  table: FlagTable,
  shorthands: Readonly<Record<string, string>>,
): ParsedFlags {
  const words: string[] = [];
  const flags = new Map<string, string>();
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      words.push(...rest);
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      words.push(word);
      continue;
    }
    const equals = word.indexOf('=');
    const given = equals < 0 ? word : word.slice(0, equals);
    const inline = equals < 0 ? undefined : word.slice(equals + 1);
    const name = given.startsWith('--') ? given.slice(2) : shorthands[given.slice(1)];
    const kind = name === undefined ? undefined : table[name];
    if (name === undefined || kind === undefined) {
      if (given.startsWith('--')) throw new FlagError(`unknown flag: ${given}`);
      throw new FlagError(`unknown shorthand flag: '${given.slice(1, 2)}' in ${given}`);
    }
    if (kind === 'switch') {
      if (inline !== undefined && inline !== 'true' && inline !== 'false') {
        throw new FlagError(`invalid argument ${JSON.stringify(inline)} for "--${name}" flag`);
      }
      if (inline !== 'false') flags.set(name, 'true');
      continue;
    }
    const value = inline ?? (kind === 'optional' ? '' : rest.shift());
    if (value === undefined) throw new FlagError(`flag needs an argument: --${name}`);
    flags.set(name, value);
  }
  return { words, flags };
}
