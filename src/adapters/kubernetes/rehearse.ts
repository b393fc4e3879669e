import { z } from 'zod';
import { diffObjects, type ManifestObject } from '../../domain/manifest-diff.ts';
import { patchBetween, type Tree } from '../../domain/rollback-patch.ts';
import { AppError, conflict } from '../../errors.ts';
import type { Rehearsal, RehearsalStep } from '../../ports/kubernetes.ts';
import type { GetSpec, KubeClient } from './client.ts';
import type { Limit } from './limit.ts';
import { checkName, checkNamespace } from './names.ts';
import { read } from './schema.ts';
import type { Subject } from './status.ts';

/** Steps that are tried at once. */
const PARALLEL = 8;
const HELM = 'helm';

const resourceListSchema = z.object({
  resources: z.array(z.object({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
});
const liveSchema = z.looseObject({
  metadata: z.looseObject({
    managedFields: z.array(z.object({ manager: z.string().nullish(), operation: z.string().nullish() })).nullish(),
  }),
});
type Live = z.output<typeof liveSchema>;

interface Place {
  /** Without the name. */
  path: string;
  resource: string;
  namespace: string | null;
}

/**
 * Lets the API server try every step with `dryRun=All`: validation, admission, quota and the rights of the credentials are those of the real
 * change, and nothing is kept. Helm's own dry run of a rollback asks the server nothing of this.
 */
export async function rehearse(
  client: KubeClient,
  { release, namespace }: { release: string; namespace: string },
  steps: readonly RehearsalStep[],
  limit: Limit,
): Promise<Rehearsal> {
  checkNamespace(namespace);
  const groups = new Map<string, Promise<z.output<typeof resourceListSchema> | null>>();
  const found: Rehearsal = { refusals: [], drift: [], untried: [] };
  const placeOf = async (object: ManifestObject): Promise<Place> => {
    const version = String(object.tree.apiVersion ?? 'v1');
    const base = version.includes('/') ? `/apis/${version}` : `/api/${version}`;
    const known = groups.get(version) ?? discover(client, base, version, limit);
    groups.set(version, known);
    const resource = (await known)?.resources.find((r) => r.kind === object.kind && !r.name.includes('/'));
    if (!resource) {
      throw conflict(`the cluster knows no kind ${object.kind} of ${version} (any more).`, 'choose another revision.');
    }
    const at = resource.namespaced ? checkNamespace(object.namespace ?? namespace) : null;
    const group = version.includes('/') ? `.${version.split('/')[0]}` : '';
    return {
      path: `${base}${at === null ? '' : `/namespaces/${at}`}/${resource.name}`,
      resource: `${resource.name}${group}`,
      namespace: at,
    };
  };
  const attempt = async (step: RehearsalStep): Promise<void> => {
    const object = step.after ?? step.before;
    if (object === null) return;
    try {
      const place = await placeOf(object);
      if (step.after === null) return;
      const after = marked(step.after, place.namespace, { release, namespace });
      if (step.hook) await create(client, place, after, limit, true);
      else found.drift.push(...(await change(client, place, step.before, after, limit)));
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'TIMEOUT') throw error;
      const name = `${object.kind}/${object.name}`;
      if (/dry.?run/i.test(error.message)) found.untried.push(name);
      else found.refusals.push({ object: name, error });
    }
  };
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < steps.length) await attempt(steps[next++] as RehearsalStep);
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, steps.length) }, worker));
  return found;
}

/** null: the cluster does not serve this version. */
async function discover(client: KubeClient, path: string, version: string, limit: Limit) {
  if (!/^([a-z0-9.-]{1,253}\/)?[a-z0-9]{1,63}$/.test(version)) return null;
  const subject: Subject = { verb: 'get', resource: 'api resources', namespace: null };
  try {
    return read(resourceListSchema, await client.get({ path, subject }, limit), 'a list of API resources');
  } catch (error) {
    if (error instanceof AppError && error.code === 'NOT_FOUND') return null;
    throw error;
  }
}

