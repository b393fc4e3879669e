import { AGENT, CORE, type PlatformFacts, type PodFault, SERVICES, type Service } from '../scenarios/types.ts';
import type { Effects } from './effects.ts';
import { serviceState } from './effects.ts';
import { isReady, NODES } from './pods.ts';
import type { ObjectStore } from './store.ts';
import type { KubeObject, Pod, Workload } from './types.ts';

/** Where each service runs. */
export const PLACES: Readonly<Record<Service, { plural: string; namespace: string }>> = {
  'control-plane': { plural: 'deployments', namespace: CORE.namespace },
  'analysis-engine': { plural: 'deployments', namespace: CORE.namespace },
  'ingest-gateway': { plural: 'deployments', namespace: CORE.namespace },
  'web-ui': { plural: 'deployments', namespace: CORE.namespace },
  postgres: { plural: 'statefulsets', namespace: CORE.namespace },
  'agent-gateway': { plural: 'deployments', namespace: AGENT.namespace },
  'agent-relay': { plural: 'daemonsets', namespace: AGENT.namespace },
};

/** The service a pod of the platform belongs to; null for any other pod. */
export function serviceOf(pod: KubeObject): Service | null {
  const name = pod.metadata.labels?.['app.kubernetes.io/name'];
  const service = SERVICES.find((candidate) => candidate === name);
  return service !== undefined && PLACES[service].namespace === pod.metadata.namespace ? service : null;
}

export function tagOf(pod: KubeObject): string {
  const image = (pod as Pod).spec.containers[0]?.image ?? '';
  return image.slice(image.lastIndexOf(':') + 1);
}

export interface Count {
  desired: number;
  pods: KubeObject[];
  ready: number;
}

/** Counts the pods of every service from the objects themselves. */
export function countServices(store: ObjectStore): Record<Service, Count> {
  const counts = {} as Record<Service, Count>;
  for (const service of SERVICES) {
    const { plural, namespace } = PLACES[service];
    const workload = store.get(plural, namespace, service) as Workload | undefined;
    if (workload === undefined) {
      counts[service] = { desired: 0, pods: [], ready: 0 };
      continue;
    }
    const uid = workload.metadata.uid ?? '';
    const owners =
      plural === 'deployments' ? store.owned('replicasets', uid).map((set) => set.metadata.uid ?? '') : [uid];
    const pods = owners.flatMap((owner) => store.owned('pods', owner));
    const desired = plural === 'daemonsets' ? NODES.length : (workload.spec.replicas ?? 1);
    counts[service] = { desired, pods, ready: pods.filter(isReady).length };
  }
  return counts;
}

export function mapServices<T>(each: (service: Service) => T): Record<Service, T> {
  const result = {} as Record<Service, T>;
  for (const service of SERVICES) result[service] = each(service);
  return result;
}

export function effectsOf(
  counts: Record<Service, Count>,
  faultOf: (pod: KubeObject) => PodFault | null,
  rest: Pick<Effects, 'providerDown' | 'customersOffline'>,
): Effects {
  const services = mapServices((service) => {
    const { desired, pods, ready } = counts[service];
    const faults = pods.map(faultOf).filter((fault) => fault !== null);
    return serviceState(desired, ready, faults.length, faults[0] ?? null);
  });
  return { services, ...rest };
}

export function factsOf(
  counts: Record<Service, Count>,
  readySinceStart: ReadonlySet<Service>,
  impaired: boolean,
): PlatformFacts {
  return {
    desired: mapServices((service) => counts[service].desired),
    ready: mapServices((service) => counts[service].ready),
    readySinceStart: mapServices((service) => readySinceStart.has(service)),
    impaired,
  };
}
