import { KubeError } from '../../platform/errors.ts';
import { apiVersionOf, qualified, qualifiedKind, type Resource } from '../../platform/resources.ts';
import type { ObjectStore } from '../../platform/store.ts';
import type { KubeObject, Workload } from '../../platform/types.ts';
import type { Request } from '../http.ts';
import { admit } from './admission.ts';
import { applied, configOf, type Declarations } from './apply.ts';
import { bodyOf, patched } from './body.ts';

/** What a write did: `before` and `after` are null where there was or is no object. */
export interface Written {
  before: KubeObject | null;
  after: KubeObject | null;
  dryRun: boolean;
}

const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

export function dryRunOf(request: Request, body?: unknown): boolean {
  const asked = request.query.getAll('dryRun');
  const inBody = (body as { dryRun?: unknown } | undefined)?.dryRun;
  if (Array.isArray(inBody)) asked.push(...inBody.map(String));
  if (asked.some((value) => value !== 'All')) throw KubeError.badRequest('dryRun: only "All" is supported');
  return asked.length > 0;
}

function objectIn(body: unknown, resource: Resource, namespace: string): KubeObject {
  const object = body as KubeObject;
  if (typeof object !== 'object' || object === null || typeof object.metadata !== 'object') {
    throw KubeError.badRequest('the body is not an object with metadata');
  }
  const expected = apiVersionOf(resource);
  if ((object.kind ?? resource.kind) !== resource.kind || (object.apiVersion ?? expected) !== expected) {
    const given = `${object.apiVersion}, Kind=${object.kind}`;
    throw KubeError.badRequest(`the object provided is unrecognized or of another kind (${given})`);
  }
  const at = object.metadata.namespace ?? namespace;
  if (resource.namespaced && at !== namespace) {
    throw KubeError.badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const metadata = { ...object.metadata, ...(resource.namespaced ? { namespace } : {}) };
  return { ...object, apiVersion: expected, kind: resource.kind, metadata };
}

function validate(object: KubeObject, resource: Resource): void {
  const { name } = object.metadata;
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw KubeError.invalid(
      qualifiedKind(resource),
      String(name ?? ''),
      'metadata.name: must be an RFC 1123 subdomain',
    );
  }
  const replicas = (object as Workload).spec?.replicas;
  if (replicas !== undefined && (!Number.isInteger(replicas) || replicas < 0)) {
    throw KubeError.invalid(
      qualifiedKind(resource),
      name,
      `spec.replicas: Invalid value: ${replicas}: must be greater than or equal to 0`,
    );
  }
  const { selector, template } = ((object as Workload).spec ?? {}) as Partial<Workload['spec']>;
  if (template === undefined || selector?.matchLabels === undefined || resource.group !== 'apps') return;
  for (const [key, value] of Object.entries(selector.matchLabels)) {
    if (template.metadata?.labels?.[key] !== value) {
      throw KubeError.invalid(
        qualifiedKind(resource),
        name,
        'spec.template.metadata.labels: `selector` does not match template',
      );
    }
  }
}

export function createObject(store: ObjectStore, resource: Resource, namespace: string, request: Request): Written {
  return create(store, resource, namespace, bodyOf(request), request);
}

function create(store: ObjectStore, resource: Resource, namespace: string, body: unknown, request: Request): Written {
  const object = admit(store, objectIn(body, resource, namespace), null);
  validate(object, resource);
  if (object.metadata.resourceVersion) {
    throw KubeError.badRequest('resourceVersion should not be set on objects to be created');
  }
  if (resource.namespaced && store.get('namespaces', '', namespace) === undefined) {
    throw KubeError.notFound('namespaces', namespace);
  }
  const dryRun = dryRunOf(request);
  if (!dryRun) return { before: null, after: store.create(resource, object), dryRun };
  if (store.get(resource.plural, object.metadata.namespace ?? '', object.metadata.name) !== undefined) {
    throw KubeError.alreadyExists(qualified(resource), object.metadata.name);
  }
  return { before: null, after: object, dryRun };
}

