import { runToEnd } from '../../test/cluster/lab/daemon.ts';
import type { Lab } from '../../test/cluster/lab/lab.ts';
import { deploymentName, namespaceOf, releaseName, SIZE } from './cluster.ts';
import type { Server } from './mcp.ts';
import type { Subject } from './measure.ts';
import { REAL } from './releases.ts';

/** A deployment whose pods crash: what an on-call engineer asks about. */
const SICK = deploymentName(7);
const PROGRAM_MS = 180_000;
const HISTORY_RUNS = 3;

export interface Servers {
  ours: Server;
  containers: Server;
  flux: Server;
}

/** The names by which the figures find their series. */
export const NAMES = {
  health: '`get_system_health`, 20 namespaces configured',
  whole: '`get_system_health`, every namespace',
  component: '`get_system_health` of one component, with its warnings',
  deploys: '`check_recent_deploys`, 24 h',
  deploysLong: '`check_recent_deploys`, 30 d',
  fleet: '`get_fleet_summary`',
  severity: '`assess_severity`',
  plan: '`rollback_release` up to `approval_required`',
  kubectlPods: '`kubectl get pods -A -o json`',
  helmHistory: `\`helm history -o json\`, ${SIZE.releases} times`,
  helmPlan: '`helm get manifest` twice, `helm rollback --dry-run=server`',
  containersPods: 'containers: `pods_list`',
  containersDeployments: 'containers: `resources_list` of deployments',
  containersEvents: 'containers: `events_list`',
  containersHelm: 'containers: `helm_list`, all namespaces',
  fluxPods: 'Flux159: `kubectl_get` pods',
  fluxDeployments: 'Flux159: `kubectl_get` deployments',
  fluxEvents: 'Flux159: `kubectl_get` events',
  fluxSecrets: "Flux159: `kubectl_get` secrets by Helm's label",
} as const;

/** One call of a server; `check` looks at the first answer, so that no error and no empty list is taken for speed. */
function called(
  name: string,
  server: Server,
  tool: string,
  args: Record<string, unknown>,
  check: (text: string, data: Record<string, unknown>) => boolean,
): Subject {
  return {
    name,
    run: async () => {
      const began = performance.now();
      const { bytes, whole, text, data } = await server.call(tool, args);
      const ms = performance.now() - began;
      if (!check(text, data)) throw new Error(`${tool} did not answer what was asked: ${text.slice(0, 150)}`);
      return { bytes, whole, ms };
    },
  };
}

function programs(lab: Lab) {
  const kubectl = (...argv: string[]): Promise<string> =>
    runToEnd(lab.programs.kubectl, [`--kubeconfig=${lab.kubeconfig}`, `--context=${lab.context}`, ...argv], {
      deadlineMs: PROGRAM_MS,
    });
  const helm = (...argv: string[]): Promise<string> =>
    runToEnd(lab.programs.helm4, [...argv, `--kubeconfig=${lab.kubeconfig}`, `--kube-context=${lab.context}`], {
      deadlineMs: PROGRAM_MS,
    });
  return { kubectl, helm };
}

const allOk = (data: Record<string, unknown>): boolean =>
  (data.sources as { status: string }[]).every(({ status }) => status === 'ok' || status === 'not_configured');

/** All that is measured by time, ours and theirs. */
export function subjects(lab: Lab, { ours, containers, flux }: Servers): Subject[] {
  const { kubectl, helm } = programs(lab);
  const mentions = (what: string) => (text: string) => text.includes(what);
  const last = releaseName(SIZE.releases - 2);
  const complete = (_text: string, data: Record<string, unknown>) =>
    allOk(data) && (data.components_total as number) >= SIZE.deployments;
  const everyNamespace = { allNamespaces: true };
  return [
    called(NAMES.health, ours, 'get_system_health', {}, complete),
    called(NAMES.whole, ours, 'get_system_health', { environment: 'whole' }, complete),
    called(NAMES.component, ours, 'get_system_health', { component: SICK }, mentions('BackOff')),
    called(NAMES.deploys, ours, 'check_recent_deploys', {}, (_text, data) => allOk(data)),
    called(
      NAMES.deploysLong,
      ours,
      'check_recent_deploys',
      { since: '30d' },
      (_text, data) => allOk(data) && data.deploys_total === SIZE.releases * SIZE.revisions,
    ),
    called(NAMES.fleet, ours, 'get_fleet_summary', {}, (_text, data) => allOk(data)),
    called(NAMES.severity, ours, 'assess_severity', {}, mentions('SEV')),
    called(
      NAMES.plan,
      ours,
      'rollback_release',
      { release: REAL.name, revision: REAL.to, reason: 'measured by the bench' },
      (_text, data) => data.status === 'approval_required',
    ),
    {
      name: NAMES.kubectlPods,
      run: async () => ({ bytes: Buffer.byteLength(await kubectl('get', 'pods', '-A', '-o', 'json')) }),
    },
    {
      name: NAMES.helmHistory,
      runs: HISTORY_RUNS,
      cold: true,
      run: async () => {
        let bytes = 0;
        const refs = Array.from({ length: SIZE.releases - 1 }, (_, n) => [releaseName(n), namespaceOf(n)] as const);
        for (const [name, namespace] of [[REAL.name, REAL.namespace] as const, ...refs])
          bytes += Buffer.byteLength(await helm('history', name, `--namespace=${namespace}`, '-o', 'json'));
        return { bytes };
      },
    },
    {
      name: NAMES.helmPlan,
      run: async () => {
        const [release, namespace] = [REAL.name, `--namespace=${REAL.namespace}`];
        const said = [
          await helm('get', 'manifest', release, namespace),
          await helm('get', 'manifest', release, namespace, `--revision=${REAL.to}`),
          await helm('rollback', release, String(REAL.to), namespace, '--dry-run=server'),
        ];
        return { bytes: Buffer.byteLength(said.join('')) };
      },
    },
    called(NAMES.containersPods, containers, 'pods_list', {}, mentions(SICK)),
    called(
      NAMES.containersDeployments,
      containers,
      'resources_list',
      { apiVersion: 'apps/v1', kind: 'Deployment' },
      mentions(SICK),
    ),
    called(NAMES.containersEvents, containers, 'events_list', {}, mentions('BackOff')),
    called(NAMES.containersHelm, containers, 'helm_list', { all_namespaces: true }, mentions(last)),
    called(NAMES.fluxPods, flux, 'kubectl_get', { resourceType: 'pods', ...everyNamespace }, mentions(SICK)),
    called(
      NAMES.fluxDeployments,
      flux,
      'kubectl_get',
      { resourceType: 'deployments', ...everyNamespace },
      mentions(SICK),
    ),
    called(NAMES.fluxEvents, flux, 'kubectl_get', { resourceType: 'events' }, mentions('BackOff')),
    called(
      NAMES.fluxSecrets,
      flux,
      'kubectl_get',
      { resourceType: 'secrets', labelSelector: 'owner=helm', ...everyNamespace },
      mentions(`${last}.v${SIZE.revisions}`),
    ),
  ];
}
