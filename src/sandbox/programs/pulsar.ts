import { randomBytes } from 'node:crypto';
import { PLACES } from '../platform/observe.ts';
import type { Workload } from '../platform/types.ts';
import { ENVIRONMENT, SCALED_DOWN, SERVICES } from '../scenarios/types.ts';
import { FlagError, parseFlags } from './flags.ts';
import { ApiError, connect, type KubeClient } from './kube.ts';

interface Said {
  stdout: string;
  stderr: string;
  code: number;
}

const USAGE = 'Usage: pulsar scale down --env ENV [--dry-run]\n       pulsar status\n';

/** The stand-in for the platform's own command-line tool. Exit code 2 for a command line it does not understand. */
export async function runPulsar(argv: readonly string[], kubeconfig: string): Promise<Said> {
  const wrong = (message: string): Said => ({ stdout: '', stderr: `pulsar: ${message}\n${USAGE}`, code: 2 });
  try {
    const { words, flags } = parseFlags(argv, { env: 'value', 'dry-run': 'switch', help: 'switch' }, { h: 'help' });
    if (flags.has('help') || words.length === 0) return { stdout: USAGE, stderr: '', code: 0 };
    const command = words.join(' ');
    if (command !== 'scale down' && command !== 'status') return wrong(`unknown command: ${command}`);
    const environment = flags.get('env') ?? (command === 'status' ? ENVIRONMENT : undefined);
    if (environment === undefined) return wrong('--env is required');
    if (environment !== ENVIRONMENT) return wrong(`unknown environment: ${environment}`);
    const run = randomBytes(6).toString('hex');
    const client = await connect(kubeconfig, undefined, `pulsar/2.4.1 (${environment} ${run})`);
    const stdout = command === 'status' ? await status(client) : await scaleDown(client, flags.has('dry-run'));
    return { stdout, stderr: '', code: 0 };
  } catch (error) {
    if (error instanceof FlagError) return wrong(error.message);
    if (error instanceof ApiError) return { stdout: '', stderr: `pulsar: ${error.message}\n`, code: 1 };
    throw error;
  }
}

function pathOf(service: (typeof SERVICES)[number]): string {
  const { plural, namespace } = PLACES[service];
  return `/apis/apps/v1/namespaces/${namespace}/${plural}/${service}`;
}

async function scaleDown(client: KubeClient, dryRun: boolean): Promise<string> {
  const lines: string[] = [];
  for (const service of SCALED_DOWN) {
    const scale = (await client.get(`${pathOf(service)}/scale`)) as Workload;
    const from = scale.spec.replicas ?? 0;
    lines.push(`${PLACES[service].namespace}/${service}: ${from} -> 0${dryRun ? ' (dry run)' : ''}`);
    if (dryRun || from === 0) continue;
    // Without the version it was read with: scaling down must win over whoever else is at work.
    const { name, namespace } = scale.metadata;
    await client.send('PUT', `${pathOf(service)}/scale`, {
      ...scale,
      metadata: { name, namespace },
      spec: { replicas: 0 },
    });
  }
  return `${lines.join('\n')}\n${dryRun ? 'Nothing was changed.' : `Scaled down ${ENVIRONMENT}.`}\n`;
}

async function status(client: KubeClient): Promise<string> {
  const lines: string[] = [];
  for (const service of SERVICES) {
    const { spec, status: state } = (await client.get(pathOf(service))) as Workload;
    const daemon = PLACES[service].plural === 'daemonsets';
    const ready = Number((daemon ? state?.numberReady : state?.readyReplicas) ?? 0);
    const wanted = Number(daemon ? (state?.desiredNumberScheduled ?? 0) : (spec.replicas ?? 1));
    lines.push(`${service.padEnd(16)} ${ready}/${wanted} ready`);
  }
  return `${lines.join('\n')}\n`;
}
