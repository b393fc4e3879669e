import type { ParseArgsConfig } from 'node:util';
import type { Env } from './compose.ts';
import type { ExitCode } from './exit.ts';

interface Parsed {
  values: Record<string, string | boolean | undefined>;
  positionals: string[];
}

interface Flag {
  type: 'string' | 'boolean';
  /** Shown as the value's name. */
  value?: string;
  help: string;
}

interface Command {
  summary: string;
  positionals: { min: number; max: number; names: string };
  flags: Record<string, Flag>;
  run(parsed: Parsed, env: Env): Promise<ExitCode>;
}

const where: Record<string, Flag> = {
  config: {
    type: 'string',
    value: 'FILE',
    help: "configuration; else $INCIDENT_MCP_CONFIG, ./incident-mcp.yaml, the user's folder",
  },
  'data-dir': { type: 'string', value: 'DIR', help: "data folder; else $INCIDENT_MCP_DATA_DIR, the user's folder" },
};

const text = (value: string | boolean | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;
const located = ({ values }: Parsed) => ({
  ...(text(values.config) === undefined ? {} : { config: text(values.config) as string }),
  ...(text(values['data-dir']) === undefined ? {} : { data_dir: text(values['data-dir']) as string }),
});

const decide = (decision: 'approve' | 'reject'): Command => ({
  summary:
    decision === 'approve' ? "show a plan and approve it with the approver's secret" : 'show a plan and reject it',
  positionals: { min: 1, max: 1, names: 'one approval id, such as APR-7K2M9Q4XBT' },
  flags: {
    ...where,
    'secret-stdin': { type: 'boolean', help: 'read the secret from stdin instead of the terminal' },
    approver: { type: 'string', value: 'NAME', help: "who decides; else asked for, or the user's name" },
    note: { type: 'string', value: 'TEXT', help: 'why; written to the timeline' },
  },
  run: async (parsed, env) => {
    const { decideAtTerminal } = await import('./approve.ts');
    const { approver, note } = parsed.values;
    return decideAtTerminal(
      decision,
      parsed.positionals[0] as string,
      {
        ...located(parsed),
        secret_stdin: parsed.values['secret-stdin'] === true,
        ...(text(approver) === undefined ? {} : { approver: text(approver) as string }),
        ...(text(note) === undefined ? {} : { note: text(note) as string }),
      },
      env,
    );
  },
});

/** One row a command; parsing, help and documentation derive from it. */
export const COMMANDS = {
  serve: {
    summary: 'serve MCP over stdio',
    positionals: { min: 0, max: 1, names: 'at most a scenario, after --sandbox' },
    flags: {
      ...where,
      sandbox: {
        type: 'string',
        value: '[SCENARIO]',
        help: 'serve a simulated platform instead of the configured one',
      },
      'read-only': { type: 'boolean', help: 'offer only tools that read' },
    },
    run: async (parsed, env) => {
      const { serve } = await import('./serve.ts');
      const sandbox = text(parsed.values.sandbox);
      return serve(
        {
          ...located(parsed),
          read_only: parsed.values['read-only'] === true,
          ...(sandbox === undefined ? {} : { sandbox: sandbox || (parsed.positionals[0] ?? '') }),
        },
        env,
      );
    },
  },
  sandbox: {
    summary: 'start the simulated platform alone and print one JSON line about it',
    positionals: { min: 0, max: 1, names: 'at most a scenario' },
    flags: {
      speed: { type: 'string', value: 'N', help: 'run N times faster' },
      seed: { type: 'string', value: 'N', help: 'make it repeatable' },
      pods: { type: 'string', value: 'N', help: 'fill the cluster up to N pods' },
    },
    run: async () => {
      throw new Error('the sandbox parses its own arguments');
    },
  },
  demo: {
    summary: 'play a whole incident through MCP, with you as the human',
    positionals: { min: 0, max: 1, names: 'at most a scenario' },
    flags: { speed: { type: 'string', value: 'N', help: 'run the platform N times faster' } },
    run: async (parsed, env) => {
      const { demo } = await import('./demo.ts');
      return demo({ scenario: parsed.positionals[0] ?? 'bad-deploy', speed: text(parsed.values.speed) ?? '1' }, env);
    },
  },
  approvals: {
    summary: 'list what waits for a human',
    positionals: { min: 0, max: 0, names: 'nothing' },
    flags: { ...where, json: { type: 'boolean', help: 'as JSON' } },
    run: async (parsed, env) => {
      const { approvals } = await import('./approvals.ts');
      return approvals({ ...located(parsed), json: parsed.values.json === true }, env);
    },
  },
  approve: decide('approve'),
  reject: decide('reject'),
} satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;

export const flagsOf = (name: CommandName): NonNullable<ParseArgsConfig['options']> =>
  Object.fromEntries(
    Object.entries(COMMANDS[name].flags as Record<string, Flag>).map(([flag, { type }]) => [flag, { type }]),
  );

export function helpFor(name: CommandName): string {
  const command: Command = COMMANDS[name];
  const flags = Object.entries(command.flags).map(
    ([flag, { value, help }]) => `  --${flag}${value ? ` ${value}` : ''}`.padEnd(28) + help,
  );
  const usage = command.positionals.max === 0 ? '' : command.positionals.min === 0 ? ' [SCENARIO]' : ' ID';
  return [`incident-mcp ${name}${usage} [flags]`, `  ${command.summary}`, '', ...flags].join('\n').trimEnd();
}

export const overview = (): string =>
  [
    'incident-mcp: the incident server for the on-call engineer',
    '',
    ...Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(11)} ${summary}`),
    '',
    'incident-mcp COMMAND --help tells more. Exit codes: 0 done, 1 not so, 2 wrong usage or configuration.',
  ].join('\n');
