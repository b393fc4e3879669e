/** One kind the API serves. `plural` is unique here and serves as the key of the store. */
export interface Resource {
  group: string;
  version: string;
  plural: string;
  singular: string;
  kind: string;
  shortNames: readonly string[];
  namespaced: boolean;
  /** Has a `/scale` subresource. */
  scalable: boolean;
}

const row = (
  group: string,
  version: string,
  plural: string,
  kind: string,
  shortNames: readonly string[],
  more: { cluster?: boolean; scalable?: boolean } = {},
): Resource => ({
  group,
  version,
  plural,
  singular: kind.toLowerCase(),
  kind,
  shortNames,
  namespaced: more.cluster !== true,
  scalable: more.scalable === true,
});

export const RESOURCES: readonly Resource[] = [
  row('', 'v1', 'namespaces', 'Namespace', ['ns'], { cluster: true }),
  row('', 'v1', 'nodes', 'Node', ['no'], { cluster: true }),
  row('', 'v1', 'pods', 'Pod', ['po']),
  row('', 'v1', 'events', 'Event', ['ev']),
  row('', 'v1', 'secrets', 'Secret', []),
  row('', 'v1', 'configmaps', 'ConfigMap', ['cm']),
  row('', 'v1', 'services', 'Service', ['svc']),
  row('', 'v1', 'serviceaccounts', 'ServiceAccount', ['sa']),
  row('', 'v1', 'persistentvolumeclaims', 'PersistentVolumeClaim', ['pvc']),
  row('apps', 'v1', 'deployments', 'Deployment', ['deploy'], { scalable: true }),
  row('apps', 'v1', 'statefulsets', 'StatefulSet', ['sts'], { scalable: true }),
  row('apps', 'v1', 'daemonsets', 'DaemonSet', ['ds']),
  row('apps', 'v1', 'replicasets', 'ReplicaSet', ['rs'], { scalable: true }),
  row('batch', 'v1', 'jobs', 'Job', []),
  row('autoscaling', 'v2', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler', ['hpa']),
  row('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget', ['pdb']),
];

export function resourceByPlural(group: string, version: string, plural: string): Resource | undefined {
  return RESOURCES.find((r) => r.group === group && r.version === version && r.plural === plural);
}

export function resourceByKind(apiVersion: string, kind: string): Resource | undefined {
  return RESOURCES.find((r) => r.kind === kind && apiVersionOf(r) === apiVersion);
}

export function apiVersionOf(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** The kind with its group the way the API server writes it in messages: `Pod`, `Deployment.apps`. */
export function qualifiedKind(resource: Resource): string {
  return resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`;
}

/** The name with its group the way the API server writes it in messages: `pods`, `deployments.apps`. */
export function qualified(resource: Resource): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}
