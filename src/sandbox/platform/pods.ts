import { stamp } from '../clock.ts';
import type { Random } from '../random.ts';
import { ownerOf } from './store.ts';
import type { Condition, ContainerStatus, KubeObject, Pod, PodStatus, PodTemplate, Strings } from './types.ts';

export const NODES = ['node-a', 'node-b', 'node-c'] as const;

/** Where a pod is in its life. Instants are wall time in milliseconds. */
export interface PodRun {
  stage: 'creating' | 'running' | 'backoff';
  ready: boolean;
  restarts: number;
  createdAt: number;
  /** When the container, or the wait for the next one, began. */
  since: number;
  readyChangedAt: number;
  last: { reason: string; exitCode: number; startedAt: number; finishedAt: number } | null;
}

/** A pod of a controller, before it has a status. */
export function buildPod(owner: KubeObject, template: PodTemplate, name: string, node: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: owner.metadata.namespace ?? '',
      labels: { ...template.metadata.labels },
      ...(template.metadata.annotations === undefined ? {} : { annotations: { ...template.metadata.annotations } }),
      ownerReferences: [ownerOf(owner)],
    },
    spec: {
      ...template.spec,
      nodeName: node,
      dnsPolicy: 'ClusterFirst',
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
      priority: 0,
      restartPolicy: 'Always',
      schedulerName: 'default-scheduler',
      securityContext: {},
      tolerations: ['not-ready', 'unreachable'].map((key) => ({
        key: `node.kubernetes.io/${key}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300,
      })),
    },
  };
}

/** The labels that tell which of a StatefulSet's pods one is. */
export function ordinalLabels(name: string, ordinal: number): Strings {
  return { 'apps.kubernetes.io/pod-index': String(ordinal), 'statefulset.kubernetes.io/pod-name': name };
}

/** The status the kubelet would report. */
export function podStatus(pod: KubeObject, run: PodRun, random: Random): PodStatus {
  const spec = (pod as Pod).spec;
  const before = pod.status as PodStatus | undefined;
  const condition = (type: string, ok: boolean, at: number, reason?: string, message?: string): Condition => ({
    type,
    status: ok ? 'True' : 'False',
    lastProbeTime: null,
    lastTransitionTime: stamp(at),
    ...(ok || reason === undefined ? {} : { reason, ...(message === undefined ? {} : { message }) }),
  });
  const names = spec.containers.map((container) => container.name);
  const unready = `containers with unready status: [${names.join(' ')}]`;
  const containerStatuses = spec.containers.map((container): ContainerStatus => {
    const last = run.last === null ? {} : { terminated: terminated(run.last, container.name) };
    return {
      name: container.name,
      image: container.image,
      imageID: run.stage === 'creating' ? '' : `${container.image}@sha256:sandbox`,
      ready: run.ready,
      restartCount: run.restarts,
      started: run.stage === 'running',
      state: containerState(run, container.name, pod.metadata.name),
      lastState: last,
    };
  });
  return {
    phase: run.stage === 'creating' ? 'Pending' : 'Running',
    conditions: [
      condition('PodReadyToStartContainers', run.stage !== 'creating', run.createdAt),
      condition('Initialized', true, run.createdAt),
      condition('Ready', run.ready, run.readyChangedAt, 'ContainersNotReady', unready),
      condition('ContainersReady', run.ready, run.readyChangedAt, 'ContainersNotReady', unready),
      condition('PodScheduled', true, run.createdAt),
    ],
    hostIP: `10.40.0.${NODES.indexOf(spec.nodeName as (typeof NODES)[number]) + 10}`,
    ...(run.stage === 'creating' ? {} : { podIP: before?.podIP ?? `10.42.${random.int(0, 2)}.${random.int(2, 250)}` }),
    startTime: stamp(run.createdAt),
    containerStatuses,
    qosClass: 'Burstable',
  };
}

function terminated(last: NonNullable<PodRun['last']>, container: string): Record<string, unknown> {
  return {
    exitCode: last.exitCode,
    reason: last.reason,
    startedAt: stamp(last.startedAt),
    finishedAt: stamp(last.finishedAt),
    containerID: `containerd://${container}`,
  };
}

function containerState(run: PodRun, container: string, pod: string): Record<string, Record<string, unknown>> {
  if (run.stage === 'creating') return { waiting: { reason: 'ContainerCreating' } };
  if (run.stage === 'running') return { running: { startedAt: stamp(run.since) } };
  return {
    waiting: {
      reason: 'CrashLoopBackOff',
      message: `back-off 5m0s restarting failed container=${container} pod=${pod}`,
    },
  };
}

export function isReady(pod: KubeObject): boolean {
  const status = pod.status as PodStatus | undefined;
  return status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
}
