import { FlagError, type FlagTable, parseFlags } from '../flags.ts';
import { ApiError, connect, type KubeClient } from '../kube.ts';
import { get, history, list, outputOf, status } from './read.ts';
import { HelmError } from './records.ts';
import { rollback } from './rollback.ts';

export const HELM_VERSION = 'v3.17.3';

export interface Said {
  stdout: string;
  stderr: string;
  code: number;
}

const GLOBAL: FlagTable = {
  namespace: 'value',
  kubeconfig: 'value',
  'kube-context': 'value',
  debug: 'switch',
  'burst-limit': 'value',
  qps: 'value',
  'registry-config': 'value',
  'repository-cache': 'value',
  'repository-config': 'value',
};
const SHORT = { n: 'namespace', o: 'output', A: 'all-namespaces', a: 'all' } as const;

const COMMANDS: Readonly<Record<string, FlagTable>> = {
  version: { short: 'switch', template: 'value', client: 'switch' },
  history: { output: 'value', max: 'value' },
  list: {
    output: 'value',
    'all-namespaces': 'switch',
    all: 'switch',
    deployed: 'switch',
    failed: 'switch',
    pending: 'switch',
  },
  status: { output: 'value', revision: 'value', 'show-resources': 'switch', 'show-desc': 'switch' },
  get: { output: 'value', revision: 'value', all: 'switch' },
  rollback: {
    wait: 'switch',
    'wait-for-jobs': 'switch',
    timeout: 'value',
    'dry-run': 'optional',
    'history-max': 'value',
    'cleanup-on-fail': 'switch',
    force: 'switch',
    'no-hooks': 'switch',
    'recreate-pods': 'switch',
  },
};
const ALIASES: Readonly<Record<string, string>> = { hist: 'history', ls: 'list' };

/** The stand-in for Helm 3: the commands a responder uses, against the cluster that the kubeconfig names. */
export async function runHelm(
  argv: readonly string[],
  context: { kubeconfig: string | undefined; speed: number },
): Promise<Said> {
  try {
    return { stdout: await dispatch(argv, context), stderr: '', code: 0 };
  } catch (error) {
    if (error instanceof HelmError || error instanceof FlagError) {
      return { stdout: '', stderr: `Error: ${error.message}\n`, code: 1 };
    }
    if (error instanceof ApiError) {
      const unreachable = error.code === 0 ? 'Kubernetes cluster unreachable: ' : '';
      return { stdout: '', stderr: `Error: ${unreachable}${error.message}\n`, code: 1 };
    }
    throw error;
  }
}

async function dispatch(argv: readonly string[], context: { kubeconfig: string | undefined; speed: number }) {
  const every = Object.assign({}, GLOBAL, ...Object.values(COMMANDS)) as FlagTable;
  const named = parseFlags(argv, every, SHORT).words[0];
  if (named === undefined) return 'The Kubernetes package manager (stand-in of the sandbox)\n';
  const command = ALIASES[named] ?? named;
  const own = COMMANDS[command];
  if (own === undefined) throw new HelmError(`unknown command "${named}" for "helm"`);
  const { words, flags } = parseFlags(argv, { ...GLOBAL, ...own }, SHORT);
  const [, ...operands] = words;
  if (command === 'version') return version(flags);

  const file = flags.get('kubeconfig') ?? context.kubeconfig;
  const client = await connect(file, flags.get('kube-context'), `Helm/${HELM_VERSION.slice(1)}`);
  const namespace = flags.get('namespace') ?? client.namespace;
  if (command === 'list') {
    arity(operands, 0, 'list');
    return list(client, flags.has('all-namespaces') ? undefined : namespace, outputOf(flags.get('output')));
  }
  const revision = whole(flags.get('revision'), 'revision', 0);
  const output = outputOf(flags.get('output'));
  if (command === 'get') {
    const [what = '', name = ''] = operands;
    arity(operands, 2, `get ${what}`);
    return get(client, namespace, what, name, { revision, output, allValues: flags.has('all') });
  }
  if (command === 'rollback') return rollBack(client, namespace, operands, flags, context.speed);
  arity(operands, 1, command);
  const [name = ''] = operands;
  if (command === 'status') return status(client, namespace, name, revision, output);
  return history(client, namespace, name, whole(flags.get('max'), 'max', 256), output);
}

function arity(operands: readonly string[], count: number, command: string): void {
  if (operands.length === count) return;
  const wants = count === 1 ? '1 argument' : `${count} arguments`;
  throw new HelmError(`"helm ${command}" requires ${wants}`);
}

function whole(value: string | undefined, flag: string, fallback: number): number {
  if (value === undefined) return fallback;
  if (/^\d+$/.test(value)) return Number(value);
  throw new HelmError(
    `invalid argument "${value}" for "--${flag}" flag: strconv.ParseInt: parsing "${value}": invalid syntax`,
  );
}

function version(flags: ReadonlyMap<string, string>): string {
  const template = flags.get('template');
  if (template !== undefined) {
    const fields: Readonly<Record<string, string>> = { Version: HELM_VERSION, GitCommit: '', GitTreeState: 'clean' };
    return template.replace(/\{\{\s*\.(\w+)\s*\}\}/g, (_, field: string) => fields[field] ?? '');
  }
  if (flags.has('short')) return `${HELM_VERSION}+gsandbox\n`;
  return `version.BuildInfo{Version:"${HELM_VERSION}", GitCommit:"", GitTreeState:"clean", GoVersion:"go1.23.7"}\n`;
}

const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600 };

/** A Go duration such as `5m0s`, in seconds. */
function goDuration(text: string): number {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) {
    throw new HelmError(`invalid argument "${text}" for "--timeout" flag: time: invalid duration "${text}"`);
  }
  let seconds = 0;
  for (const [, amount = '0', unit = 's'] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    seconds += Number(amount) * (SECONDS[unit] ?? 1);
  }
  return seconds;
}

/**
 * A wait is as compressed as the platform: a rollout of minutes takes seconds here, so a timeout of 5 minutes is 10
 * seconds. Short ones are left as they are.
 */
function waitMs(timeoutSeconds: number, speed: number): number {
  const compressed = Math.max(8, timeoutSeconds / 30) / Math.max(speed, 0.1);
  return Math.min(timeoutSeconds, Math.max(compressed, 1)) * 1000;
}

async function rollBack(
  client: KubeClient,
  namespace: string,
  operands: readonly string[],
  flags: ReadonlyMap<string, string>,
  speed: number,
): Promise<string> {
  const [name, revision = '0'] = operands;
  if (name === undefined || operands.length > 2) {
    throw new HelmError('"helm rollback" requires at least 1 argument');
  }
  if (!/^\d+$/.test(revision)) throw new HelmError(`could not convert revision to a number: "${revision}"`);
  const dryRun = flags.get('dry-run');
  if (dryRun !== undefined && !['', 'true', 'false', 'none', 'client', 'server'].includes(dryRun)) {
    throw new HelmError(`invalid argument "${dryRun}" for "--dry-run" flag`);
  }
  await rollback(client, namespace, name, {
    revision: Number(revision),
    wait: flags.has('wait') || flags.has('wait-for-jobs'),
    timeoutMs: waitMs(goDuration(flags.get('timeout') ?? '5m'), speed),
    dryRun: dryRun !== undefined && dryRun !== 'false' && dryRun !== 'none',
    historyMax: whole(flags.get('history-max'), 'history-max', 10),
  });
  return 'Rollback was a success! Happy Helming!\n';
}
