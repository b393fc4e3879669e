import { eventually } from '../../test/cluster/lab/daemon.ts';
import type { Api } from './api.ts';

/** How large the cluster is made. */
export const SIZE = {
  namespaces: 20,
  deployments: 1_000,
  replicas: 10,
  releases: 300,
  revisions: 10,
  warnings: 500,
} as const;
export const PODS = SIZE.deployments * SIZE.replicas;

/** A minute on two idle cores. */
const FILL_MS = 600_000;
/** Every so many-th deployment never comes up, so that there is something to report. */
const SICK_EVERY = 200;

const isSick = (index: number): boolean => index % SICK_EVERY === 7;

export const namespaceOf = (index: number): string => `bench-${String(index % SIZE.namespaces).padStart(2, '0')}`;
export const namespaces = (): string[] => Array.from({ length: SIZE.namespaces }, (_, index) => namespaceOf(index));
export const deploymentName = (index: number): string => `service-${String(index).padStart(4, '0')}`;
/** Release `index` has its deployments in the namespace of that index. */
export const releaseName = (index: number): string => `release-${String(index).padStart(3, '0')}`;

/** A deployment as charts write them: labels, environment, resources and probes, about as large as those of production. */
function deployment(index: number): object {
  const name = deploymentName(index);
  const labels = {
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/instance': releaseName(index % SIZE.releases),
    'app.kubernetes.io/version': '2.14.0',
    'app.kubernetes.io/managed-by': 'Helm',
  };
  const selector = { 'app.kubernetes.io/name': name };
  const probe = (path: string): object => ({ httpGet: { path, port: 'http' }, periodSeconds: 10, timeoutSeconds: 2 });
  const env = Array.from({ length: 8 }, (_, n) => ({ name: `SETTING_${n}`, value: `value-of-setting-${n}` }));
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      replicas: SIZE.replicas,
      selector: { matchLabels: selector },
      template: {
        metadata: { labels, annotations: isSick(index) ? { 'lab/fate': 'crash' } : {} },
        spec: {
          terminationGracePeriodSeconds: 0,
          // Bound at once: ten thousand decisions of the scheduler are not what is measured.
          nodeName: `lab-${index % 5}`,
          containers: [
            {
              name: 'app',
              image: `registry.example/team/${name}:2.14.0`,
              ports: [{ name: 'http', containerPort: 8080 }],
              env,
              resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
              readinessProbe: probe('/ready'),
              livenessProbe: probe('/live'),
              volumeMounts: [{ name: 'config', mountPath: '/etc/app' }],
            },
          ],
          volumes: [{ name: 'config', configMap: { name: `${name}-config` } }],
        },
      },
    },
  };
}

function warning(index: number): object {
  const namespace = namespaceOf(index);
  const now = new Date(Date.now() - index * 1_000).toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${deploymentName(index)}.warning-${index}`, namespace },
    involvedObject: { apiVersion: 'apps/v1', kind: 'Deployment', name: deploymentName(index), namespace },
    type: 'Warning',
    reason: 'BackOff',
    message: `Back-off restarting failed container app in a pod of ${deploymentName(index)}`,
    count: 3,
    firstTimestamp: now,
    lastTimestamp: now,
    source: { component: 'kubelet', host: 'lab-0' },
  };
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Namespaces, deployments whose pods the cluster's own controllers make, and events. Resolves when all pods have their state. */
export async function fillCluster(api: Api): Promise<void> {
  await api.createAll(
    namespaces().map((name) => ({
      path: '/api/v1/namespaces',
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
    })),
  );
  await api.createAll(
    range(SIZE.deployments).map((index) => ({
      path: `/apis/apps/v1/namespaces/${namespaceOf(index)}/deployments`,
      body: deployment(index),
    })),
  );
  await api.createAll(
    range(SIZE.warnings).map((index) => ({
      path: `/api/v1/namespaces/${namespaceOf(index)}/events`,
      body: warning(index),
    })),
  );
  await eventually('all pods have their state', async () => (await settled(api)) === SIZE.deployments, FILL_MS);
}

/** Deployments whose pods are all there, and ready unless they are meant to be sick. */
async function settled(api: Api): Promise<number> {
  const list = (await api.send('GET', '/apis/apps/v1/deployments?resourceVersion=0')) as { items: DeploymentStatus[] };
  return list.items.filter(({ metadata, status }) => {
    const wanted = isSick(Number(metadata.name.slice(-4))) ? 0 : SIZE.replicas;
    return status.replicas === SIZE.replicas && (status.readyReplicas ?? 0) === wanted;
  }).length;
}

interface DeploymentStatus {
  metadata: { name: string };
  status: { replicas?: number; readyReplicas?: number };
}
