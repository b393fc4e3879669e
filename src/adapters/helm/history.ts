import { type Instant, isInstant, toInstant } from '../../domain/instant.ts';
import type { Revision } from '../../domain/observe.ts';
import { notConfigured, unavailable } from '../../errors.ts';
import type { ReadOptions } from '../../ports/kubernetes.ts';
import type { GetSpec } from '../kubernetes/client.ts';
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

const selectorOf = (releases: readonly string[]): string =>
  releases.length === 0 ? 'owner=helm' : `owner=helm,name in (${[...new Set(releases)].join(',')})`;

/** One labelled list: all revisions of all the releases of a namespace (null: of all), in no order. */
export async function listRevisions(
  api: KubernetesApi,
  namespace: string | null,
  releases: readonly string[],
  options: ReadOptions,
): Promise<LabelledRevision[]> {
  let found: LabelledRevision[] = [];
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
        found.push(...list.data.items.flatMap((item) => fromLabels(item, releases)));
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
function fromLabels(item: unknown, releases: readonly string[]): LabelledRevision[] {
  const secret = secretMetaSchema.safeParse(item);
  const labels = releaseLabelsSchema.safeParse(secret.data?.metadata.labels);
  if (!secret.success || !labels.success) return [];
  const { metadata } = secret.data;
  const { name, status, version, createdAt, modifiedAt } = labels.data;
  if (releases.length > 0 && !releases.includes(name)) return [];
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
 * When the revision came. `modifiedAt` alone would not do: Helm writes it again, in place of `createdAt`, when the next revision
 * supersedes this one; the Secret is as old as its revision.
 */
function earliest(instants: readonly (string | null)[]): Instant | null {
  const known = instants.flatMap((text) => (text !== null && isInstant(text) ? [toInstant(new Date(text))] : []));
  return known.sort()[0] ?? null;
}

/** Throws `NOT_CONFIGURED` where Helm keeps its records in ConfigMaps: then an empty history would be a wrong answer. */
export async function refuseConfigMapDriver(
  api: KubernetesApi,
  namespaces: readonly (string | null)[],
  releases: readonly string[],
  options: ReadOptions,
): Promise<void> {
  await Promise.all(
    namespaces.map(async (namespace) => {
      const spec: GetSpec = {
        path: corePath(namespace, 'configmaps'),
        subject: { verb: 'list', resource: 'configmaps', namespace },
        query: { labelSelector: selectorOf(releases), limit: '1' },
        accept: METADATA_LIST,
      };
      // Not readable or not there: no sign of the other driver, and the question was another one.
      const page = await api.get(spec, options).catch(() => null);
      const items = metaListSchema.safeParse(page).data?.items ?? [];
      if (items.some((item) => secretMetaSchema.safeParse(item).data?.metadata.labels.owner === 'helm')) {
        throw notConfigured(
          `Helm keeps its records ${namespace === null ? 'in this cluster' : `in namespace ${namespace}`} in ConfigMaps (HELM_DRIVER=configmap), which is not supported.`,
          'use the releases with the default driver (secret), or look with `helm history`.',
        );
      }
    }),
  );
}
