import type { SimClock } from '../clock.ts';
import { NAME_ALPHABET, type Random } from '../random.ts';
import { AGENT, CORE, type PodFault, type Scenario } from '../scenarios/types.ts';
import type { EventRecorder } from './events.ts';
import { buildPod, NODES, ordinalLabels, type PodRun, podStatus } from './pods.ts';
import { manifestObjects, type ReleaseSpec, type RevisionSpec, releaseSecret } from './releases.ts';
import { withClusterIp } from './services.ts';
import { type ObjectStore, ownerOf, resourceOf, same } from './store.ts';
import { makeReplicaSet, templateHash } from './templates.ts';
import type { KubeObject, PodTemplate, Strings, Workload } from './types.ts';

export interface SeededPod {
  pod: KubeObject;
  run: PodRun;
}

interface SeedParts {
  store: ObjectStore;
  clock: SimClock;
  random: Random;
  events: EventRecorder;
  scenario: Scenario;
  /** The fault of a pod that has just been made; `index` is its number in its workload. */
  faultOf: (pod: KubeObject, index: number) => PodFault | null;
}

const DAY = 86_400;

/** Puts the platform into the store as the scenario has it at the start. Returns the pods with their lives so far. */
export function seedPlatform(parts: SeedParts): SeededPod[] {
  const { store, clock } = parts;
  const put = (object: KubeObject, age: number): KubeObject =>
    store.create(resourceOf(object), object, clock.startedAt - age * 1000);
  NODES.forEach((name, i) => {
    put(node(name, i), 210 * DAY);
  });
  for (const name of ['default', 'kube-system', CORE.namespace, AGENT.namespace]) {
    put(namespaceObject(name), 400 * DAY);
    put({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } }, 400 * DAY);
  }
  put(
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data-postgres-0', namespace: CORE.namespace },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '200Gi' } } },
      status: { phase: 'Bound', capacity: { storage: '200Gi' } },
    },
    400 * DAY,
  );
  const pods: SeededPod[] = [];
  for (const release of parts.scenario.releases()) {
    for (const revision of release.revisions) {
      put(releaseSecret(release, revision, clock.startedAt), revision.age);
    }
    const deployed = release.revisions.find((revision) => revision.status === 'deployed');
    if (deployed === undefined) throw new RangeError(`${release.name} has no deployed revision`);
    // The database first: what becomes of the others depends on it.
    const objects = manifestObjects(release, deployed).sort((a, b) => rank(a) - rank(b));
    for (const object of objects) {
      const workload = object as Workload;
      object.metadata.annotations = {
        'meta.helm.sh/release-name': release.name,
        'meta.helm.sh/release-namespace': release.namespace,
      };
      if (object.kind === 'Service') put(withClusterIp(store, object), deployed.age);
      else if (workload.spec?.template === undefined) put(object, deployed.age);
      else pods.push(...seedWorkload(parts, release, deployed, put(object, 400 * DAY) as Workload));
    }
  }
  return pods;
}

const rank = (object: KubeObject): number => (object.metadata.name === 'postgres' ? 0 : 1);

function namespaceObject(name: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  };
}

function node(name: string, index: number): KubeObject {
  const condition = (type: string, status: string, reason: string) => ({ type, status, reason });
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': `zone-${index + 1}` } },
    spec: { podCIDR: `10.42.${index}.0/24` },
    status: {
      capacity: { cpu: '16', memory: '64Gi', pods: '110' },
      allocatable: { cpu: '15800m', memory: '62Gi', pods: '110' },
      conditions: [
        condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory'),
        condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure'),
        condition('Ready', 'True', 'KubeletReady'),
      ],
      addresses: [{ type: 'InternalIP', address: `10.40.0.${index + 10}` }],
      nodeInfo: { kubeletVersion: 'v1.32.4', osImage: 'Linux', containerRuntimeVersion: 'containerd://2.0.5' },
    },
  };
}

/** The workload of a revision as its manifest has it. */
function templateIn(release: ReleaseSpec, revision: RevisionSpec, name: string): PodTemplate | undefined {
  const objects = manifestObjects(release, revision) as Workload[];
  return objects.find((object) => object.metadata.name === name && object.spec?.template !== undefined)?.spec.template;
}

/** The revisions at which the template of a workload changed, oldest first, with the template. */
function templateChanges(
  release: ReleaseSpec,
  name: string,
): { age: number; template: PodTemplate; failed: boolean }[] {
  const changes: { age: number; template: PodTemplate; failed: boolean }[] = [];
  for (const revision of release.revisions) {
    const template = templateIn(release, revision, name);
    const last = changes.at(-1);
    if (template === undefined || (last !== undefined && same(last.template, template))) continue;
    changes.push({ age: revision.age, template, failed: revision.status === 'failed' });
  }
  return changes;
}

