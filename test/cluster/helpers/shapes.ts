import { type WorkloadOptions, workload } from './workloads.ts';

export type Kind = 'Deployment' | 'StatefulSet' | 'DaemonSet';
export const KINDS: readonly Kind[] = ['Deployment', 'StatefulSet', 'DaemonSet'];

/** A workload whose spec has more than `workload` gives it. */
export function shaped(
  kind: Kind,
  namespace: string,
  name: string,
  spec: Record<string, unknown>,
  options: WorkloadOptions = {},
): object {
  const plain = workload(kind, namespace, name, options) as { spec: object };
  return { ...plain, spec: { ...plain.spec, ...spec } };
}

export const autoscaler = (namespace: string, kind: Kind, name: string, min: number, max: number): object => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name, namespace },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind, name },
    minReplicas: min,
    maxReplicas: max,
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }],
  },
});

export const budget = (namespace: string, name: string, minAvailable: number): object => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name, namespace },
  spec: { minAvailable, selector: { matchLabels: { app: name } } },
});

/** Refuses every change of a Deployment, and of its scale, in that namespace with these words. The names are the cluster's, so they carry the namespace. */
export const freeze = (namespace: string, words: string, reason?: 'Forbidden'): object[] => [
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: namespace },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        resourceRules: [
          {
            apiGroups: ['apps'],
            apiVersions: ['v1'],
            operations: ['UPDATE'],
            resources: ['deployments', 'deployments/scale'],
          },
        ],
      },
      validations: [{ expression: 'false', message: words, ...(reason ? { reason } : {}) }],
    },
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: namespace },
    spec: { policyName: namespace, validationActions: ['Deny'] },
  },
];
