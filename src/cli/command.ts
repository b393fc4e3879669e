import type { Env } from './compose.ts';
import type { ExitCode } from './exit.ts';

export interface Parsed {
  values: Record<string, string | boolean | string[] | undefined>;
  positionals: string[];
}

export interface Flag {
  type: 'string' | 'boolean';
  /** Shown as the value's name; FILE and DIR are completed by the shell. */
  value?: string;
  /** May be given several times. */
  multiple?: boolean;
  /** All that it takes. */
  choices?: readonly string[];
  help: string;
}

/** One row of the table of commands: parsing, help, shell completion and documentation derive from it. */
export interface Command {
  summary: string;
  positionals: {
    min: number;
    max: number;
    /** In words, for the message about a wrong number of them. */
    names: string;
    /** As the line of usage shows it. */
    usage?: string;
    choices?: readonly string[];
  };
  flags: Record<string, Flag>;
  run(parsed: Parsed, env: Env): Promise<ExitCode>;
}

export type CommandTable = Readonly<Record<string, Command>>;

export const where: Record<string, Flag> = {
  config: {
    type: 'string',
    value: 'FILE',
    help: "configuration; else $INCIDENT_MCP_CONFIG, ./incident-mcp.yaml, the user's folder",
  },
  'data-dir': { type: 'string', value: 'DIR', help: "data folder; else $INCIDENT_MCP_DATA_DIR, the user's folder" },
};

export const secretStdin: Flag = { type: 'boolean', help: 'read the secret from stdin instead of the terminal' };

type Value = Parsed['values'][string];
export const text = (value: Value): string | undefined => (typeof value === 'string' ? value : undefined);
export const list = (value: Value): string[] => (Array.isArray(value) ? value : []);

/** The named flags that were given, as an object without the others. */
export function given<N extends string>({ values }: Parsed, ...names: readonly N[]): Partial<Record<N, string>> {
  const found: Partial<Record<N, string>> = {};
  for (const name of names) {
    const value = text(values[name]);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

export const located = ({ values }: Parsed): { config?: string; data_dir?: string } => ({
  ...(text(values.config) === undefined ? {} : { config: text(values.config) as string }),
  ...(text(values['data-dir']) === undefined ? {} : { data_dir: text(values['data-dir']) as string }),
});
