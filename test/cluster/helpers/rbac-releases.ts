import { gzipSync } from 'node:zlib';

/** One revision of a release as Helm writes it down; `hooks` are objects that run before a rollback. */
export interface Revised {
  objects: readonly object[];
  hooks?: readonly { metadata: { name: string }; kind: string }[];
}

/**
 * The Secrets of a release with these revisions, the last one deployed, in the form of helm.sh/helm, pkg/release and pkg/storage/driver: so that
 * many releases come by one request, and not by two runs of helm each. Helm itself reads them back.
 */
export function releaseSecrets(namespace: string, name: string, revisions: readonly Revised[]): object[] {
  const now = new Date();
  const at = now.toISOString();
  return revisions.map(({ objects, hooks = [] }, index) => {
    const version = index + 1;
    const status = version === revisions.length ? 'deployed' : 'superseded';
    const record = {
      name,
      namespace,
      version,
      // Helm 4: by server-side apply, which is its default; Helm 3 does not know the field.
      apply_method: 'ssa',
      info: { first_deployed: at, last_deployed: at, deleted: '', description: 'Upgrade complete', status },
      chart: { metadata: { apiVersion: 'v2', name: 'tiny', version: `${version}.0.0` } },
      manifest: objects.map((object) => `---\n${JSON.stringify(object)}\n`).join(''),
      hooks: hooks.map((hook) => ({
        name: hook.metadata.name,
        kind: hook.kind,
        path: `tiny/templates/${hook.metadata.name}.yaml`,
        manifest: JSON.stringify(hook),
        events: ['pre-rollback'],
        delete_policies: ['before-hook-creation'],
        last_run: { started_at: '', completed_at: '', phase: '' },
      })),
    };
    const release = Buffer.from(gzipSync(JSON.stringify(record)).toString('base64')).toString('base64');
    return {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'helm.sh/release.v1',
      metadata: {
        name: `sh.helm.release.v1.${name}.v${version}`,
        namespace,
        labels: {
          owner: 'helm',
          name,
          status,
          version: String(version),
          modifiedAt: String(Math.floor(now.getTime() / 1000)),
        },
      },
      data: { release },
    };
  });
}

type Body = Record<string, unknown>;
const podTemplate = (app: string, spec: Body = {}): Body => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'app', image: 'registry.example/app:1.0.0' }], ...spec },
});
const unschedulable = (app: string): Body =>
  podTemplate(app, { nodeSelector: { 'incident-mcp.example/none': 'none' } });
const selector = (app: string): Body => ({ selector: { matchLabels: { app } } });

/** The smallest object of each kind, by the resource's name with its group; without pods, unless a Deployment shall not become ready. */
const KINDS: Readonly<Record<string, (app: string, ready: boolean) => Body>> = {
  configmaps: () => ({ apiVersion: 'v1', kind: 'ConfigMap' }),
  secrets: () => ({ apiVersion: 'v1', kind: 'Secret' }),
  serviceaccounts: () => ({ apiVersion: 'v1', kind: 'ServiceAccount' }),
  services: (app) => ({ apiVersion: 'v1', kind: 'Service', spec: { selector: { app }, ports: [{ port: 80 }] } }),
  'deployments.apps': (app, ready) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    spec: { replicas: ready ? 0 : 1, ...selector(app), template: unschedulable(app) },
  }),
  'statefulsets.apps': (app) => ({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    spec: { replicas: 0, serviceName: app, ...selector(app), template: podTemplate(app) },
  }),
  'daemonsets.apps': (app) => ({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    spec: { ...selector(app), template: unschedulable(app) },
  }),
  'jobs.batch': (app) => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    spec: { suspend: true, template: podTemplate(app, { restartPolicy: 'Never' }) },
  }),
  'ingresses.networking.k8s.io': (app) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    spec: { defaultBackend: { service: { name: app, port: { number: 80 } } } },
  }),
  'horizontalpodautoscalers.autoscaling': (app) => ({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: app }, maxReplicas: 2 },
  }),
  'poddisruptionbudgets.policy': (app) => ({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    spec: { minAvailable: 1, ...selector(app) },
  }),
};

/** Resources (with their group) that a usual chart holds. */
export const CHART_RESOURCES = Object.keys(KINDS);

/** An object of that resource, called `name`, as Helm would have made it for the release of that name. */
export function objectOf(
  resource: string,
  namespace: string,
  name: string,
  options: { ready?: boolean } = {},
): { kind: string; metadata: { name: string } } {
  const make = KINDS[resource];
  if (!make) throw new Error(`no object of ${resource} is known here: add one`);
  const { kind, ...body } = make(name, options.ready ?? true);
  return {
    ...body,
    kind: String(kind),
    metadata: {
      name,
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'Helm' },
      annotations: { 'meta.helm.sh/release-name': name, 'meta.helm.sh/release-namespace': namespace },
    } as { name: string },
  };
}
