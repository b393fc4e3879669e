import { type Instant, isInstant, toInstant } from '../../domain/instant.ts';
import type { Revision } from '../../domain/observe.ts';
import { AppError, unavailable } from '../../errors.ts';
import type { ReadOptions } from '../../ports/kubernetes.ts';
import type { PagesSpec } from '../kubernetes/client.ts';
import type { KubernetesApi } from '../kubernetes/index.ts';
import { metaListSchema, releaseLabelsSchema, secretMetaSchema } from './schema.ts';

/** Metadata alone: the payloads, up to 1 MiB each, stay in the cluster. */
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json';

/** A revision by its labels, with the name of the Secret that holds the rest. */
export interface LabelledRevision {
  revision: Revision;
  secret: string;
}

const corePath = (namespace: string | null, plural: string): string =>
  `/api/v1${namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`}/${plural}`;

/** Characters of a selector; proxies before an API server refuse URLs of more than 8 KB. */
const MAX_SELECTOR = 2_000;

/** Names of releases are valid values of labels. Too many of them are looked for among all the releases of the namespace. */
function selectorOf(releases: readonly string[]): string {
  const named = `owner=helm,name in (${[...new Set(releases)].join(',')})`;
  return releases.length === 0 || named.length > MAX_SELECTOR ? 'owner=helm' : named;
}

/** One labelled list: all revisions of all the releases of a namespace (null: of all), in no order. */
export async function listRevisions(
  api: KubernetesApi,
  namespace: string | null,
  releases: readonly string[],
  options: ReadOptions,
): Promise<LabelledRevision[]> {
  let found: LabelledRevision[] = [];
  const wanted = new Set(releases);
  await api.pages(
    {
      path: corePath(namespace, 'secrets'),
      subject: { verb: 'list', resource: 'secrets', namespace },
      query: { labelSelector: selectorOf(releases) },
      accept: METADATA_LIST,
      onPage: (page) => {
        const list = metaListSchema.safeParse(page);
        if (!list.success)
          throw unavailable(
            'the API server sent something that is not a list of Secrets.',
            'check the server of the kubeconfig.',
          );
        for (const item of list.data.items) found.push(...fromLabels(item, wanted));
      },
      onRestart: () => {
        found = [];
      },
    },
    options,
  );
  return found;
}

/** A Secret that is not labelled as Helm does is not Helm's: left out. */
function fromLabels(item: unknown, wanted: ReadonlySet<string>): LabelledRevision[] {
  const secret = secretMetaSchema.safeParse(item);
  const labels = releaseLabelsSchema.safeParse(secret.data?.metadata.labels);
  if (!secret.success || !labels.success) return [];
  const { metadata } = secret.data;
  const { name, status, version, createdAt, modifiedAt } = labels.data;
  if (wanted.size > 0 && !wanted.has(name)) return [];
  const revision: Revision = {
    release: name,
    namespace: metadata.namespace,
    revision: Number(version),
    status,
    chart: null,
    app_version: null,
    deployed_at: earliest([epoch(createdAt), epoch(modifiedAt), metadata.creationTimestamp ?? null]),
    description: null,
  };
  return [{ revision, secret: metadata.name }];
}

const epoch = (seconds: string | undefined): string | null =>
  seconds !== undefined && /^\d{1,11}$/.test(seconds) ? new Date(Number(seconds) * 1000).toISOString() : null;

/**
 * When the revision came, to the second. `modifiedAt` alone would not do: Helm writes it in place of `createdAt` when it updates the record,
 * and later updates may leave an old one; the Secret is as old as its revision, unless it was restored from a backup.
 */
function earliest(instants: readonly (string | null)[]): Instant | null {
  const known = instants.flatMap((text) => (text !== null && isInstant(text) ? [toInstant(new Date(text))] : []));
  return known.sort()[0] ?? null;
}

/**
 * Those of the releases that Helm keeps in ConfigMaps (HELM_DRIVER=configmap) in that namespace; none named: any. null where the ConfigMaps
 * could not be read: no sign of the other driver, and the question was another one.
 */
export async function keptInConfigMaps(
  api: KubernetesApi,
  namespace: string | null,
  releases: readonly string[],
  options: ReadOptions,
): Promise<Set<string> | null> {
  const found = new Set<string>();
  const onPage = (page: unknown): void => {
    for (const item of metaListSchema.safeParse(page).data?.items ?? []) {
      const labels = secretMetaSchema.safeParse(item).data?.metadata.labels;
      if (labels?.owner === 'helm' && labels.name !== undefined) found.add(labels.name);
    }
  };
  const spec: PagesSpec = {
    path: corePath(namespace, 'configmaps'),
    subject: { verb: 'list', resource: 'configmaps', namespace },
    query: { labelSelector: selectorOf(releases) },
    accept: METADATA_LIST,
    onPage,
    onRestart: () => found.clear(),
  };
  try {
    await api.pages(spec, options);
  } catch (error) {
    if (error instanceof AppError && error.code === 'FORBIDDEN') options.forbidden?.(error);
    return null;
  }
  return releases.length === 0 ? found : new Set(releases.filter((release) => found.has(release)));
}
