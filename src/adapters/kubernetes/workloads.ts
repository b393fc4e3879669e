import type { Workload } from '../../domain/observe.ts';
import { checkName, checkNamespace } from './names.ts';
import type { WorkloadObject } from './schema.ts';
import type { Subject } from './status.ts';
import { instantOf } from './time.ts';

export const KINDS: readonly Workload['kind'][] = ['Deployment', 'StatefulSet', 'DaemonSet'];
/** It repeats the whole object, environment variables included. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** Source: kubectl's `rollout restart`. */
export const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';
/** The value of a condition's `status` that is bad news; a condition not named here is left out. */
const BAD: Readonly<Record<string, string>> = { Progressing: 'False', Available: 'False', ReplicaFailure: 'True' };

/** `/apis/apps/v1/namespaces/x/deployments/y`, names checked. */
export function workloadPath(kind: Workload['kind'], namespace: string | null, name?: string): string {
  const scope = namespace === null ? '' : `/namespaces/${encodeURIComponent(checkNamespace(namespace))}`;
  return `/apis/apps/v1${scope}/${kind.toLowerCase()}s${name === undefined ? '' : `/${encodeURIComponent(checkName(name))}`}`;
}

export function workloadSubject(
  verb: Subject['verb'],
  kind: Workload['kind'],
  namespace: string | null,
  name?: string,
  subresource = '',
): Subject {
  return {
    verb,
    resource: `${kind.toLowerCase()}s.apps${subresource}`,
    namespace,
    ...(name === undefined ? {} : { name }),
  };
}

/** The API's default of all three kinds is `RollingUpdate`. */
const strategyOf = (type: string | null | undefined): Workload['strategy'] =>
  type === 'OnDelete' || type === 'Recreate' ? type : 'RollingUpdate';

export function toWorkload(kind: Workload['kind'], object: WorkloadObject): Workload {
  const { metadata, spec, status } = object;
  const daemon = kind === 'DaemonSet';
  const { [LAST_APPLIED]: _dropped, ...annotations } = metadata.annotations;
  return {
    kind,
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    generation: metadata.generation,
    observed_generation: status.observedGeneration,
    // The API's default for an absent `replicas` is 1.
    desired: daemon ? status.desiredNumberScheduled : (spec.replicas ?? 1),
    ready: daemon ? status.numberReady : status.readyReplicas,
    updated: daemon ? status.updatedNumberScheduled : status.updatedReplicas,
    available: daemon ? status.numberAvailable : status.availableReplicas,
    pods: daemon ? status.currentNumberScheduled : status.replicas,
    paused: spec.paused ?? false,
    strategy: strategyOf((spec.strategy ?? spec.updateStrategy)?.type),
    partition: spec.updateStrategy?.rollingUpdate?.partition ?? 0,
    scale_deletes_volumes: spec.persistentVolumeClaimRetentionPolicy?.whenScaled === 'Delete',
    restarted_at: spec.template.metadata?.annotations[RESTARTED_AT] ?? null,
    images: spec.template.spec.containers.flatMap(({ image }) => (image ? [image] : [])),
    labels: metadata.labels,
    annotations,
    conditions: (status.conditions ?? [])
      .filter((c) => BAD[c.type] === c.status)
      .map((c) => `${c.type}=${c.status}${c.reason ? `: ${c.reason}` : ''}`),
    created_at: instantOf(metadata.creationTimestamp),
  };
}
