/** What becomes of a workload's pods, see the lab's nodes. */
export type Fate = 'ready' | 'stuck' | 'crash' | 'fail';

export interface WorkloadOptions {
  replicas?: number;
  image?: string;
  fate?: Fate;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  env?: { name: string; value: string }[];
}

/** A Deployment, StatefulSet or DaemonSet with one container `app`; pods carry the label `app: NAME`. */
export function workload(
  kind: 'Deployment' | 'StatefulSet' | 'DaemonSet',
  namespace: string,
  name: string,
  options: WorkloadOptions = {},
): object {
  const labels = { app: name, ...options.labels };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace, labels, annotations: options.annotations ?? {} },
    spec: {
      ...(kind === 'DaemonSet' ? {} : { replicas: options.replicas ?? 1 }),
      ...(kind === 'StatefulSet' ? { serviceName: name, podManagementPolicy: 'Parallel' } : {}),
      selector: { matchLabels: { app: name } },
      template: {
        metadata: {
          labels,
          annotations: options.fate === undefined || options.fate === 'ready' ? {} : { 'lab/fate': options.fate },
        },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [{ name: 'app', image: options.image ?? 'registry.example/app:1.0.0', env: options.env ?? [] }],
        },
      },
    },
  };
}