function seedWorkload(parts: SeedParts, release: ReleaseSpec, deployed: RevisionSpec, object: Workload): SeededPod[] {
  const { store, clock, random } = parts;
  const { name, namespace = '' } = object.metadata;
  const changes = templateChanges(release, name);
  const at = changes.findLastIndex((change) => same(change.template, object.spec.template));
  const age = changes[at]?.age ?? deployed.age;
  const replicas = object.kind === 'DaemonSet' ? NODES.length : (object.spec.replicas ?? 1);
  const hash = templateHash(object.spec.template);
  let owner: KubeObject = object;
  let labels: Strings = { 'controller-revision-hash': object.kind === 'StatefulSet' ? `${name}-${hash}` : hash };
  if (object.kind === 'Deployment') {
    changes.slice(Math.max(0, at - 3), at + 1).forEach((change, i, kept) => {
      const current = i === kept.length - 1;
      const made = makeReplicaSet(
        { ...object, spec: { ...object.spec, template: change.template } },
        templateHash(change.template),
        i + 1,
      ) as Workload;
      made.metadata.ownerReferences = [ownerOf(object)];
      made.spec.replicas = current ? replicas : 0;
      const set = store.create(resourceOf(made), made, clock.startedAt - change.age * 1000);
      if (current) owner = set;
    });
    labels = {};
  }
  const pods: SeededPod[] = [];
  const template = (owner as Workload).spec.template;
  for (let i = 0; i < replicas; i++) {
    const podName =
      object.kind === 'StatefulSet' ? `${name}-${i}` : `${owner.metadata.name}-${random.chars(5, NAME_ALPHABET)}`;
    const made = buildPod(owner, template, podName, NODES[i % NODES.length] ?? '');
    const place = object.kind === 'StatefulSet' ? ordinalLabels(podName, i) : {};
    made.metadata.labels = { ...made.metadata.labels, ...labels, ...place };
    const createdAt = clock.startedAt - age * 1000 + i * 2_000;
    const created = store.create(resourceOf(made), made, createdAt);
    const fault = parts.faultOf(created, i);
    const onset = clock.startedAt - (parts.scenario.onset ?? 0) * 1000;
    const run = runSoFar(fault, createdAt, onset + i * 4_000, clock.startedAt, i);
    pods.push({ pod: store.update(resourceOf(created), { ...created, status: podStatus(created, run, random) }), run });
    seedEvents(parts.events, created, fault, run, onset, clock.startedAt);
  }
  if (store.get('namespaces', '', namespace) === undefined) throw new RangeError(`no namespace ${namespace}`);
  return pods;
}

/** The life of a pod up to the start: a sound one, or one that its fault has shaped since the onset. */
function runSoFar(fault: PodFault | null, createdAt: number, onset: number, start: number, index: number): PodRun {
  const sound: PodRun = {
    stage: 'running',
    ready: true,
    restarts: 0,
    createdAt,
    since: createdAt + 3_000,
    readyChangedAt: createdAt + 14_000,
    last: null,
  };
  const died = start - 40_000 - index * 25_000;
  switch (fault) {
    case null:
    case 'drops-agents':
      return sound;
    case 'stuck':
    case 'dependency':
      return { ...sound, ready: false, readyChangedAt: onset };
    case 'oom': {
      const last = { reason: 'OOMKilled', exitCode: 137, startedAt: died - 200_000, finishedAt: died };
      return { ...sound, restarts: 11 - index, since: died + 2_000, readyChangedAt: died + 9_000, last };
    }
    default: {
      const exitCode = fault === 'disk-full' ? 2 : fault === 'crash-at-start' ? 1 : 139;
      const last = { reason: 'Error', exitCode, startedAt: died - 4_000, finishedAt: died };
      return {
        ...sound,
        stage: 'backoff',
        ready: false,
        restarts: 7 - index,
        since: died,
        readyChangedAt: onset,
        last,
      };
    }
  }
}

function seedEvents(
  events: EventRecorder,
  pod: KubeObject,
  fault: PodFault | null,
  run: PodRun,
  onset: number,
  start: number,
): void {
  const container = pod.metadata.labels?.['app.kubernetes.io/name'] ?? '';
  const note = (reason: string, message: string, count: number, lastAt = start - 12_000): void =>
    events.past(pod, { type: 'Warning', reason, message, component: 'kubelet' }, onset, lastAt, count);
  if (fault === 'crash-under-load' || fault === 'crash-at-start' || fault === 'disk-full') {
    const where = `in pod ${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
    note('BackOff', `Back-off restarting failed container ${container} ${where}`, run.restarts * 6);
  }
  if (fault === 'disk-full') {
    note('VolumeUsageCritical', 'volume data (claim data-postgres-0) is 100% full: no space left on device', 5);
  }
  if (fault === 'oom')
    note('OOMKilling', `Memory cgroup out of memory: Killed process of container ${container}`, run.restarts);
  if (fault === 'stuck') {
    note('Unhealthy', 'Readiness probe failed: context deadline exceeded (Client.Timeout)', 204);
  }
  if (fault === 'dependency') note('Unhealthy', 'Readiness probe failed: HTTP probe failed with statuscode: 503', 51);
}
