import type { AccessQuestion } from '../../adapters/kubernetes/index.ts';

/** One right in one namespace, and what it is for. `docs/rbac` grants exactly these; a test compares. */
export interface Right extends Omit<AccessQuestion, 'namespace'> {
  /** What is lost without it. */
  lost: string;
  /** The product goes on without it, and says so. */
  optional?: boolean;
  /** Only `helm rollback` asks for it: no use where no release is configured. */
  helm?: boolean;
}

type Verb = AccessQuestion['verb'];

const HEALTH = 'get_system_health is blind';
const DEPLOYS = 'check_recent_deploys and rollbacks see no history';
const WORKLOADS = ['deployments', 'statefulsets', 'daemonsets'];
const CHART: readonly Verb[] = ['get', 'list', 'watch', 'create', 'patch', 'delete'];

const rights = (
  group: string,
  resources: readonly string[],
  verbs: readonly Verb[],
  lost: string,
  more: Pick<Right, 'optional' | 'helm'> = {},
): Right[] =>
  resources.flatMap((name) => {
    const [resource = '', subresource] = name.split('/');
    return verbs.map((verb) => ({
      ...{ verb, group, resource, lost },
      ...(subresource === undefined ? {} : { subresource }),
      ...more,
    }));
  });

const chart = (group: string, resources: readonly string[], verbs: readonly Verb[]): Right[] =>
  rights(group, resources, verbs, 'a rollback fails where the chart holds them', { helm: true });

/** What looking asks of the API server: docs/rbac/reader.yaml. */
export const READ: readonly Right[] = [
  ...rights('apps', WORKLOADS, ['list'], HEALTH),
  ...rights('', ['pods'], ['list'], HEALTH),
  ...rights('', ['events'], ['list'], 'get_system_health shows no warnings of a component', { optional: true }),
  ...rights('', ['secrets'], ['list'], DEPLOYS),
  ...rights('', ['secrets'], ['get'], 'deploys have no chart, version or description, and no rollback can be planned', {
    optional: true,
  }),
  ...rights('', ['configmaps'], ['list'], 'a release that Helm keeps in ConfigMaps looks like none', {
    optional: true,
  }),
];

/**
 * What acting asks on top: docs/rbac/operator.yaml. Helm changes what a chart holds as the same account, so the usual kinds are here; no dry run
 * tells whether they suffice, for Helm's asks nothing of them.
 */
export const ACT: readonly Right[] = [
  ...rights('apps', ['deployments/scale', 'statefulsets/scale'], ['patch'], 'scale_down fails'),
  ...rights('apps', WORKLOADS, ['get', 'patch'], 'restart_service and rollbacks fail'),
  ...chart('apps', WORKLOADS, ['watch', 'create', 'delete']),
  ...rights('apps', ['replicasets'], ['list'], 'a rollback cannot wait for Deployments', { helm: true }),
  ...rights('', ['secrets'], ['create', 'update', 'delete'], 'helm rollback cannot write its history', { helm: true }),
  ...chart('', ['secrets'], ['watch', 'patch']),
  ...chart('', ['configmaps'], ['get', 'watch', 'create', 'patch', 'delete']),
  ...chart('', ['services', 'serviceaccounts'], CHART),
  ...chart('networking.k8s.io', ['ingresses'], CHART),
  ...rights('autoscaling', ['horizontalpodautoscalers'], ['list'], 'plans do not know of autoscalers'),
  ...rights('policy', ['poddisruptionbudgets'], ['list'], 'plans do not know of disruption budgets'),
  ...chart(
    'autoscaling',
    ['horizontalpodautoscalers'],
    CHART.filter((verb) => verb !== 'list'),
  ),
  ...chart(
    'policy',
    ['poddisruptionbudgets'],
    CHART.filter((verb) => verb !== 'list'),
  ),
  ...rights('batch', ['jobs'], CHART, 'a rollback fails where the chart has hooks', { helm: true }),
];
