import { createHash } from 'node:crypto';
import { NAME_ALPHABET } from '../random.ts';
import { ownerOf, same } from './store.ts';
import type { KubeObject, PodTemplate, Workload } from './types.ts';

const HASH_LABEL = 'pod-template-hash';

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return `{${entries
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => `${key}:${canonical(item)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

/** Ten letters that name a pod template, in the alphabet of generated names. */
export function templateHash(template: PodTemplate): string {
  const digest = createHash('sha256').update(canonical(template)).digest();
  return [...digest.subarray(0, 10)].map((byte) => NAME_ALPHABET[byte % NAME_ALPHABET.length]).join('');
}

function withoutHash(template: PodTemplate): PodTemplate {
  const { [HASH_LABEL]: _hash, ...labels } = template.metadata.labels;
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** Whether a ReplicaSet's template is the Deployment's, but for the label that the controller adds. */
export function sameTemplate(a: PodTemplate, b: PodTemplate): boolean {
  return same(withoutHash(a), withoutHash(b));
}

/** The ReplicaSet for a Deployment's template, with no replicas yet. */
export function makeReplicaSet(deployment: Workload, hash: string, revision: number): KubeObject {
  const { template, selector, replicas } = deployment.spec;
  const labels = { ...template.metadata.labels, [HASH_LABEL]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? '',
      labels,
      annotations: {
        'deployment.kubernetes.io/desired-replicas': String(replicas ?? 1),
        'deployment.kubernetes.io/revision': String(revision),
      },
      ownerReferences: [ownerOf(deployment)],
    },
    spec: {
      replicas: 0,
      selector: { matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}
