import type { ParseArgsConfig } from 'node:util';
import { invalidInput } from '../errors.ts';
import { type Command, type Flag, given, list, located, type Parsed, secretStdin, text, where } from './command.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { CLIENTS } from './init/clients.ts';
import { print } from './output.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

const SUMMARIES = {
  approve: "show a plan and approve it with the approver's secret",
  reject: 'show a plan and reject it',
  run: 'break glass: run a plan here, with the secret, when no client is left to run it',
} as const;

const decide = (decision: keyof typeof SUMMARIES): Command => ({
  summary: SUMMARIES[decision],
  positionals: { min: 1, max: 1, names: 'one approval id, such as APR-7K2M9Q4XBT', usage: 'ID' },
  flags: {
    ...where,
    'secret-stdin': secretStdin,
    approver: {
      type: 'string',
      value: 'NAME',
      help: "who decides, where the secret does not say; else asked for, or the user's name",
    },
    note: { type: 'string', value: 'TEXT', help: 'why; written to the timeline' },
  },
  run: async (parsed, env) => {
    const id = parsed.positionals[0] as string;
    const flags = {
      ...located(parsed),
      ...given(parsed, 'approver', 'note'),
      secret_stdin: parsed.values['secret-stdin'] === true,
    };
    if (decision === 'run') return (await import('./run.ts')).runAtTerminal(id, flags, env);
    return (await import('./approve.ts')).decideAtTerminal(decision, id, flags, env);
  },
});