function save(store: ObjectStore, resource: Resource, before: KubeObject, next: KubeObject, request: Request): Written {
  const { name, namespace } = before.metadata;
  if (next.metadata.name !== name || (next.metadata.namespace ?? namespace) !== namespace) {
    throw KubeError.badRequest('the name of the object does not match the name on the URL');
  }
  if (next.metadata.uid !== undefined && next.metadata.uid !== before.metadata.uid) {
    const why = `metadata.uid: Invalid value: "${next.metadata.uid}": field is immutable`;
    throw KubeError.invalid(qualifiedKind(resource), name, why);
  }
  const metadata = { ...next.metadata, ...(namespace === undefined ? {} : { namespace }) };
  // The status is the controllers' to write.
  const given: KubeObject = { ...next, apiVersion: before.apiVersion, kind: before.kind, metadata };
  const after = admit(store, given, before);
  if (before.status === undefined) delete after.status;
  else after.status = before.status;
  validate(after, resource);
  const dryRun = dryRunOf(request);
  const stale = metadata.resourceVersion !== undefined && metadata.resourceVersion !== before.metadata.resourceVersion;
  if (dryRun && stale) throw KubeError.conflict(qualified(resource), name);
  return { before, after: dryRun ? after : store.update(resource, after), dryRun };
}

/** What is replaced whole, and a scale, must be of the object that is there, if it says of which. @throws KubeError 409 */
function requireUid(resource: Resource, { metadata }: KubeObject, given: string | undefined): void {
  const { name, uid = '' } = metadata;
  if (given !== undefined && given !== uid) throw KubeError.otherUid(qualified(resource), name, given, uid);
}

export function replaceObject(store: ObjectStore, resource: Resource, before: KubeObject, request: Request): Written {
  const next = objectIn(bodyOf(request), resource, before.metadata.namespace ?? '');
  requireUid(resource, before, next.metadata.uid);
  return save(store, resource, before, next, request);
}

export function patchObject(store: ObjectStore, resource: Resource, before: KubeObject, request: Request): Written {
  const next = patched(before, request) as KubeObject;
  return save(store, resource, before, next, request);
}

/** Server-side apply: makes the object where there is none. @throws KubeError 400 for another name, kind or namespace than the URL's */
export function applyObject(
  store: ObjectStore,
  resource: Resource,
  at: { namespace: string; name: string },
  before: KubeObject | undefined,
  request: Request,
  declarations: Declarations,
): Written {
  const config = objectIn(configOf(request), resource, at.namespace);
  if (config.metadata.name !== at.name) {
    throw KubeError.badRequest('the name of the object does not match the name on the URL');
  }
  if (before === undefined) return create(store, resource, at.namespace, config, request);
  const manager = request.query.get('fieldManager') ?? '';
  const declared = declarations.get(before.metadata.uid ?? '')?.get(manager);
  return save(store, resource, before, applied(before, declared, config), request);
}

interface DeleteOptions {
  kind?: string;
  preconditions?: { uid?: string; resourceVersion?: string };
}

/** @throws KubeError 409 where the object is not the one of the preconditions */
export function deleteObject(store: ObjectStore, resource: Resource, before: KubeObject, request: Request): Written {
  const body = request.body.length === 0 ? undefined : (bodyOf(request) as DeleteOptions);
  if ((body?.kind ?? 'DeleteOptions') !== 'DeleteOptions') throw KubeError.badRequest('the body is not DeleteOptions');
  const dryRun = dryRunOf(request, body);
  const { namespace = '', name, uid, resourceVersion } = before.metadata;
  const wanted = body?.preconditions ?? {};
  if ((wanted.uid ?? uid) !== uid || (wanted.resourceVersion ?? resourceVersion) !== resourceVersion) {
    throw KubeError.conflict(qualified(resource), name);
  }
  if (!dryRun) store.remove(resource, namespace, name);
  return { before, after: null, dryRun };
}

export function scaleOf(object: KubeObject): Record<string, unknown> {
  const { spec, status } = object as Workload;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = Object.entries(spec.selector.matchLabels).map((pair) => pair.join('='));
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: spec.replicas ?? 1 },
    status: { replicas: status?.replicas ?? 0, selector: selector.join(',') },
  };
}

/** Sets the replicas through the scale subresource. */
export function writeScale(store: ObjectStore, resource: Resource, before: KubeObject, request: Request): Written {
  const scale = (request.method === 'PUT' ? bodyOf(request) : patched(scaleOf(before), request)) as {
    spec?: { replicas?: number };
    metadata?: { resourceVersion?: string; uid?: string };
  };
  requireUid(resource, before, scale.metadata?.uid);
  const replicas = scale.spec?.replicas ?? 0;
  if (replicas < 0) {
    const why = `spec.replicas: Invalid value: ${replicas}: must be greater than or equal to 0`;
    throw KubeError.invalid('Scale.autoscaling', before.metadata.name, why);
  }
  const version = scale.metadata?.resourceVersion;
  const next: KubeObject = {
    ...before,
    metadata: { ...before.metadata, ...(version === undefined ? {} : { resourceVersion: version }) },
    spec: { ...(before as Workload).spec, replicas },
  };
  return save(store, resource, before, next, request);
}
