import { gunzipSync, gzipSync } from 'node:zlib';
import { type Chart, type ReleaseValues, renderChart } from './charts.ts';
import type { KubeObject } from './types.ts';
import { toYaml } from './yaml.ts';

export type ReleaseStatus = 'deployed' | 'superseded' | 'failed' | 'pending-rollback';

/** One revision of a release's history, as the scenario describes it. */
export interface RevisionSpec {
  revision: number;
  status: ReleaseStatus;
  chartVersion: string;
  appVersion: string;
  /** Seconds before the start. */
  age: number;
  description: string;
  values: ReleaseValues;
}

export interface ReleaseSpec {
  name: string;
  namespace: string;
  chart: Chart;
  /** Oldest first. */
  revisions: RevisionSpec[];
}

export const HELM_SECRET_TYPE = 'helm.sh/release.v1';

export function helmSecretName(release: string, revision: number): string {
  return `sh.helm.release.v1.${release}.v${revision}`;
}

export function manifestObjects(release: ReleaseSpec, revision: RevisionSpec): KubeObject[] {
  const { name, namespace, chart } = release;
  return renderChart({ name, namespace, chart, chartVersion: revision.chartVersion }, revision.values);
}

/** Helm's own record of a release revision. Field names and order are Helm's. */
function helmRecord(release: ReleaseSpec, revision: RevisionSpec, startedAt: number): Record<string, unknown> {
  const first = release.revisions[0] ?? revision;
  const instant = (age: number): string => new Date(startedAt - age * 1000).toISOString().replace('Z', '482915Z');
  const file = (object: KubeObject): string => `templates/${object.metadata.name}-${object.kind.toLowerCase()}.yaml`;
  const manifest = manifestObjects(release, revision)
    .map((object) => `---\n# Source: ${release.chart.name}/${file(object)}\n${toYaml(object)}`)
    .join('');
  return {
    name: release.name,
    info: {
      first_deployed: instant(first.age + 400 * 86_400),
      last_deployed: instant(revision.age),
      deleted: '',
      description: revision.description,
      status: revision.status,
      notes: `PulseStream ${revision.appVersion} is being rolled out to ${release.namespace}.\n`,
    },
    chart: {
      metadata: {
        name: release.chart.name,
        version: revision.chartVersion,
        description: release.chart.description,
        apiVersion: 'v2',
        appVersion: revision.appVersion,
        type: 'application',
      },
      lock: null,
      templates: [
        { name: 'templates/NOTES.txt', data: Buffer.from('PulseStream is being rolled out.\n').toString('base64') },
      ],
      values: {},
      schema: null,
      files: null,
    },
    config: revision.values,
    manifest,
    hooks: [
      {
        name: `${release.name}-smoke`,
        kind: 'Pod',
        path: `${release.chart.name}/templates/tests/smoke.yaml`,
        manifest: toYaml({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: `${release.name}-smoke`, annotations: { 'helm.sh/hook': 'test' } },
          spec: { restartPolicy: 'Never', containers: [{ name: 'smoke', image: 'registry.example/smoke:1' }] },
        }),
        events: ['test'],
        last_run: { started_at: '', completed_at: '', phase: '' },
      },
    ],
    version: revision.revision,
    namespace: release.namespace,
  };
}

/** Encodes a record the way Helm stores it; the API adds one more base64, as for every Secret. */
export function encodeRecord(record: Record<string, unknown>): string {
  const zipped = gzipSync(JSON.stringify(record), { level: 6 });
  return Buffer.from(zipped.toString('base64')).toString('base64');
}

/** The opposite of `encodeRecord`; null where the data is not such a record. */
export function decodeRecord(data: string): Record<string, unknown> | null {
  try {
    const zipped = Buffer.from(Buffer.from(data, 'base64').toString('utf8'), 'base64');
    return JSON.parse(gunzipSync(zipped).toString('utf8')) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/** The Secret in which Helm keeps a release revision. */
export function releaseSecret(release: ReleaseSpec, revision: RevisionSpec, startedAt: number): KubeObject {
  // Helm stamps a record anew when it updates it: when the revision becomes the deployed one, and when the next one takes its place.
  const { revisions } = release;
  const next = revisions.slice(revisions.indexOf(revision) + 1).find(({ status }) => status !== 'failed');
  const { age } = revision.status === 'superseded' && next !== undefined ? next : revision;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: helmSecretName(release.name, revision.revision),
      namespace: release.namespace,
      labels: {
        modifiedAt: String(Math.floor(startedAt / 1000 - age)),
        name: release.name,
        owner: 'helm',
        status: revision.status,
        version: String(revision.revision),
      },
    },
    type: HELM_SECRET_TYPE,
    data: { release: encodeRecord(helmRecord(release, revision, startedAt)) },
  };
}
