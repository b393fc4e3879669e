import { type ChildProcess, spawn } from 'node:child_process';
import { gunzipSync, gzipSync } from 'node:zlib';
import { until } from '../../helpers/process.ts';
import { runToEnd } from '../lab/daemon.ts';
import type { Colleague, HelmName } from './at-hand.ts';

/** Helm's record of a revision, as far as tests look into it or change it. */
export interface HelmRecordBody {
  name: string;
  namespace: string;
  version: number;
  info: {
    first_deployed: string;
    last_deployed: string;
    deleted?: string;
    description: string;
    status: string;
    rollback_revision?: number;
  };
  chart: { metadata: { name: string; version: string; appVersion: string } };
  [more: string]: unknown;
}

/** A row of `helm history -o json`. */
export interface HistoryRow {
  revision: number;
  updated: string;
  status: string;
  chart: string;
  app_version: string;
  description: string;
}

interface StoredSecret {
  metadata: { name: string; labels: Record<string, string>; creationTimestamp: string };
  data: { release: string };
}

/** What Helm itself says, oldest first. */
export async function helmHistory(at: Colleague, helm: HelmName, namespace: string, release: string) {
  return JSON.parse(await at.helm(helm, 'history', release, '-n', namespace, '-o', 'json')) as HistoryRow[];
}

/** Decodes what Helm stored, oldest first. */
export async function recordsOf(at: Colleague, namespace: string, release: string): Promise<HelmRecordBody[]> {
  const list = await at.kubectl('get', 'secrets', '-n', namespace, '-l', `owner=helm,name=${release}`, '-o', 'json');
  return (JSON.parse(list) as { items: StoredSecret[] }).items
    .map(({ data }) => {
      const packed = Buffer.from(Buffer.from(data.release, 'base64').toString('latin1'), 'base64');
      return JSON.parse(gunzipSync(packed).toString('utf8')) as HelmRecordBody;
    })
    .sort((a, b) => a.version - b.version);
}

/** The Secret that Helm would have stored for it, with the labels that it sets. */
export function secretOf(record: HelmRecordBody): object {
  const { name, namespace, version, info } = record;
  const packed = gzipSync(JSON.stringify(record)).toString('base64');
  const modifiedAt = String(Math.ceil(Date.parse(info.last_deployed) / 1_000));
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'helm.sh/release.v1',
    metadata: {
      name: `sh.helm.release.v1.${name}.v${version}`,
      namespace,
      labels: { owner: 'helm', name, status: info.status, version: String(version), modifiedAt },
    },
    data: { release: Buffer.from(packed).toString('base64') },
  };
}

/** Changes of one revision of an invented history. */
export interface Told {
  /** Milliseconds ago. */
  ago: number;
  status?: string;
  description?: string;
  appVersion?: string;
  /** Milliseconds ago; for `uninstalled`. */
  deletedAgo?: number;
}

/** A history as if it had happened so, made of one record that Helm wrote itself; Helm reads it back. */
export function toldHistory(
  made: HelmRecordBody,
  name: string,
  namespace: string,
  told: readonly Told[],
): HelmRecordBody[] {
  const instant = (ago: number): string => new Date(Date.now() - ago).toISOString().replace('Z', '123456Z');
  return told.map((one, i) => ({
    ...made,
    name,
    namespace,
    version: i + 1,
    info: {
      first_deployed: instant(told[0]?.ago ?? 0),
      last_deployed: instant(one.ago),
      ...(one.deletedAgo === undefined ? {} : { deleted: instant(one.deletedAgo) }),
      description: one.description ?? (i === 0 ? 'Install complete' : 'Upgrade complete'),
      status: one.status ?? (i === told.length - 1 ? 'deployed' : 'superseded'),
    },
    chart: {
      ...made.chart,
      metadata: { ...made.chart.metadata, appVersion: one.appVersion ?? `1.0.${i}`, version: `0.${i}.0` },
    },
  }));
}

/** Stores records as Secrets. */
export async function store({ lab }: Colleague, records: readonly HelmRecordBody[]): Promise<void> {
  const argv = [`--kubeconfig=${lab.kubeconfig}`, `--context=${lab.context}`, 'create', '-f', '-'];
  const stdin = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: records.map(secretOf) });
  await runToEnd(lab.programs.kubectl, argv, { deadlineMs: 60_000, stdin });
}

/** Starts helm and kills it as soon as the release's newest record has the status, as when a pipeline is cut off. */
export async function cutOff(
  at: Colleague,
  which: HelmName,
  ref: { namespace: string; release: string; status: string },
  ...argv: string[]
): Promise<void> {
  const { lab } = at;
  const child: ChildProcess = spawn(
    lab.programs[which],
    [`--kubeconfig=${lab.kubeconfig}`, `--kube-context=${lab.context}`, ...argv, '-n', ref.namespace],
    { stdio: 'ignore' },
  );
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const labels = `owner=helm,name=${ref.release},status=${ref.status}`;
  const seen = await until(
    () => at.kubectl('get', 'secrets', '-n', ref.namespace, '-l', labels, '-o', 'name'),
    (names) => names.trim() !== '' || child.exitCode !== null,
  );
  child.kill('SIGKILL');
  await gone;
  if (seen.trim() === '') throw new Error(`helm ${argv[0]} of ${ref.release} was never ${ref.status}`);
}
