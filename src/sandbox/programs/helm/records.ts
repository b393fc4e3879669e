import { decodeRecord, encodeRecord, HELM_SECRET_TYPE, helmSecretName } from '../../platform/releases.ts';
import type { KubeObject } from '../../platform/types.ts';
import { ApiError, type KubeClient } from '../kube.ts';

export interface ReleaseInfo {
  first_deployed: string;
  last_deployed: string;
  deleted: string;
  description: string;
  status: string;
  notes?: string;
}

/** Helm's record of one revision. */
export interface ReleaseRecord {
  name: string;
  info: ReleaseInfo;
  chart: { metadata: { name: string; version: string; appVersion?: string }; values?: Record<string, unknown> };
  config: Record<string, unknown>;
  manifest: string;
  hooks: { name: string; kind: string; path: string; manifest: string; events: string[] }[];
  version: number;
  namespace: string;
}

/** What ends a helm command: the text after `Error: `. */
export class HelmError extends Error {}

const secretsOf = (namespace: string): string => `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`;

function decoded(secrets: readonly KubeObject[]): ReleaseRecord[] {
  return secrets
    .map((secret) => decodeRecord((secret.data as Record<string, string> | undefined)?.release ?? ''))
    .filter((record) => record !== null)
    .map((record) => record as unknown as ReleaseRecord)
    .sort((a, b) => a.version - b.version);
}

/** The records that fit the labels, oldest first, in one namespace or (undefined) in all. */
export async function readRecords(
  client: KubeClient,
  namespace: string | undefined,
  name?: string,
): Promise<ReleaseRecord[]> {
  const selector = encodeURIComponent(['owner=helm', ...(name === undefined ? [] : [`name=${name}`])].join(','));
  const path = namespace === undefined ? '/api/v1/secrets' : secretsOf(namespace);
  try {
    return decoded(await client.list(`${path}?labelSelector=${selector}`));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === 0) throw new HelmError(`Kubernetes cluster unreachable: ${error.message}`);
    if (error.code === 401) {
      const why = 'the server has asked for the client to provide credentials';
      throw new HelmError(`Kubernetes cluster unreachable: ${why}`);
    }
    throw new HelmError(`query: failed to query with labels: ${error.message}`);
  }
}

/** @throws HelmError `release: not found` */
export async function readHistory(client: KubeClient, namespace: string, name: string): Promise<ReleaseRecord[]> {
  const records = await readRecords(client, namespace, name);
  if (records.length === 0) throw new HelmError('release: not found');
  return records;
}

function secretFor(record: ReleaseRecord, stamps: Record<string, string>): Record<string, unknown> {
  const labels = {
    ...stamps,
    name: record.name,
    owner: 'helm',
    status: record.info.status,
    version: String(record.version),
  };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: helmSecretName(record.name, record.version), namespace: record.namespace, labels },
    type: HELM_SECRET_TYPE,
    data: { release: encodeRecord(record as unknown as Record<string, unknown>) },
  };
}

const nowSeconds = (): string => String(Math.floor(Date.now() / 1000));

export async function createRecord(client: KubeClient, record: ReleaseRecord): Promise<void> {
  await client.send('POST', secretsOf(record.namespace), secretFor(record, { createdAt: nowSeconds() }));
}

export async function updateRecord(client: KubeClient, record: ReleaseRecord): Promise<void> {
  const path = `${secretsOf(record.namespace)}/${helmSecretName(record.name, record.version)}`;
  // In place of `createdAt`: Helm writes the labels whole.
  await client.send('PUT', path, secretFor(record, { modifiedAt: nowSeconds() }));
}

export async function deleteRecord(client: KubeClient, record: ReleaseRecord): Promise<void> {
  await client.send('DELETE', `${secretsOf(record.namespace)}/${helmSecretName(record.name, record.version)}`);
}
