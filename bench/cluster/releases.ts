import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { stringify } from 'yaml';
import { runToEnd } from '../../test/cluster/lab/daemon.ts';
import type { Lab } from '../../test/cluster/lab/lab.ts';
import type { Api } from './api.ts';
import { namespaceOf, releaseName, SIZE } from './cluster.ts';

/** The release that real Helm made, with workloads of its own: the one whose rollback is planned. */
export const REAL = { name: 'storefront', namespace: namespaceOf(0), workload: 'storefront', to: SIZE.revisions - 1 };

const DAY = 86_400_000;
const HOUR = 3_600_000;
/** One release of this many was deployed within the last day, the others two to nine days ago. */
const RECENT_EVERY = 10;

const VALUES = Object.fromEntries(
  Array.from({ length: 60 }, (_, n) => [`setting${n}`, { enabled: n % 2 === 0, value: `default ${n}`, replicas: n }]),
);

/** A chart as `helm create` leaves it, in kinds and size. */
async function writeChart(dir: string): Promise<string> {
  const chart = join(dir, 'chart');
  await mkdir(join(chart, 'templates'), { recursive: true });
  const head = (apiVersion: string, kind: string, suffix = ''): string =>
    [
      `apiVersion: ${apiVersion}`,
      `kind: ${kind}`,
      'metadata:',
      `  name: {{ .Release.Name }}${suffix}`,
      '  labels:',
      '    app.kubernetes.io/instance: {{ .Release.Name }}',
      '    app.kubernetes.io/managed-by: {{ .Release.Service }}',
      '    app.kubernetes.io/version: {{ .Values.version | quote }}',
    ].join('\n');
  const pod = [
    'spec:',
    '  replicas: 2',
    '  selector: {matchLabels: {app: {{ .Release.Name }}}}',
    '  template:',
    '    metadata: {labels: {app: {{ .Release.Name }}}}',
    '    spec:',
    '      containers:',
    '        - name: app',
    '          image: "registry.example/storefront:{{ .Values.version }}"',
    '          env:',
    '            {{- range $name, $setting := .Values.settings }}',
    '            - {name: {{ $name | upper }}, value: {{ $setting.value | quote }}}',
    '            {{- end }}',
  ].join('\n');
  const files: Record<string, string> = {
    'Chart.yaml': stringify({ apiVersion: 'v2', name: 'storefront', version: '1.0.0', appVersion: '1.0.0' }),
    'values.yaml': stringify({ version: '1', settings: VALUES }),
    'templates/deployment.yaml': `${head('apps/v1', 'Deployment')}\n${pod}\n`,
    'templates/service.yaml': `${head('v1', 'Service')}\nspec: {selector: {app: {{ .Release.Name }}}, ports: [{port: 80}]}\n`,
    'templates/config.yaml': `${head('v1', 'ConfigMap', '-config')}\ndata:\n  settings: |\n{{ .Values.settings | toYaml | indent 4 }}\n`,
    'templates/account.yaml': `${head('v1', 'ServiceAccount')}\n`,
    'templates/NOTES.txt': 'Deployed {{ .Release.Name }}.\n',
  };
  for (const [path, text] of Object.entries(files)) await writeFile(join(chart, path), text);
  return chart;
}

interface SecretObject {
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  type: string;
  data: { release: string };
}
interface Stored {
  name: string;
  namespace: string;
  version: number;
  info: { first_deployed: string; last_deployed: string };
  manifest: string;
}

const unpack = (field: string): Stored =>
  JSON.parse(
    gunzipSync(Buffer.from(Buffer.from(field, 'base64').toString('latin1'), 'base64')).toString('utf8'),
  ) as Stored;
const pack = (record: Stored): string =>
  Buffer.from(gzipSync(JSON.stringify(record), { level: 9 }).toString('base64')).toString('base64');

/** When a revision of a release was deployed: a day apart, the newest of some within the last day. */
function deployedAt(release: number, revision: number): Date {
  const newest = release % RECENT_EVERY === 0 ? HOUR * (1 + (release % 20)) : DAY * (2 + (release % 8));
  return new Date(Date.now() - newest - (SIZE.revisions - revision) * DAY);
}

function clone(of: SecretObject, release: number): { path: string; body: object } {
  const name = releaseName(release);
  const namespace = namespaceOf(release);
  const record = unpack(of.data.release);
  const at = deployedAt(release, record.version);
  const copy: Stored = {
    ...record,
    name,
    namespace,
    manifest: record.manifest.replaceAll(REAL.name, name),
    info: { ...record.info, last_deployed: at.toISOString(), first_deployed: deployedAt(release, 1).toISOString() },
  };
  const labels = { ...of.metadata.labels, name, modifiedAt: String(Math.floor(at.getTime() / 1_000)) };
  return {
    path: `/api/v1/namespaces/${namespace}/secrets`,
    body: {
      apiVersion: 'v1',
      kind: 'Secret',
      type: of.type,
      metadata: { name: `sh.helm.release.v1.${name}.v${record.version}`, labels },
      data: { release: pack(copy) },
    },
  };
}

/**
 * One release by Helm itself, with all its revisions, and the others as copies of its Secrets under other names, times and namespaces: Helm
 * reads them as its own. @returns bytes of one Secret's payload.
 */
export async function fillReleases(lab: Lab, api: Api, dir: string): Promise<number> {
  const chart = await writeChart(dir);
  for (let revision = 1; revision <= SIZE.revisions; revision++)
    await runToEnd(
      lab.programs.helm4,
      [
        ...['upgrade', '--install', REAL.name, chart, `--namespace=${REAL.namespace}`],
        ...[`--kubeconfig=${lab.kubeconfig}`, `--kube-context=${lab.context}`],
        ...[`--set=version=1.${revision}.0`, `--set=settings.setting1.value=changed-${revision}`],
      ],
      { deadlineMs: 60_000 },
    );
  const query = `labelSelector=${encodeURIComponent(`owner=helm,name=${REAL.name}`)}`;
  const list = (await api.send('GET', `/api/v1/namespaces/${REAL.namespace}/secrets?${query}`)) as unknown as {
    items: SecretObject[];
  };
  if (list.items.length !== SIZE.revisions) throw new Error(`helm left ${list.items.length} revisions`);
  const others = Array.from({ length: SIZE.releases - 1 }, (_, index) => index);
  await api.createAll(others.flatMap((release) => list.items.map((secret) => clone(secret, release))));
  return list.items[0]?.data.release.length ?? 0;
}
