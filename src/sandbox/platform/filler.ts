import type { SimClock } from '../clock.ts';
import { NAME_ALPHABET, type Random } from '../random.ts';
import { buildPod, NODES, type PodRun, podStatus } from './pods.ts';
import { deploymentStatus } from './status.ts';
import { type ObjectStore, ownerOf, resourceOf } from './store.ts';
import { makeReplicaSet, templateHash } from './templates.ts';
import type { KubeObject, PodTemplate, Workload } from './types.ts';

const PODS_PER_DEPLOYMENT = 10;
const DEPLOYMENTS_PER_NAMESPACE = 20;

/** Adds other teams' workloads with so many pods of a realistic size, all of them well: the crowd of a big cluster. */
export function fillCluster(store: ObjectStore, clock: SimClock, random: Random, pods: number): void {
  let left = pods;
  for (let number = 0; left > 0; number++) {
    const namespace = `team-${String(Math.floor(number / DEPLOYMENTS_PER_NAMESPACE)).padStart(3, '0')}`;
    if (store.get('namespaces', '', namespace) === undefined) {
      const object: KubeObject = {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: namespace, labels: { 'kubernetes.io/metadata.name': namespace } },
        spec: { finalizers: ['kubernetes'] },
        status: { phase: 'Active' },
      };
      store.create(resourceOf(object), object, clock.startedAt - 90 * 86_400_000);
    }
    const replicas = Math.min(PODS_PER_DEPLOYMENT, left);
    fillDeployment(store, clock, random, namespace, `service-${String(number).padStart(4, '0')}`, replicas);
    left -= replicas;
  }
}

function fillDeployment(
  store: ObjectStore,
  clock: SimClock,
  random: Random,
  namespace: string,
  name: string,
  replicas: number,
): void {
  const createdAt = clock.startedAt - random.int(3_600, 60 * 86_400) * 1000;
  const template = fillerTemplate(name);
  const object: Workload = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name,
      namespace,
      labels: template.metadata.labels,
      annotations: { 'deployment.kubernetes.io/revision': '1' },
    },
    spec: { replicas, selector: { matchLabels: { 'app.kubernetes.io/name': name } }, template },
  };
  const deployment = store.create(resourceOf(object), object, createdAt) as Workload;
  const made = makeReplicaSet(deployment, templateHash(template), 1) as Workload;
  made.metadata.ownerReferences = [ownerOf(deployment)];
  made.spec.replicas = replicas;
  const set = store.create(resourceOf(made), made, createdAt) as Workload;
  const run: PodRun = {
    stage: 'running',
    ready: true,
    restarts: 0,
    createdAt,
    since: createdAt + 3_000,
    readyChangedAt: createdAt + 14_000,
    last: null,
  };
  const pods: KubeObject[] = [];
  for (let i = 0; i < replicas; i++) {
    const podName = `${set.metadata.name}-${random.chars(5, NAME_ALPHABET)}`;
    const pod = buildPod(set, set.spec.template, podName, NODES[i % NODES.length] ?? '');
    pods.push(store.create(resourceOf(pod), { ...pod, status: podStatus(pod, run, random) }, createdAt));
  }
  const status = deploymentStatus(deployment, set, [set], createdAt, () => pods);
  store.update(resourceOf(deployment), { ...deployment, status });
}

/** About three kilobytes of pod template, as a chart of the usual kind renders it. */
function fillerTemplate(name: string): PodTemplate {
  const env = Array.from({ length: 16 }, (_, i) => ({
    name: `SETTING_${String(i).padStart(2, '0')}`,
    value: `http://dependency-${i}.internal.example:8080/api/v1`,
  }));
  const probe = (path: string) => ({
    httpGet: { path, port: 8080, scheme: 'HTTP' },
    initialDelaySeconds: 5,
    periodSeconds: 10,
    timeoutSeconds: 1,
    successThreshold: 1,
    failureThreshold: 3,
  });
  return {
    metadata: {
      labels: { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'crowd' },
      annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080' },
    },
    spec: {
      serviceAccountName: 'default',
      terminationGracePeriodSeconds: 30,
      containers: [
        {
          name,
          image: `registry.example/crowd/${name}:2.14.3`,
          imagePullPolicy: 'IfNotPresent',
          ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
          env,
          resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
          livenessProbe: probe('/livez'),
          readinessProbe: probe('/readyz'),
          volumeMounts: [
            { name: 'config', mountPath: '/etc/service', readOnly: true },
            { name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
          ],
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
        },
      ],
      volumes: [
        { name: 'config', configMap: { name: `${name}-config`, defaultMode: 420 } },
        {
          name: 'token',
          projected: { defaultMode: 420, sources: [{ serviceAccountToken: { expirationSeconds: 3607 } }] },
        },
      ],
    },
  };
}
