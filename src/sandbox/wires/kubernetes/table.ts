import type { KubeObject, Pod, Workload } from '../../platform/types.ts';

type Cell = string | number;

interface Column {
  name: string;
  /** 1 is shown only with `-o wide`. */
  priority: 0 | 1;
  integer: boolean;
  cell: (object: KubeObject, now: number) => Cell;
}

const column = (name: string, cell: Column['cell']): Column => ({ name, priority: 0, integer: false, cell });
const count = (name: string, cell: (object: KubeObject) => number): Column => ({
  name,
  priority: 0,
  integer: true,
  cell,
});
const wide = (name: string, cell: Column['cell']): Column => ({ name, priority: 1, integer: false, cell });

/** An age the way kubectl shows it: two units where the first is small. */
export function humanDuration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(s / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (s < 120) return `${s}s`;
  if (minutes < 10) return s % 60 === 0 ? `${minutes}m` : `${minutes}m${s % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  if (hours < 48) return `${hours}h`;
  if (days < 8) return hours % 24 === 0 ? `${days}d` : `${days}d${hours % 24}h`;
  if (days < 730) return `${days}d`;
  return `${Math.floor(days / 365)}y`;
}

const since = (instant: unknown, now: number): string => {
  const at = typeof instant === 'string' ? Date.parse(instant) : Number.NaN;
  return Number.isNaN(at) ? '<unknown>' : humanDuration((now - at) / 1000);
};
const NAME = column('Name', (object) => object.metadata.name);
const AGE = column('Age', (object, now) => since(object.metadata.creationTimestamp, now));

type Json = Record<string, unknown>;
const spec = (object: KubeObject): Json => (object.spec ?? {}) as Json;
const status = (object: KubeObject): Json => (object.status ?? {}) as Json;
const num = (value: unknown): number => Number(value ?? 0);
const keys = (value: unknown): number => Object.keys((value ?? {}) as Json).length;
const images = (object: KubeObject): string =>
  (object as Workload).spec.template.spec.containers.map((container) => container.image).join(',');
const selector = (object: KubeObject): string =>
  Object.entries((object as Workload).spec.selector?.matchLabels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
const portList = (object: KubeObject): string =>
  ((spec(object).ports ?? []) as Json[]).map((port) => `${port.port}/${port.protocol ?? 'TCP'}`).join(',');

function podState(object: KubeObject): string {
  const { status: state } = object as Pod;
  for (const container of state?.containerStatuses ?? []) {
    const reason = container.state.waiting?.reason ?? container.state.terminated?.reason;
    if (reason !== undefined) return String(reason);
  }
  return state?.phase ?? 'Unknown';
}

function podRestarts(object: KubeObject, now: number): string {
  const containers = (object as Pod).status?.containerStatuses ?? [];
  const restarts = containers.reduce((sum, container) => sum + container.restartCount, 0);
  const last = containers[0]?.lastState.terminated?.finishedAt;
  return restarts > 0 && last !== undefined ? `${restarts} (${since(last, now)} ago)` : String(restarts);
}

function podReady(object: KubeObject): string {
  const containers = (object as Pod).status?.containerStatuses ?? [];
  const wanted = (object as Pod).spec.containers.length;
  return `${containers.filter((container) => container.ready).length}/${wanted}`;
}

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  Pod: [
    NAME,
    column('Ready', podReady),
    column('Status', podState),
    column('Restarts', podRestarts),
    AGE,
    wide('IP', (object) => String(status(object).podIP ?? '<none>')),
    wide('Node', (object) => String(spec(object).nodeName ?? '<none>')),
    wide('Nominated Node', () => '<none>'),
    wide('Readiness Gates', () => '<none>'),
  ],
  Deployment: [
    NAME,
    column('Ready', (object) => `${num(status(object).readyReplicas)}/${num(spec(object).replicas ?? 1)}`),
    count('Up-to-date', (object) => num(status(object).updatedReplicas)),
    count('Available', (object) => num(status(object).availableReplicas)),
    AGE,
    wide('Images', images),
    wide('Selector', selector),
  ],
  StatefulSet: [
    NAME,
    column('Ready', (object) => `${num(status(object).readyReplicas)}/${num(spec(object).replicas ?? 1)}`),
    AGE,
    wide('Images', images),
  ],
  DaemonSet: [
    NAME,
    count('Desired', (object) => num(status(object).desiredNumberScheduled)),
    count('Current', (object) => num(status(object).currentNumberScheduled)),
    count('Ready', (object) => num(status(object).numberReady)),
    count('Up-to-date', (object) => num(status(object).updatedNumberScheduled)),
    count('Available', (object) => num(status(object).numberAvailable)),
    column('Node Selector', () => '<none>'),
    AGE,
    wide('Images', images),
  ],
  ReplicaSet: [
    NAME,
    count('Desired', (object) => num(spec(object).replicas)),
    count('Current', (object) => num(status(object).replicas)),
    count('Ready', (object) => num(status(object).readyReplicas)),
    AGE,
    wide('Images', images),
  ],
  Event: [
    column('Last Seen', (object, now) => since(object.lastTimestamp, now)),
    column('Type', (object) => String(object.type)),
    column('Reason', (object) => String(object.reason)),
    column('Object', (object) => {
      const about = object.involvedObject as Json;
      return `${String(about.kind).toLowerCase()}/${about.name}`;
    }),
    column('Message', (object) => String(object.message).trim()),
    wide('Count', (object) => num(object.count)),
    wide('Name', (object) => object.metadata.name),
  ],
  Node: [
    NAME,
    column('Status', (object) => {
      const conditions = (status(object).conditions ?? []) as Json[];
      return conditions.some((c) => c.type === 'Ready' && c.status === 'True') ? 'Ready' : 'NotReady';
    }),
    column('Roles', () => '<none>'),
    AGE,
    column('Version', (object) => String((status(object).nodeInfo as Json | undefined)?.kubeletVersion ?? '')),
  ],
  Service: [
    NAME,
    column('Type', (object) => String(spec(object).type ?? 'ClusterIP')),
    column('Cluster-IP', (object) => String(spec(object).clusterIP ?? 'None')),
    column('External-IP', () => '<none>'),
    column('Port(s)', portList),
    AGE,
  ],
  Secret: [NAME, column('Type', (object) => String(object.type)), count('Data', (object) => keys(object.data)), AGE],
  ConfigMap: [NAME, count('Data', (object) => keys(object.data)), AGE],
  Namespace: [NAME, column('Status', (object) => String(status(object).phase ?? 'Active')), AGE],
  HorizontalPodAutoscaler: [
    NAME,
    column('Reference', (object) => {
      const target = spec(object).scaleTargetRef as Json;
      return `${target.kind}/${target.name}`;
    }),
    column('Targets', () => 'cpu: <unknown>/75%'),
    column('MinPods', (object) => String(spec(object).minReplicas ?? 1)),
    count('MaxPods', (object) => num(spec(object).maxReplicas)),
    count('Replicas', (object) => num(status(object).currentReplicas)),
    AGE,
  ],
  PodDisruptionBudget: [
    NAME,
    column('Min Available', (object) => String(spec(object).minAvailable ?? 'N/A')),
    column('Max Unavailable', (object) => String(spec(object).maxUnavailable ?? 'N/A')),
    count('Allowed Disruptions', (object) => num(status(object).disruptionsAllowed)),
    AGE,
  ],
};

/** How much of each object a row carries. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** The `Table` of the objects, with the columns of kubectl. `now` is wall time in milliseconds. */
export function tableOf(
  kind: string,
  objects: readonly KubeObject[],
  listMeta: Json,
  now: number,
  include: IncludeObject,
): Json {
  const columns = COLUMNS[kind] ?? [NAME, AGE];
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: listMeta,
    columnDefinitions: columns.map(({ name, priority, integer }) => ({
      name,
      type: integer ? 'integer' : 'string',
      format: name === 'Name' ? 'name' : '',
      description: '',
      priority,
    })),
    rows: objects.map((object) => ({
      cells: columns.map(({ cell }) => cell(object, now)),
      object: include === 'None' ? null : include === 'Object' ? object : partial(object),
    })),
  };
}

/** The metadata-only form of an object. */
export function partial(object: KubeObject): Json {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}
