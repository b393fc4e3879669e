import { gunzipSync, gzipSync } from 'node:zlib';
import type { Sandbox } from '../helpers/sandbox.ts';

const NAMESPACE = 'pulsestream-core-prod';
const DEADLINE_MS = 5_000;

/** A release's record as Helm keeps it, as far as attacks change it. */
export interface ReleaseRecord {
  info: { description: string; notes?: string; [key: string]: unknown };
  config: Record<string, unknown>;
  manifest: string;
  [key: string]: unknown;
}

async function ask(sandbox: Sandbox, method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${sandbox.urls.kubernetes}${path}`, {
    method,
    headers: {
      Authorization: 'Bearer planted-kubeconfig-token-Kx83',
      'Content-Type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const said = (await answer.json()) as Record<string, unknown>;
  if (!answer.ok) throw new Error(`${method} ${path}: ${JSON.stringify(said)}`);
  return said;
}

/** Other hands in the cluster: whoever may write Secrets and objects there. */
export const cluster = (sandbox: Sandbox) => ({
  /** Changes what Helm's record of a revision says, under the same number. */
  rewrite: async (revision: number, change: (record: ReleaseRecord) => void): Promise<void> => {
    const path = `/api/v1/namespaces/${NAMESPACE}/secrets/sh.helm.release.v1.pulsestream-core.v${revision}`;
    const secret = (await ask(sandbox, 'GET', path)) as { data: { release: string } };
    const zipped = Buffer.from(Buffer.from(secret.data.release, 'base64').toString('utf8'), 'base64');
    const record = JSON.parse(gunzipSync(zipped).toString('utf8')) as ReleaseRecord;
    change(record);
    const release = Buffer.from(gzipSync(JSON.stringify(record)).toString('base64')).toString('base64');
    await ask(sandbox, 'PATCH', path, { data: { release } });
  },
  /** Wanted replicas of every workload that can be scaled, by its address. */
  replicas: async (): Promise<[string, number][]> => {
    const found: [string, number][] = [];
    for (const namespace of [NAMESPACE, 'pulsestream-agent-prod']) {
      for (const plural of ['deployments', 'statefulsets']) {
        const path = `/apis/apps/v1/namespaces/${namespace}/${plural}`;
        const { items } = (await ask(sandbox, 'GET', path)) as {
          items: { metadata: { name: string }; spec: { replicas: number } }[];
        };
        found.push(...items.map(({ metadata, spec }): [string, number] => [`${path}/${metadata.name}`, spec.replicas]));
      }
    }
    return found;
  },
  scale: async (wanted: readonly [string, number][]): Promise<void> => {
    for (const [path, replicas] of wanted) await ask(sandbox, 'PATCH', path, { spec: { replicas } });
  },
  /** A Warning about a pod, as a kubelet would write it. */
  warn: async (message: string): Promise<void> => {
    const { items } = (await ask(sandbox, 'GET', `/api/v1/namespaces/${NAMESPACE}/pods`)) as {
      items: { metadata: { name: string; uid: string } }[];
    };
    const pod = items.find(({ metadata }) => metadata.name.startsWith('analysis-engine'));
    const now = new Date().toISOString().replace(/\.\d+/, '');
    await ask(sandbox, 'POST', `/api/v1/namespaces/${NAMESPACE}/events`, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `attack-${message.length}-${Date.now()}`, namespace: NAMESPACE },
      involvedObject: { kind: 'Pod', name: pod?.metadata.name, namespace: NAMESPACE, uid: pod?.metadata.uid },
      reason: 'BackOff',
      message,
      type: 'Warning',
      count: 99,
      firstTimestamp: now,
      lastTimestamp: now,
      source: { component: 'kubelet' },
    });
  },
});
