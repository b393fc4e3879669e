import { createHash } from 'node:crypto';
import type { KubeObject, Strings } from './types.ts';

/** What a component of a chart takes from the values. */
export interface ComponentValues {
  image: { repository: string; tag: string };
  replicas: number;
  env: Strings;
}

/** The values of one release revision: what Helm stores as `config`. */
export interface ReleaseValues {
  components: Record<string, ComponentValues>;
  config: Strings;
  credentials: Strings;
}

interface ComponentSpec {
  kind: 'Deployment' | 'StatefulSet' | 'DaemonSet';
  port: number;
  memory: string;
  cpu: string;
  /** Its pods read the release's ConfigMap and restart with it. */
  readsConfig?: boolean;
  /** Volumes of the pod; a memory-backed one outlives a container's restart, but not the pod. */
  volumes?: { name: string; source: Record<string, unknown>; mountPath: string }[];
}

export interface Chart {
  name: string;
  description: string;
  components: Record<string, ComponentSpec>;
}

export const CORE_CHART: Chart = {
  name: 'pulsestream-core',
  description: 'The PulseStream platform: control plane, ingest, analysis and web interface',
  components: {
    'analysis-engine': { kind: 'Deployment', port: 8082, memory: '1Gi', cpu: '500m', readsConfig: true },
    'control-plane': { kind: 'Deployment', port: 8080, memory: '512Mi', cpu: '250m' },
    'ingest-gateway': {
      kind: 'Deployment',
      port: 8081,
      memory: '768Mi',
      cpu: '500m',
      volumes: [{ name: 'spool', source: { emptyDir: { medium: 'Memory' } }, mountPath: '/var/spool/ingest' }],
    },
    postgres: {
      kind: 'StatefulSet',
      port: 5432,
      memory: '4Gi',
      cpu: '1',
      volumes: [
        {
          name: 'data',
          source: { persistentVolumeClaim: { claimName: 'data-postgres-0' } },
          mountPath: '/var/lib/postgresql/data',
        },
      ],
    },
    'web-ui': { kind: 'Deployment', port: 8083, memory: '128Mi', cpu: '100m' },
  },
};

export const AGENT_CHART: Chart = {
  name: 'pulsestream-agent',
  description: 'The side of PulseStream that agents talk to: gateway and node relays',
  components: {
    'agent-gateway': { kind: 'Deployment', port: 9090, memory: '512Mi', cpu: '500m' },
    'agent-relay': { kind: 'DaemonSet', port: 9091, memory: '128Mi', cpu: '100m' },
  },
};

export interface ReleaseIdentity {
  name: string;
  namespace: string;
  chart: Chart;
  chartVersion: string;
}

function objectLabels(release: ReleaseIdentity, name: string, version?: string): Strings {
  return {
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/instance': release.name,
    'app.kubernetes.io/managed-by': 'Helm',
    ...(version === undefined ? {} : { 'app.kubernetes.io/version': version }),
    'helm.sh/chart': `${release.chart.name}-${release.chartVersion}`,
  };
}

function workload(release: ReleaseIdentity, name: string, spec: ComponentSpec, values: ReleaseValues): KubeObject {
  const component = values.components[name];
  if (component === undefined) throw new RangeError(`values lack the component ${name}`);
  const { tag, repository } = component.image;
  const selector: Strings = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/instance': release.name };
  const annotations: Strings = { 'prometheus.io/scrape': 'true', 'prometheus.io/port': String(spec.port) };
  if (spec.readsConfig) {
    const text = JSON.stringify([values.config, values.credentials]);
    annotations['checksum/config'] = createHash('sha256').update(text).digest('hex');
  }
  const config = `${release.name}-config`;
  const container = {
    name,
    image: `${repository}:${tag}`,
    imagePullPolicy: 'IfNotPresent',
    ports: [{ name: 'main', containerPort: spec.port, protocol: 'TCP' }],
    env: [
      ...Object.entries(component.env).map(([key, value]) => ({ name: key, value })),
      {
        name: 'DATABASE_PASSWORD',
        valueFrom: { secretKeyRef: { name: `${release.name}-credentials`, key: 'databasePassword' } },
      },
    ],
    ...(spec.readsConfig ? { envFrom: [{ configMapRef: { name: config } }] } : {}),
    resources: { requests: { cpu: spec.cpu, memory: spec.memory }, limits: { memory: spec.memory } },
    readinessProbe: {
      httpGet: { path: '/readyz', port: spec.port, scheme: 'HTTP' },
      periodSeconds: 10,
      timeoutSeconds: 1,
      failureThreshold: 3,
    },
    ...(spec.volumes === undefined
      ? {}
      : { volumeMounts: spec.volumes.map((v) => ({ name: v.name, mountPath: v.mountPath })) }),
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  };
  const replicated = spec.kind === 'DaemonSet' ? {} : { replicas: component.replicas };
  const rolling = {
    Deployment: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } } },
    StatefulSet: { serviceName: name, podManagementPolicy: 'OrderedReady', updateStrategy: { type: 'RollingUpdate' } },
    DaemonSet: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } } },
  }[spec.kind];
  return {
    apiVersion: 'apps/v1',
    kind: spec.kind,
    metadata: { name, namespace: release.namespace, labels: objectLabels(release, name, tag) },
    spec: {
      ...replicated,
      revisionHistoryLimit: 10,
      selector: { matchLabels: selector },
      ...rolling,
      template: {
        metadata: {
          labels: { ...selector, 'app.kubernetes.io/managed-by': 'Helm', 'app.kubernetes.io/version': tag },
          annotations,
        },
        spec: {
          serviceAccountName: 'default',
          terminationGracePeriodSeconds: 30,
          containers: [container],
          ...(spec.volumes === undefined ? {} : { volumes: spec.volumes.map((v) => ({ name: v.name, ...v.source })) }),
        },
      },
    },
  };
}

/** The objects of a release in the order Helm installs them. */
export function renderChart(release: ReleaseIdentity, values: ReleaseValues): KubeObject[] {
  const { namespace } = release;
  const base = (name: string) => ({ name, namespace, labels: objectLabels(release, name) });
  const encode = (values_: Strings): Strings =>
    Object.fromEntries(Object.entries(values_).map(([k, v]) => [k, Buffer.from(v).toString('base64')]));
  const objects: KubeObject[] = [];
  for (const [name, spec] of Object.entries(release.chart.components)) {
    if (spec.kind !== 'Deployment' || (values.components[name]?.replicas ?? 0) < 3) continue;
    objects.push({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: base(name),
      spec: {
        maxUnavailable: 1,
        selector: { matchLabels: { 'app.kubernetes.io/name': name, 'app.kubernetes.io/instance': release.name } },
      },
    });
  }
  objects.push({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: base(`${release.name}-credentials`),
    type: 'Opaque',
    data: encode(values.credentials),
  });
  objects.push({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: base(`${release.name}-config`),
    data: values.config,
  });
  for (const [name, spec] of Object.entries(release.chart.components)) {
    objects.push({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: base(name),
      spec: {
        type: 'ClusterIP',
        ports: [{ name: 'main', port: spec.port, targetPort: spec.port, protocol: 'TCP' }],
        selector: { 'app.kubernetes.io/name': name, 'app.kubernetes.io/instance': release.name },
      },
    });
  }
  for (const [name, spec] of Object.entries(release.chart.components)) {
    objects.push(workload(release, name, spec, values));
  }
  if (release.chart === CORE_CHART) {
    objects.push({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: base('web-ui'),
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web-ui' },
        minReplicas: 2,
        maxReplicas: 6,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 75 } } },
        ],
      },
    });
  }
  return objects;
}
