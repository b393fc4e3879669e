import { KubeError } from '../../platform/errors.ts';
import { apiVersionOf, type Resource } from '../../platform/resources.ts';
import type { ObjectStore } from '../../platform/store.ts';
import type { KubeObject } from '../../platform/types.ts';
import { json, type Reply } from '../http.ts';
import { fieldMatcher, labelMatcher, type Matcher } from './selectors.ts';
import { type IncludeObject, partial, tableOf } from './table.ts';

/** The form of the answer that the client's `Accept` asks for. */
export type Form = 'object' | 'table' | 'partial';

/** @throws KubeError 406 where nothing is asked for that is JSON, as by a client that reads only protobuf */
export function formOf(accept: string | undefined): Form {
  if (accept && !/(^|,)\s*(application\/(json|\*)|\*\/\*)\s*(;|,|$)/.test(accept)) {
    throw new KubeError(406, 'NotAcceptable', 'only the following media types are accepted: application/json');
  }
  // The first acceptable form counts, as the server's own negotiation has it.
  for (const part of (accept ?? '').split(',')) {
    if (/;\s*as=Table\b/.test(part) && /v=v1\b/.test(part)) return 'table';
    if (/;\s*as=PartialObjectMetadata(List)?\b/.test(part) && /v=v1\b/.test(part)) return 'partial';
    if (/^\s*(application\/json|\*\/\*)\s*(;|$)/.test(part) && !part.includes('as=')) return 'object';
  }
  return 'object';
}

export function matcherOf(query: URLSearchParams, kind: string): Matcher {
  const labels = labelMatcher(query.get('labelSelector') ?? '');
  const fields = fieldMatcher(query.get('fieldSelector') ?? '', kind);
  return (object) => labels(object) && fields(object);
}

const includeOf = (query: URLSearchParams): IncludeObject => {
  const asked = query.get('includeObject');
  return asked === 'None' || asked === 'Object' ? asked : 'Metadata';
};

/** Texts of objects in lists. Objects never change, so each is written once. */
export type TextCache = WeakMap<KubeObject, string>;

function itemText(object: KubeObject, cache: TextCache): string {
  let known = cache.get(object);
  if (known === undefined) {
    known = JSON.stringify({ ...object, kind: undefined, apiVersion: undefined });
    cache.set(object, known);
  }
  return known;
}

/** The place in a list after which the next page goes on. */
function decodeToken(token: string): { after: string; version: string } {
  try {
    const [version, after] = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as unknown[];
    if (typeof version === 'string' && typeof after === 'string') return { version, after };
  } catch {
    // Falls through: whatever is wrong with it, it is not one of ours.
  }
  throw KubeError.badRequest('continue key is not valid');
}

const keyOf = (object: KubeObject): string => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

export function listReply(
  store: ObjectStore,
  resource: Resource,
  namespace: string | undefined,
  query: URLSearchParams,
  form: Form,
  now: number,
  cache: TextCache,
): Reply {
  const matches = matcherOf(query, resource.kind);
  const limit = Number(query.get('limit') ?? 0);
  if (!Number.isInteger(limit) || limit < 0) throw KubeError.badRequest('limit must be a non-negative integer');
  const token = query.get('continue');
  let all = store.list(resource.plural, namespace).filter(matches);
  let version = String(store.version());
  if (token !== null && token !== '') {
    const place = decodeToken(token);
    version = place.version;
    all = all.filter((object) => keyOf(object) > place.after);
  }
  const page = limit > 0 ? all.slice(0, limit) : all;
  const last = page.at(-1);
  const meta: Record<string, unknown> = { resourceVersion: version };
  if (last !== undefined && page.length < all.length) {
    meta.continue = Buffer.from(JSON.stringify([version, keyOf(last)])).toString('base64url');
    // With a selector the real server has not looked at the rest, and does not count it.
    if (!query.get('labelSelector') && !query.get('fieldSelector')) meta.remainingItemCount = all.length - page.length;
  }
  if (form === 'table') return json(200, tableOf(resource.kind, page, meta, now, includeOf(query)));
  if (form === 'partial') {
    const items = page.map(partial);
    return json(200, { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata: meta, items });
  }
  const head = JSON.stringify({ kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata: meta });
  const items = page.map((object) => itemText(object, cache)).join(',');
  return { status: 200, type: 'application/json', body: `${head.slice(0, -1)},"items":[${items}]}` };
}

export function objectReply(object: KubeObject, query: URLSearchParams, form: Form, now: number, status = 200): Reply {
  if (form === 'table') {
    const meta = { resourceVersion: object.metadata.resourceVersion };
    return json(status, tableOf(object.kind, [object], meta, now, includeOf(query)));
  }
  return json(status, form === 'partial' ? partial(object) : object);
}