const spec = (place: Place, verb: Subject['verb'], object: ManifestObject, named: boolean): GetSpec => ({
  path: named ? `${place.path}/${encodeURIComponent(checkName(object.name))}` : place.path,
  subject: { verb, resource: place.resource, namespace: place.namespace, name: object.name },
});
const trial = { dryRun: 'All', fieldManager: HELM };

/** What would change in the cluster, in the words of a plan. */
async function change(
  client: KubeClient,
  place: Place,
  before: ManifestObject | null,
  after: ManifestObject,
  limit: Limit,
) {
  const live = await client.get(spec(place, 'get', after, true), limit).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'NOT_FOUND') return null;
    throw error;
  });
  if (live === null) {
    await create(client, place, after, limit, false);
    return [];
  }
  const present = read(liveSchema, live, `a ${after.kind}`);
  const result = read(liveSchema, await write(client, place, present, before, after, limit), `a ${after.kind}`);
  return diffObjects(told(after, present), told(after, result));
}

/** As Helm would write it: server-side apply where Helm 4 owns the object so, else a three-way patch of what changed. */
async function write(
  client: KubeClient,
  place: Place,
  live: Live,
  before: ManifestObject | null,
  after: ManifestObject,
  limit: Limit,
): Promise<unknown> {
  const target = spec(place, 'patch', after, true);
  const applied = (live.metadata.managedFields ?? []).some((m) => m.manager === HELM && m.operation === 'Apply');
  if (applied) {
    return client.patch({ ...target, query: trial, type: 'application/apply-patch+yaml', body: after.tree }, limit);
  }
  const patch = (type: string, strategic: boolean): Promise<unknown> =>
    client.patch(
      { ...target, query: trial, type, body: patchBetween(before?.tree ?? null, after.tree, strategic) },
      limit,
    );
  return patch('application/strategic-merge-patch+json', true).catch((error: unknown) => {
    // Custom resources know no strategic merge (415); Helm too sends them a merge patch.
    if (error instanceof AppError && error.message.includes(' answered 415 '))
      return patch('application/merge-patch+json', false);
    throw error;
  });
}

/** As Helm sends it: with its own marks and a namespace. Source: helm.sh/helm, pkg/action/validate.go. */
function marked(
  object: ManifestObject,
  at: string | null,
  { release, namespace }: { release: string; namespace: string },
): ManifestObject {
  const metadata = (object.tree.metadata ?? {}) as Tree;
  return {
    ...object,
    tree: {
      ...object.tree,
      metadata: {
        ...metadata,
        ...(at === null ? {} : { namespace: at }),
        labels: { ...(metadata.labels as Tree | undefined), 'app.kubernetes.io/managed-by': 'Helm' },
        annotations: {
          ...(metadata.annotations as Tree | undefined),
          'meta.helm.sh/release-name': release,
          'meta.helm.sh/release-namespace': namespace,
        },
      },
    },
  };
}

/** Helm deletes a hook of that name first, so that one which exists is no obstacle. */
async function create(client: KubeClient, place: Place, object: ManifestObject, limit: Limit, hook: boolean) {
  try {
    await client.create({ ...spec(place, 'create', object, false), query: trial, body: object.tree }, limit);
  } catch (error) {
    if (!(hook && error instanceof AppError && / already exists/.test(error.message))) throw error;
  }
}

/** What people set: no status, no bookkeeping of the server. */
function told(object: ManifestObject, { metadata, status: _status, ...rest }: Live): ManifestObject {
  const { labels, annotations } = metadata as { labels?: unknown; annotations?: unknown };
  const { 'kubectl.kubernetes.io/last-applied-configuration': _copy, ...marks } = (annotations ?? {}) as Tree;
  return { ...object, tree: { ...rest, metadata: { labels, annotations: marks } } };
}
