import { stamp } from '../clock.ts';
import { isReady } from './pods.ts';
import type { Condition, KubeObject, Workload } from './types.ts';

/** A condition that keeps its transition time as long as its status stays. */
function condition(
  before: Workload,
  type: string,
  ok: boolean,
  reason: string,
  message: string,
  at: number,
): Condition {
  const old = before.status?.conditions?.find((item) => item.type === type);
  const status = ok ? 'True' : 'False';
  if (old?.status === status && old.reason === reason && old.message === message) return old;
  const when = stamp(at);
  const lastTransitionTime = old?.status === status ? old.lastTransitionTime : when;
  return { type, status, reason, message, lastUpdateTime: when, lastTransitionTime };
}

const generation = (object: KubeObject): number => object.metadata.generation ?? 1;

/** A count that the API leaves out when it is zero. */
const some = (field: string, count: number): Record<string, number> => (count > 0 ? { [field]: count } : {});

export function deploymentStatus(
  object: Workload,
  current: Workload | undefined,
  sets: readonly Workload[],
  at: number,
  podsOf: (uid: string) => readonly KubeObject[],
): Record<string, unknown> {
  const desired = object.spec.replicas ?? 1;
  const pods = sets.map((set) => podsOf(set.metadata.uid ?? ''));
  const total = pods.reduce((sum, list) => sum + list.length, 0);
  const ready = pods.reduce((sum, list) => sum + list.filter(isReady).length, 0);
  const updated = current === undefined ? 0 : podsOf(current.metadata.uid ?? '').length;
  const available = ready >= desired - Math.floor(desired * 0.25);
  const complete = updated === desired && total === desired && ready >= desired;
  const was = object.status?.conditions?.find((item) => item.type === 'Progressing');
  // A rollout that was once complete stays so when its pods fail later: only a new one makes it progress again.
  const settled = was?.reason === 'NewReplicaSetAvailable' && total === desired && updated === desired;
  const name = current?.metadata.name ?? '';
  return {
    observedGeneration: generation(object),
    ...some('replicas', total),
    ...some('updatedReplicas', updated),
    ...some('readyReplicas', ready),
    ...some('availableReplicas', ready),
    ...some('unavailableReplicas', Math.max(0, Math.max(total, desired) - ready)),
    conditions: [
      condition(
        object,
        'Available',
        available,
        available ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
        available ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
        at,
      ),
      complete || settled
        ? condition(object, 'Progressing', true, 'NewReplicaSetAvailable', done(name), at)
        : condition(object, 'Progressing', true, 'ReplicaSetUpdated', `ReplicaSet "${name}" is progressing.`, at),
    ],
  };
}

function done(name: string): string {
  return `ReplicaSet "${name}" has successfully progressed.`;
}

export function replicaSetStatus(object: Workload, pods: readonly KubeObject[]): Record<string, unknown> {
  const ready = pods.filter(isReady).length;
  return {
    replicas: pods.length,
    ...some('fullyLabeledReplicas', pods.length),
    ...some('readyReplicas', ready),
    ...some('availableReplicas', ready),
    observedGeneration: generation(object),
  };
}

export function statefulSetStatus(
  object: Workload,
  pods: readonly KubeObject[],
  revision: string,
  updated: number,
): Record<string, unknown> {
  const ready = pods.filter(isReady).length;
  const complete = updated === pods.length;
  return {
    observedGeneration: generation(object),
    replicas: pods.length,
    ...some('readyReplicas', ready),
    availableReplicas: ready,
    ...some('currentReplicas', complete ? pods.length : pods.length - updated),
    ...some('updatedReplicas', updated),
    currentRevision: complete ? revision : ((object.status?.currentRevision as string | undefined) ?? revision),
    updateRevision: revision,
    collisionCount: 0,
  };
}

export function daemonSetStatus(
  object: Workload,
  pods: readonly KubeObject[],
  nodes: number,
  updated: number,
): Record<string, unknown> {
  const ready = pods.filter(isReady).length;
  return {
    observedGeneration: generation(object),
    currentNumberScheduled: pods.length,
    desiredNumberScheduled: nodes,
    numberMisscheduled: 0,
    numberReady: ready,
    ...some('updatedNumberScheduled', updated),
    ...some('numberAvailable', ready),
    ...some('numberUnavailable', nodes - ready),
  };
}
