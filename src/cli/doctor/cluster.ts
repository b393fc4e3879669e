import { createKubernetes, type Kubernetes } from '../../adapters/kubernetes/index.ts';
import type { Config, EnvironmentConfig } from '../../config.ts';
import { formatDuration, SECOND } from '../../domain/instant.ts';
import type { EnvironmentReaders } from '../../mcp/context.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ReleaseRef } from '../../ports/helm.ts';
import type { Env } from '../compose.ts';
import { check, type Finding, fail, ok, type Said, SOURCE_MS, warn } from './check.ts';
import { mayAct, mayRead } from './permissions.ts';

const SKEW = 5 * SECOND;
/** The first with autoscaling/v2, which the plans' warnings read. */
const OLDEST_MINOR = 23;

/** Kubeconfig, API server, permissions, releases. What needs the server is asked only when it answers. */
export async function clusterChecks(
  readers: EnvironmentReaders,
  config: Config,
  env: Env,
  clock: Clock,
): Promise<Finding[]> {
  const { name, config: environment, namespaces } = readers;
  const released = environment.releases.map(({ namespace }) => namespace);
  const kube = createKubernetes(kubernetesOptions(environment, config, env));
  const kubeconfig = await check(name, 'kubeconfig', () => chosen(kube, environment));
  if (kubeconfig.status === 'fail') return [kubeconfig];
  let date: { server: string; at: number } | null = null;
  const server = await check(name, 'API server', async () => {
    const answer = await kube.inspector.server({ deadline_ms: SOURCE_MS });
    if (answer.server_date !== null) date = { server: answer.server_date, at: clock.now().getTime() };
    return version(answer);
  });
  if (server.status === 'fail') {
    server.found += '\npermissions and releases were not checked';
    return [kubeconfig, server];
  }
  return [
    kubeconfig,
    server,
    ...(await Promise.all([
      check(name, 'clock', () => skew(date)),
      check(name, 'permissions to read', () => mayRead(kube.inspector, namespaces)),
      check(name, 'permissions to act', () => mayAct(kube.inspector, namespaces, released)),
      check(name, 'releases', () => releases(readers)),
      check(name, 'services', () => services(readers)),
    ])),
  ];
}

function kubernetesOptions(environment: EnvironmentConfig, config: Config, env: Env) {
  return {
    env,
    passthrough: config.program_environment,
    ...(environment.context ? { context: environment.context } : {}),
    ...(environment.kubeconfig ? { kubeconfig: environment.kubeconfig } : {}),
  };
}

async function chosen(kube: Kubernetes, environment: EnvironmentConfig): Promise<Said> {
  const found = `context ${await kube.reader.cluster()}`;
  if (environment.context !== undefined || (await kube.api.context()) === null) return ok(found);
  return warn(
    `${found}, because it is the current one of the kubeconfig.`,
    'name it under context: `kubectl config use-context` must not change which cluster is meant.',
  );
}

function version(answer: { version: string; latency_ms: number }): Said {
  const found = `Kubernetes ${answer.version}, answered in ${answer.latency_ms} ms`;
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(answer.version) ?? [];
  const old = Number(major) === 1 && Number(minor) < OLDEST_MINOR;
  return old
    ? warn(`${found}; it is older than 1.${OLDEST_MINOR}.`, 'plans may miss autoscalers and budgets.')
    : ok(found);
}

/** The header has whole seconds, so half a second of it is not known. */
function skew(date: { server: string; at: number } | null): Said {
  const said = date === null ? Number.NaN : Date.parse(date.server);
  if (date === null || Number.isNaN(said)) return ok('the API server does not tell its time');
  const off = date.at - said - SECOND / 2;
  if (Math.abs(off) <= SKEW) return ok('agrees with the API server');
  return warn(
    `this machine is ${formatDuration(off)} ${off > 0 ? 'ahead of' : 'behind'} the API server.`,
    "set this machine's clock (NTP): onset and deploys are compared by it.",
  );
}

async function releases(readers: EnvironmentReaders): Promise<Said> {
  const wanted = readers.config.releases.map(({ name, namespace }) => ({ release: name, namespace }));
  const helm = await readers.helm();
  const { revisions, unseen } = await helm.overview(wanted, { deadline_ms: SOURCE_MS });
  const of =
    ({ release, namespace }: ReleaseRef) =>
    (one: ReleaseRef) =>
      one.release === release && one.namespace === namespace;
  const lines = wanted.map((ref) => {
    const newest = revisions.find(of(ref));
    const told = newest ? `revision ${newest.revision} ${newest.status}` : unseen.find(of(ref))?.reason;
    return `${ref.release} in ${ref.namespace}: ${told ?? 'not found'}`;
  });
  const [first] = unseen;
  if (first === undefined) return ok(lines.join('\n'));
  return warn(
    lines.join('\n'),
    `${first.next}${unseen.length > 1 ? ` And so for ${unseen.length - 1} more.` : ''} Nothing can be rolled back that is not seen.`,
  );
}

async function services(readers: EnvironmentReaders): Promise<Said> {
  const kubernetes = await readers.kubernetes();
  const workloads = await kubernetes.listWorkloads(readers.namespaces, { deadline_ms: SOURCE_MS });
  const missing = readers.config.releases.flatMap(({ services, namespace }) =>
    services
      .filter((service) => !workloads.some((w) => w.name === service && w.namespace === namespace))
      .map((service) => `${service} in ${namespace}`),
  );
  const found = `${workloads.length} workloads in ${readers.namespaces.join(', ')}`;
  if (missing.length > 0)
    return warn(`${found}; not found: ${missing.join(', ')}.`, 'correct services of the release in the configuration.');
  return workloads.length > 0 ? ok(found) : fail(`${found}.`, 'check the namespaces and the context.');
}