/** One row a command; parsing, help and documentation derive from it. */
export const COMMANDS = {
  serve: {
    summary: 'serve MCP over stdio',
    positionals: { min: 0, max: 1, names: 'at most a scenario, after --sandbox', usage: '[SCENARIO]' },
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
    positionals: { min: 0, max: 1, names: 'at most a scenario', usage: '[SCENARIO]' },
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
    positionals: { min: 0, max: 1, names: 'at most a scenario', usage: '[SCENARIO]' },
    flags: { speed: { type: 'string', value: 'N', help: 'run the platform N times faster' } },
    run: async (parsed, env) => {
      const { demo } = await import('./demo.ts');
      return demo({ scenario: parsed.positionals[0] ?? 'bad-deploy', speed: text(parsed.values.speed) ?? '1' }, env);
    },
  },
  score: {
    summary: 'score a drill against the truth of its sandbox',
    positionals: { min: 0, max: 1, names: 'at most one incident; default the newest', usage: '[INCIDENT]' },
    flags: {
      ...where,
      truth: { type: 'string', value: 'URL', help: 'address of the truth, as the sandbox prints it' },
    },
    run: async (parsed, env) => {
      const { score } = await import('./score.ts');
      const truth = text(parsed.values.truth);
      return score(parsed.positionals[0], { ...located(parsed), ...(truth === undefined ? {} : { truth }) }, env);
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
  run: decide('run'),
  ack: {
    summary: 'say as a human that you have the incident: stops the first-response clock',
    positionals: { min: 0, max: 1, names: 'at most one incident; default: the only open one', usage: '[INCIDENT]' },
    flags: {
      ...where,
      person: { type: 'string', value: 'NAME', help: "who has it; else asked for, or the user's name" },
      commander: { type: 'boolean', help: 'take the role of commander too' },
      'secret-stdin': secretStdin,
    },
    run: async (parsed, env) => {
      const { ack } = await import('./ack.ts');
      const flags = { ...located(parsed), ...given(parsed, 'person') };
      const { values } = parsed;
      return ack(
        parsed.positionals[0],
        { ...flags, commander: values.commander === true, secret_stdin: values['secret-stdin'] === true },
        env,
      );
    },
  },
  passkey: {
    summary: 'enrol, list or remove the passkeys that may approve',
    positionals: {
      min: 1,
      max: 2,
      names: 'add, list, or remove and which one',
      usage: 'add|list|remove [PASSKEY]',
    },
    flags: {
      ...where,
      person: { type: 'string', value: 'NAME', help: "whose it will be; else the user's name" },
      'secret-stdin': secretStdin,
    },
    run: async (parsed, env) => {
      const { passkey } = await import('./passkey.ts');
      const [what, name] = parsed.positionals;
      if (what !== 'add' && what !== 'list' && what !== 'remove')
        throw invalidInput(`passkey knows no "${String(what).slice(0, 40)}".`, 'say add, list or remove.');
      const flags = { ...located(parsed), ...given(parsed, 'person') };
      return passkey(what, name, { ...flags, secret_stdin: parsed.values['secret-stdin'] === true }, env);
    },
  },
  page: {
    summary: 'open the approval page on this machine until interrupted',
    positionals: { min: 0, max: 0, names: 'nothing' },
    flags: { ...where },
    run: async (parsed, env) => {
      const { page } = await import('./page.ts');
      return page(located(parsed), env);
    },
  },
  init: {
    summary: "write a configuration, set the approver's secret, print or write a client's entry",
    positionals: { min: 0, max: 0, names: 'nothing' },
    flags: {
      config: { type: 'string', value: 'FILE', help: "where to write; else $INCIDENT_MCP_CONFIG, the user's folder" },
      'data-dir': { type: 'string', value: 'DIR', help: "data folder to write into it; else the user's folder" },
      environment: { type: 'string', value: 'NAME', help: 'its name; default prod' },
      context: { type: 'string', value: 'NAME', help: "kube context; default: the kubeconfig's current one" },
      kubeconfig: { type: 'string', value: 'FILE', help: 'default: $KUBECONFIG, ~/.kube/config' },
      release: { type: 'string', value: 'NAME/NAMESPACE', multiple: true, help: 'Helm release; repeat it for more' },
      prometheus: { type: 'string', value: 'URL', help: 'Prometheus' },
      alertmanager: { type: 'string', value: 'URL', help: 'Alertmanager, or Grafana under /api/alertmanager/grafana' },
      protected: { type: 'boolean', help: "ask for more than a client's form before a high risk; default" },
      'no-protected': { type: 'boolean', help: "let a client's form approve everything" },
      'secret-stdin': { type: 'boolean', help: 'read the new secret from stdin; the present one on a second line' },
      'secret-only': { type: 'boolean', help: 'set the secret anew and leave the configuration alone' },
      approver: { type: 'string', value: 'NAME', help: "set that person's own secret; else the one that all share" },
      passkey: { type: 'boolean', help: 'enrol a passkey at the end, in a browser on this machine' },
      client: { type: 'string', value: 'CLIENT', choices: CLIENTS, help: "print that client's entry" },
      'write-client': { type: 'string', value: 'FILE', help: "merge the entry into that client's JSON file" },
      force: { type: 'boolean', help: 'replace what is there; a copy of it is kept' },
      yes: { type: 'boolean', help: 'ask nothing at a terminal: take flags and defaults' },
    },
    run: async (parsed, env) => {
      const { init } = await import('./init.ts');
      const { values } = parsed;
      const on = (flag: string): boolean => values[flag] === true;
      return init(
        {
          ...given(
            parsed,
            'config',
            'environment',
            'context',
            'kubeconfig',
            'prometheus',
            'alertmanager',
            'client',
            'approver',
          ),
          ...(text(values['data-dir']) === undefined ? {} : { data_dir: text(values['data-dir']) as string }),
          ...(text(values['write-client']) === undefined
            ? {}
            : { write_client: text(values['write-client']) as string }),
          releases: list(values.release),
          protected: on('protected'),
          no_protected: on('no-protected'),
          secret_stdin: on('secret-stdin'),
          secret_only: on('secret-only'),
          passkey: on('passkey'),
          force: on('force'),
          yes: on('yes'),
        },
        env,
      );
    },
  },
  doctor: {
    summary: 'check the set-up: what was found and what to mend',
    positionals: { min: 0, max: 0, names: 'nothing' },
    flags: { ...where, json: { type: 'boolean', help: 'as JSON' } },
    run: async (parsed, env) => {
      const { doctor } = await import('./doctor.ts');
      return doctor({ ...located(parsed), json: parsed.values.json === true }, env);
    },
  },
  verify: {
    summary: "check the record's chain; exit 1 where it is broken",
    positionals: { min: 0, max: 1, names: 'at most one incident', usage: '[INCIDENT]' },
    flags: { ...where, json: { type: 'boolean', help: 'as JSON' } },
    run: async (parsed, env) => {
      const { verify } = await import('./verify.ts');
      return verify(parsed.positionals[0], { ...located(parsed), json: parsed.values.json === true }, env);
    },
  },
  export: {
    summary: 'print an incident as JSON or Markdown',
    positionals: { min: 1, max: 1, names: 'one incident, such as INC-0007', usage: 'INCIDENT' },
    flags: {
      ...where,
      format: { type: 'string', value: 'FORMAT', choices: ['json', 'markdown'], help: 'json (default) or markdown' },
    },
    run: async (parsed, env) => {
      const { exportIncident } = await import('./export.ts');
      const flags = { ...located(parsed), format: text(parsed.values.format) ?? 'json' };
      return exportIncident(parsed.positionals[0] as string, flags, env);
    },
  },
  stats: {
    summary: 'n, median and 90th percentile of each metric by severity',
    positionals: { min: 0, max: 0, names: 'nothing' },
    flags: {
      ...where,
      since: { type: 'string', value: 'DURATION', help: 'only incidents declared in it, such as 90d' },
      json: { type: 'boolean', help: 'as JSON' },
    },
    run: async (parsed, env) => {
      const { stats } = await import('./stats.ts');
      return stats({ ...located(parsed), ...given(parsed, 'since'), json: parsed.values.json === true }, env);
    },
  },
  completion: {
    summary: 'print a script that completes these commands in a shell',
    positionals: { min: 1, max: 1, names: `one of ${SHELLS.join(', ')}`, usage: 'SHELL', choices: SHELLS },
    flags: {},
    run: async (parsed): Promise<ExitCode> => {
      const { completionScript } = await import('./completion.ts');
      print(completionScript(parsed.positionals[0] as string, COMMANDS));
      return EXIT.ok;
    },
  },
} satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;

export const flagsOf = (name: CommandName): NonNullable<ParseArgsConfig['options']> =>
  Object.fromEntries(
    Object.entries(COMMANDS[name].flags as Record<string, Flag>).map(([flag, { type, multiple = false }]) => [
      flag,
      { type, multiple },
    ]),
  );

/** Throws where a value is none of those that the table names. */
export function checkChoices(name: CommandName, { values, positionals }: Parsed): void {
  const { flags, positionals: wanted }: Command = COMMANDS[name];
  const check = (what: string, value: unknown, choices: readonly string[] | undefined): void => {
    if (choices === undefined || typeof value !== 'string' || choices.includes(value)) return;
    throw new Error(`${what} is one of ${choices.join(', ')}, not "${value.slice(0, 40)}"`);
  };
  for (const [flag, { choices }] of Object.entries(flags)) check(`--${flag}`, values[flag], choices);
  for (const value of positionals) check('the argument', value, wanted.choices);
}

export function helpFor(name: CommandName): string {
  const command: Command = COMMANDS[name];
  const flags = Object.entries(command.flags).map(
    ([flag, { value, help }]) => `  --${flag}${value ? ` ${value}` : ''}`.padEnd(28) + help,
  );
  const usage = command.positionals.usage ? ` ${command.positionals.usage}` : '';
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
