import type { Command, CommandTable, Flag } from './command.ts';

const PROGRAM = 'incident-mcp';

/** A script that completes commands, flags and values in `bash`, `zsh` or `fish`; all of it comes from the table. */
export function completionScript(shell: string, commands: CommandTable): string {
  const script = shell === 'zsh' ? zsh : shell === 'fish' ? fish : bash;
  return script(Object.entries(commands));
}

type Rows = [string, Command][];

const HELP: [string, Flag] = ['help', { type: 'boolean', help: 'tell more' }];
const flagsOf = (command: Command): [string, Flag][] => [...Object.entries(command.flags), HELP];
const isPath = ({ value }: Flag): boolean => value === 'FILE' || value === 'DIR';
const words = (command: Command): string =>
  [...(command.positionals.choices ?? []), ...flagsOf(command).map(([flag]) => `--${flag}`)].join(' ');
/** Fit to stand between single quotes. */
const quoted = (text: string): string => text.replaceAll("'", "'\\''");

/** The words after a flag: its choices, a path, or nothing where they are free. */
function bash(rows: Rows): string {
  const flags = rows.flatMap(([name, command]) =>
    flagsOf(command)
      .filter(([, flag]) => flag.type === 'string')
      .map(([flag, spec]) => {
        const words = spec.choices ? `-W "${spec.choices.join(' ')}"` : isPath(spec) ? '-f' : '';
        return `    ${name}:--${flag}) ${words ? `COMPREPLY=($(compgen ${words} -- "$cur"))` : 'COMPREPLY=()'}; return ;;`;
      }),
  );
  return [
    `# bash completion of ${PROGRAM}: eval "$(${PROGRAM} completion bash)"`,
    '_incident_mcp() {',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is bash's own
    '  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" command="${COMP_WORDS[1]}"',
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    COMPREPLY=($(compgen -W "${rows.map(([name]) => name).join(' ')} --help --version" -- "$cur"))`,
    '    return',
    '  fi',
    '  case "$command:$prev" in',
    ...flags,
    '  esac',
    '  case "$command" in',
    ...rows.map(([name, command]) => `    ${name}) COMPREPLY=($(compgen -W "${words(command)}" -- "$cur")) ;;`),
    '  esac',
    '}',
    `complete -F _incident_mcp ${PROGRAM}`,
  ].join('\n');
}

function zsh(rows: Rows): string {
  /** Colons and brackets have a meaning in a description. */
  const said = (text: string): string => quoted(text.replace(/[[\]:\\]/g, (char) => `\\${char}`));
  const option = ([flag, { type, value, choices, help, multiple }]: [string, Flag]): string => {
    const repeated = multiple ? '*' : '';
    const action = choices
      ? `(${choices.join(' ')})`
      : value === 'FILE'
        ? '_files'
        : value === 'DIR'
          ? '_files -/'
          : ' ';
    const values = type === 'string' ? `:${said(value ?? 'value')}:${action}` : '';
    return `'${repeated}--${flag}[${said(help)}]${values}'`;
  };
  const positional = ({ positionals }: Command): string[] =>
    positionals.choices ? [`'1:${said(positionals.usage ?? 'value')}:(${positionals.choices.join(' ')})'`] : [];
  return [
    `#compdef ${PROGRAM}`,
    `# zsh completion of ${PROGRAM}: eval "$(${PROGRAM} completion zsh)", after compinit`,
    '_incident_mcp() {',
    '  local -a commands',
    '  commands=(',
    ...rows.map(([name, { summary }]) => `    '${name}:${said(summary)}'`),
    '  )',
    '  if (( CURRENT == 2 )); then',
    "    _describe 'command' commands",
    '    return',
    '  fi',
    '  local command="$words[2]"',
    '  shift words; (( CURRENT-- ))',
    '  case "$command" in',
    ...rows.map(
      ([name, command]) =>
        `    ${name}) _arguments ${[...flagsOf(command).map(option), ...positional(command)].join(' ')} ;;`,
    ),
    '  esac',
    '}',
    `compdef _incident_mcp ${PROGRAM}`,
  ].join('\n');
}

function fish(rows: Rows): string {
  /** In fish only the quote and the backslash are special between single quotes. */
  const said = (text: string): string => text.replace(/['\\]/g, (char) => `\\${char}`);
  const line = (...parts: string[]): string => ['complete', '-c', PROGRAM, ...parts].join(' ');
  const of = (name: string): string => `-n '__fish_seen_subcommand_from ${name}'`;
  return [
    `# fish completion of ${PROGRAM}: ${PROGRAM} completion fish | source`,
    line('-f'),
    ...rows.map(([name, { summary }]) => line('-n __fish_use_subcommand', '-a', name, `-d '${said(summary)}'`)),
    ...rows.flatMap(([name, command]) => [
      ...(command.positionals.choices ? [line(of(name), `-a '${command.positionals.choices.join(' ')}'`)] : []),
      ...flagsOf(command).map(([flag, spec]) => {
        const values =
          spec.type === 'boolean'
            ? ''
            : spec.choices
              ? `-x -a '${spec.choices.join(' ')}'`
              : isPath(spec)
                ? '-r -F'
                : '-x';
        return line(of(name), '-l', flag, ...(values ? [values] : []), `-d '${said(spec.help)}'`);
      }),
    ]),
  ].join('\n');
}
