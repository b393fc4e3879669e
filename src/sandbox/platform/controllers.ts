import type { Random } from '../random.ts';
import type { EventRecorder } from './events.ts';
import { buildPod, isReady, NODES, ordinalLabels } from './pods.ts';
import { rolloutStep } from './rollout.ts';
import { daemonSetStatus, deploymentStatus, replicaSetStatus, statefulSetStatus } from './status.ts';
import { type Change, type ObjectStore, resourceOf } from './store.ts';
import { makeReplicaSet, sameTemplate, templateHash } from './templates.ts';
import type { KubeObject, Workload } from './types.ts';

/**
 * The controllers of the cluster: they react to each change by making the objects below fit the ones above, as the real
 * ones do, and write what they see into the status.
 */
export interface Controllers {
  /** Looks at one workload now, as after the controllers' own start. */
  sync(kind: string, namespace: string, name: string): void;
  stop(): void;
}

const REVISION = 'deployment.kubernetes.io/revision';
const KINDS = new Set(['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet']);
const PLURALS: Readonly<Record<string, string>> = {
  Deployment: 'deployments',
  ReplicaSet: 'replicasets',
  StatefulSet: 'statefulsets',
  DaemonSet: 'daemonsets',
};

export function createControllers(
  store: ObjectStore,
  now: () => number,
  random: Random,
  events: EventRecorder,
  startPod: (pod: KubeObject) => void,
): Controllers {
  const queue = new Map<string, { kind: string; namespace: string; name: string }>();
  let draining = false;

  const enqueue = (kind: string, namespace: string, name: string): void => {
    queue.set(`${kind}/${namespace}/${name}`, { kind, namespace, name });
  };
  const addPod = (owner: Workload, name: string, node: string, labels: Record<string, string> = {}): void => {
    const pod = buildPod(owner, owner.spec.template, name, node);
    pod.metadata.labels = { ...pod.metadata.labels, ...labels };
    const created = store.create(resourceOf(pod), pod);
    const event = { type: 'Normal', reason: 'SuccessfulCreate', component: 'controller' } as const;
    events.record(owner, { ...event, message: `Created pod: ${name}` });
    startPod(created);
  };
  const removePod = (pod: KubeObject): void => {
    store.remove(resourceOf(pod), pod.metadata.namespace ?? '', pod.metadata.name);
  };
  const setStatus = (object: KubeObject, status: Record<string, unknown>): void => {
    const current = store.get(PLURALS[object.kind] ?? '', object.metadata.namespace ?? '', object.metadata.name);
    if (current !== undefined) store.update(resourceOf(current), { ...current, status });
  };

  const deployment = (object: Workload): void => {
    const namespace = object.metadata.namespace ?? '';
    const sets = (store.owned('replicasets', object.metadata.uid ?? '') as Workload[]).filter((set) => set.spec);
    let current = sets.find((set) => sameTemplate(set.spec.template, object.spec.template));
    const revisionOf = (set: KubeObject): number => Number(set.metadata.annotations?.[REVISION] ?? 0);
    const newest = Math.max(0, ...sets.filter((set) => set !== current).map(revisionOf));
    if (object.spec.paused === true) {
      // Paused: no new template is rolled out, but the set that runs still follows the scale.
      const running = sets
        .toSorted((a, b) => revisionOf(b) - revisionOf(a))
        .find((set) => (set.spec.replicas ?? 0) > 0);
      const replicas = object.spec.replicas ?? 1;
      if (running !== undefined) store.update(resourceOf(running), { ...running, spec: { ...running.spec, replicas } });
      setStatus(
        object,
        deploymentStatus(object, current, sets, now(), (uid) => store.owned('pods', uid)),
      );
      return;
    }
    if (current === undefined) {
      const made = makeReplicaSet(object, templateHash(object.spec.template), newest + 1);
      current = store.create(resourceOf(made), made) as Workload;
      sets.push(current);
    } else if (revisionOf(current) <= newest) {
      const annotations = { ...current.metadata.annotations, [REVISION]: String(newest + 1) };
      const bumped = store.update(resourceOf(current), {
        ...current,
        metadata: { ...current.metadata, annotations },
      }) as Workload;
      sets[sets.indexOf(current)] = bumped;
      current = bumped;
    }
    const counts = sets.map((set) => ({
      isNew: set === current,
      replicas: set.spec.replicas ?? 0,
      available: store.owned('pods', set.metadata.uid ?? '').filter(isReady).length,
    }));
    const wanted = rolloutStep(object.spec.replicas ?? 1, counts);
    wanted.forEach((replicas, i) => {
      const set = sets[i] as Workload;
      const before = set.spec.replicas ?? 0;
      if (replicas === before) return;
      const updated = { ...set, spec: { ...set.spec, replicas } };
      sets[i] = store.update(resourceOf(set), updated) as Workload;
      const direction = replicas > before ? 'up' : 'down';
      const message = `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${replicas}`;
      events.record(object, {
        type: 'Normal',
        reason: 'ScalingReplicaSet',
        message,
        component: 'deployment-controller',
      });
    });
    const fresh = store.get('deployments', namespace, object.metadata.name) as Workload | undefined;
    const newestSet = sets.find((set) => sameTemplate(set.spec.template, object.spec.template));
    const revision = newestSet?.metadata.annotations?.[REVISION];
    if (fresh === undefined) return;
    const noted = { ...fresh.metadata.annotations, ...(revision === undefined ? {} : { [REVISION]: revision }) };
    const status = deploymentStatus(fresh, newestSet, sets, now(), (uid) => store.owned('pods', uid));
    store.update(resourceOf(fresh), { ...fresh, metadata: { ...fresh.metadata, annotations: noted }, status });
  };

  const replicaSet = (object: Workload): void => {
    const pods = store.owned('pods', object.metadata.uid ?? '');
    const wanted = object.spec.replicas ?? 1;
    for (let i = pods.length; i < wanted; i++) {
      addPod(object, `${object.metadata.name}-${random.chars(5)}`, NODES[(i + random.int(0, 2)) % NODES.length] ?? '');
    }
    // The ones that do not serve go first, as the real controller ranks them.
    const ranked = [...pods].sort((a, b) => Number(isReady(a)) - Number(isReady(b)));
    for (const pod of ranked.slice(0, Math.max(0, pods.length - wanted))) removePod(pod);
    setStatus(object, replicaSetStatus(object, store.owned('pods', object.metadata.uid ?? '')));
  };

  const statefulSet = (object: Workload): void => {
    const { name, namespace = '' } = object.metadata;
    const hash = templateHash(object.spec.template);
    const label = { 'controller-revision-hash': `${name}-${hash}` };
    const wanted = object.spec.replicas ?? 1;
    const pods = store.owned('pods', object.metadata.uid ?? '');
    const stale = (pod: KubeObject) => pod.metadata.labels?.['controller-revision-hash'] !== `${name}-${hash}`;
    for (const pod of pods) {
      const ordinal = Number(pod.metadata.name.slice(name.length + 1));
      if (ordinal >= wanted) removePod(pod);
    }
    const outdated = pods.findLast((pod) => stale(pod));
    const others = pods.filter((pod) => pod !== outdated);
    // One at a time, from the last to the first, and only while the others serve.
    if (outdated !== undefined && store.get('pods', namespace, outdated.metadata.name) && others.every(isReady)) {
      removePod(outdated);
    }
    for (let i = 0; i < wanted; i++) {
      const pod = store.get('pods', namespace, `${name}-${i}`);
      if (pod === undefined) {
        addPod(object, `${name}-${i}`, NODES[i % NODES.length] ?? '', {
          ...label,
          ...ordinalLabels(`${name}-${i}`, i),
        });
        break;
      }
      if (!isReady(pod)) break;
    }
    const updated = store.owned('pods', object.metadata.uid ?? '');
    setStatus(object, statefulSetStatus(object, updated, `${name}-${hash}`, updated.filter((p) => !stale(p)).length));
  };

  const daemonSet = (object: Workload): void => {
    const { name } = object.metadata;
    const hash = templateHash(object.spec.template);
    const pods = store.owned('pods', object.metadata.uid ?? '');
    const stale = (pod: KubeObject) => pod.metadata.labels?.['controller-revision-hash'] !== hash;
    const unready = pods.filter((pod) => !isReady(pod));
    const outdated = pods.find((pod) => stale(pod) && (unready.length === 0 || unready.includes(pod)));
    if (outdated !== undefined) removePod(outdated);
    const left = store.owned('pods', object.metadata.uid ?? '');
    const taken = new Set(left.map((pod) => (pod as Workload & { spec: { nodeName?: string } }).spec.nodeName));
    for (const node of NODES) {
      if (!taken.has(node)) addPod(object, `${name}-${random.chars(5)}`, node, { 'controller-revision-hash': hash });
    }
    const updated = store.owned('pods', object.metadata.uid ?? '');
    setStatus(object, daemonSetStatus(object, updated, NODES.length, updated.filter((p) => !stale(p)).length));
  };

  const reconcile = (kind: string, namespace: string, name: string): void => {
    const object = store.get(PLURALS[kind] ?? '', namespace, name) as Workload | undefined;
    if (object?.spec === undefined) return;
    if (kind === 'Deployment') deployment(object);
    else if (kind === 'ReplicaSet') replicaSet(object);
    else if (kind === 'StatefulSet') statefulSet(object);
    else daemonSet(object);
  };
  const drain = (): void => {
    if (draining) return;
    draining = true;
    try {
      for (let first = queue.entries().next().value; first !== undefined; first = queue.entries().next().value) {
        queue.delete(first[0]);
        reconcile(first[1].kind, first[1].namespace, first[1].name);
      }
    } finally {
      draining = false;
    }
  };

  const stop = store.listen((change: Change) => {
    const { object } = change;
    const namespace = object.metadata.namespace ?? '';
    if (change.type !== 'DELETED' && KINDS.has(object.kind)) enqueue(object.kind, namespace, object.metadata.name);
    for (const owner of object.metadata.ownerReferences ?? []) {
      if (KINDS.has(owner.kind)) enqueue(owner.kind, namespace, owner.name);
    }
    drain();
  });
  return {
    stop,
    sync(kind, namespace, name) {
      enqueue(kind, namespace, name);
      drain();
    },
  };
}
