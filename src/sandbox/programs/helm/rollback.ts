import { parseAllDocuments } from 'yaml';
import { resourceByKind } from '../../platform/resources.ts';
import { same } from '../../platform/store.ts';
import type { KubeObject, Workload } from '../../platform/types.ts';
import { ApiError, type KubeClient } from '../kube.ts';
import { threeWay } from './merge.ts';
import { createRecord, deleteRecord, HelmError, type ReleaseRecord, readHistory, updateRecord } from './records.ts';

export interface RollbackOptions {
  /** 0 is the revision before the current one. */
  revision: number;
  wait: boolean;
  /** Milliseconds that a wait may take. */
  timeoutMs: number;
  dryRun: boolean;
  /** Revisions kept; 0 is no limit. */
  historyMax: number;
}

const POLL_MS = 60;
const PENDING = new Set(['pending-install', 'pending-upgrade', 'pending-rollback']);

/** Rolls back as Helm 3 does, with its records, refusals and messages. @throws HelmError */
export async function rollback(
  client: KubeClient,
  namespace: string,
  name: string,
  options: RollbackOptions,
): Promise<void> {
  const history = await readHistory(client, namespace, name);
  const current = history.at(-1) as ReleaseRecord;
  if (PENDING.has(current.info.status)) {
    throw new HelmError('another operation (install/upgrade/rollback) is in progress');
  }
  const wanted = options.revision === 0 ? current.version - 1 : options.revision;
  const previous = history.find((record) => record.version === wanted);
  if (previous === undefined) throw new HelmError(`release has no ${wanted} version`);
  const target: ReleaseRecord = {
    ...previous,
    info: {
      ...current.info,
      last_deployed: new Date().toISOString(),
      status: 'pending-rollback',
      description: `Rollback to ${wanted}`,
      notes: previous.info.notes ?? '',
    },
    version: current.version + 1,
  };
  if (options.dryRun) return;
  await prune(client, history, options.historyMax);
  await createRecord(client, target);
  const objects = parseManifest(target.manifest);
  try {
    await apply(client, parseManifest(current.manifest), objects, target);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    await updateRecord(client, withStatus(current, 'superseded'));
    await updateRecord(client, withStatus(target, 'failed', `Rollback "${name}" failed: ${why}`));
    throw new HelmError(why);
  }
  if (options.wait && !(await becomesReady(client, objects, target.namespace, options.timeoutMs))) {
    const why = 'context deadline exceeded';
    await updateRecord(client, withStatus(target, 'failed', `Release "${name}" failed: ${why}`));
    throw new HelmError(`release ${name} failed: ${why}`);
  }
  for (const record of history) {
    if (record.info.status === 'deployed') await updateRecord(client, withStatus(record, 'superseded'));
  }
  await updateRecord(client, withStatus(target, 'deployed'));
}

function withStatus(record: ReleaseRecord, status: string, description?: string): ReleaseRecord {
  return { ...record, info: { ...record.info, status, ...(description === undefined ? {} : { description }) } };
}

/** Makes room for one more revision, oldest first; a deployed one stays. */
async function prune(client: KubeClient, history: readonly ReleaseRecord[], max: number): Promise<void> {
  if (max <= 0) return;
  const spare = history.filter((record) => record.info.status !== 'deployed');
  for (const record of spare.slice(0, Math.max(0, history.length - (max - 1)))) await deleteRecord(client, record);
}

export function parseManifest(manifest: string): KubeObject[] {
  return parseAllDocuments(manifest)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
}

function pathOf(object: KubeObject, namespace: string, named: boolean): string {
  const resource = resourceByKind(object.apiVersion, object.kind);
  if (resource === undefined)
    throw new HelmError(`unable to build kubernetes objects: no matches for kind "${object.kind}"`);
  const root = resource.group === '' ? '/api/v1' : `/apis/${resource.group}/${resource.version}`;
  const within = resource.namespaced ? `/namespaces/${object.metadata.namespace ?? namespace}` : '';
  return `${root}${within}/${resource.plural}${named ? `/${object.metadata.name}` : ''}`;
}

async function apply(
  client: KubeClient,
  current: KubeObject[],
  target: KubeObject[],
  release: ReleaseRecord,
): Promise<void> {
  const { namespace } = release;
  const key = (object: KubeObject): string => pathOf(object, namespace, true);
  const before = new Map(current.map((object) => [key(object), object]));
  for (const object of target) {
    const live = await client.find(key(object));
    if (live === null) {
      const annotations = {
        ...object.metadata.annotations,
        'meta.helm.sh/release-name': release.name,
        'meta.helm.sh/release-namespace': namespace,
      };
      const owned = { ...object, metadata: { ...object.metadata, annotations } };
      await client.send('POST', pathOf(object, namespace, false), owned);
      continue;
    }
    const merged = threeWay(before.get(key(object)), object, live);
    if (!same(merged, live)) await client.send('PUT', key(object), merged);
  }
  const kept = new Set(target.map(key));
  for (const path of before.keys()) {
    if (kept.has(path)) continue;
    try {
      await client.send('DELETE', path);
    } catch (error) {
      // Gone already is as good as deleted.
      if (!(error instanceof ApiError) || error.code !== 404) throw error;
    }
  }
}

async function becomesReady(
  client: KubeClient,
  objects: KubeObject[],
  namespace: string,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  const workloads = objects.filter((object) => (object as Workload).spec?.template !== undefined);
  while (Date.now() < deadline) {
    const live = await Promise.all(workloads.map((object) => client.find(pathOf(object, namespace, true))));
    if (live.every((object) => object !== null && isRolledOut(object as Workload))) return true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return false;
}

/** Whether all pods of a workload are of its newest template, and ready. */
export function isRolledOut(workload: Workload): boolean {
  const status = workload.status ?? {};
  const count = (field: string): number => Number(status[field] ?? 0);
  if ((status.observedGeneration ?? 0) < (workload.metadata.generation ?? 0)) return false;
  if (workload.kind === 'DaemonSet') {
    const wanted = count('desiredNumberScheduled');
    return count('updatedNumberScheduled') === wanted && count('numberReady') === wanted;
  }
  const wanted = workload.spec.replicas ?? 1;
  return count('updatedReplicas') === wanted && count('replicas') === wanted && count('readyReplicas') === wanted;
}
