import { parse } from 'yaml';
import { KubeError } from '../../platform/errors.ts';
import type { Platform } from '../../platform/platform.ts';
import { manifestObjects } from '../../platform/releases.ts';
import { resourceOf } from '../../platform/store.ts';
import type { KubeObject } from '../../platform/types.ts';
import type { Request } from '../http.ts';
import { patched } from './body.ts';
import { isMap, type Json, mergeKey, orderOf } from './patch.ts';

/**
 * Server-side apply. The real server knows of each field who manages it; here is remembered, of each object, what each manager
 * has declared last. So an apply sets what it says, removes what its manager had said before and says no more, and leaves
 * the rest, as the real one does. Simpler than there: an apply never conflicts with another manager's fields (as with
 * `force`), removes a field of its own also where another manager had set it too, does not validate fields against a schema,
 * and `metadata.managedFields` is not shown. What a manager wrote otherwise counts as declared by it: to that end Helm 4 turns
 * its own older writes into applied ones before it applies.
 */

export const APPLY = 'application/apply-patch+yaml';

/** What field managers have declared, by the object's uid and the manager's name. */
export type Declarations = Map<string, Map<string, unknown>>;

/** The name under which Helm of either generation writes. */
const HELM = 'helm';

/** What Helm has declared before the start: the manifests of the deployed revisions. */
export function seededDeclarations({ scenario, store }: Platform): Declarations {
  const declarations: Declarations = new Map();
  for (const release of scenario.releases()) {
    const deployed = release.revisions.find((revision) => revision.status === 'deployed');
    for (const object of deployed === undefined ? [] : manifestObjects(release, deployed)) {
      const { namespace = '', name } = object.metadata;
      const uid = store.get(resourceOf(object).plural, namespace, name)?.metadata.uid;
      if (uid !== undefined) declarations.set(uid, new Map([[HELM, declarable(object)]]));
    }
  }
  return declarations;
}

export const isApply = (request: Request): boolean =>
  request.method === 'PATCH' && (request.headers['content-type'] ?? '').split(';')[0]?.trim() === APPLY;

/** The configuration in the body of an apply. @throws KubeError 400, 422 without a field manager */
export function configOf(request: Request): KubeObject {
  if ((request.query.get('fieldManager') ?? '') === '') {
    const why = 'fieldManager: Required value: is required for apply patch';
    throw KubeError.invalid('PatchOptions.meta.k8s.io', '', why);
  }
  let config: unknown;
  try {
    config = parse(request.body.toString('utf8'));
  } catch {
    throw KubeError.badRequest('error decoding YAML');
  }
  if (!isMap(config) || !isMap(config.metadata)) throw KubeError.badRequest('the body is not an object with metadata');
  if (config.metadata.managedFields !== undefined) throw KubeError.badRequest('metadata.managedFields must be nil');
  for (const field of ['apiVersion', 'kind']) {
    if (typeof config[field] !== 'string') throw KubeError.badRequest(`${field} must be specified in apply patch`);
  }
  return config as KubeObject;
}

/** The object as it is after its manager has applied the configuration. */
export function applied(live: KubeObject, declared: unknown, config: KubeObject): KubeObject {
  const own = declarable(config) as Json;
  const { resourceVersion } = config.metadata;
  const result = combine(withdraw(live, declared, own), own) as KubeObject;
  return resourceVersion === undefined ? result : { ...result, metadata: { ...result.metadata, resourceVersion } };
}

/** Remembers what a write has declared. */
export function noteDeclared(declarations: Declarations, request: Request, object: KubeObject): void {
  const manager = request.query.get('fieldManager') ?? '';
  const { uid = '' } = object.metadata;
  if (manager === '') return;
  const of = declarations.get(uid) ?? new Map<string, unknown>();
  if (isApply(request)) of.set(manager, declarable(configOf(request)));
  else if (request.method !== 'PATCH') of.set(manager, declarable(object));
  else if (!(request.headers['content-type'] ?? '').startsWith('application/json-patch+json')) {
    of.set(manager, patched(of.get(manager) ?? {}, request));
  }
  declarations.set(uid, of);
}

/** The part of an object that a client declares: without its identity and what the server and the controllers write. */
function declarable(object: KubeObject): unknown {
  const { apiVersion: _version, kind: _kind, status: _status, metadata, ...rest } = object;
  const { labels, annotations, ownerReferences, finalizers } = metadata;
  const said = Object.entries({ labels, annotations, ownerReferences, finalizers });
  return { ...rest, metadata: Object.fromEntries(said.filter(([, value]) => value !== undefined)) };
}

/** Maps that are one value: who sets them sets them whole. */
const ATOMIC = new Set(['selector', 'nodeSelector', 'secretKeyRef', 'configMapKeyRef', 'fieldRef', 'resourceFieldRef']);

/** Takes out of the live value what was declared before and is no longer. */
function withdraw(live: unknown, before: unknown, now: unknown): unknown {
  if (!isMap(live) || !isMap(before)) return live;
  const result: Json = { ...live };
  const next = isMap(now) ? now : {};
  for (const [key, was] of Object.entries(before)) {
    const is = result[key];
    if (is === undefined) continue;
    const by = mergeKey(key, live);
    if (isMap(is) && isMap(was) && !ATOMIC.has(key)) {
      const left = withdraw(is, was, next[key]) as Json;
      if (Object.keys(left).length > 0 || key in next) result[key] = left;
      else delete result[key];
    } else if (by !== undefined && isMapList(is) && isMapList(was)) {
      result[key] = withdrawItems(is, was, isMapList(next[key]) ? next[key] : [], by);
      if ((result[key] as unknown[]).length === 0 && !(key in next)) delete result[key];
    } else if (!(key in next)) delete result[key];
  }
  return result;
}

function withdrawItems(live: Json[], before: Json[], now: Json[], by: string): unknown[] {
  const find = (list: Json[], item: Json): Json | undefined => list.find((other) => other[by] === item[by]);
  return live
    .filter((item) => find(before, item) === undefined || find(now, item) !== undefined)
    .map((item) => withdraw(item, find(before, item), find(now, item)));
}

/** Sets what the configuration says; lists that are merged by a key keep the items of others. */
function combine(live: unknown, config: unknown): unknown {
  if (!isMap(live) || !isMap(config)) return config;
  const result: Json = { ...live };
  for (const [key, value] of Object.entries(config)) {
    if (value === null) continue;
    const by = mergeKey(key, config);
    const is = live[key];
    if (ATOMIC.has(key)) result[key] = value;
    else if (by !== undefined && isMapList(value) && isMapList(is)) {
      const keys = orderOf(
        value.map((item) => item[by]),
        is.map((item) => item[by]),
      );
      result[key] = keys.map((name) => {
        const mine = value.find((item) => item[by] === name);
        const theirs = is.find((item) => item[by] === name);
        return mine === undefined ? theirs : combine(theirs, mine);
      });
    } else result[key] = combine(is, value);
  }
  return result;
}

function isMapList(value: unknown): value is Json[] {
  return Array.isArray(value) && value.every(isMap);
}
