import { stamp } from '../clock.ts';
import type { Random } from '../random.ts';
import { KubeError } from './errors.ts';
import { qualified, RESOURCES, type Resource, resourceByKind } from './resources.ts';
import type { KubeObject, OwnerReference } from './types.ts';

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface Change {
  type: ChangeType;
  resource: Resource;
  object: KubeObject;
  before: KubeObject | null;
  version: number;
}

/** The objects of the cluster. Objects are never changed in place; every change has a new resource version. */
export interface ObjectStore {
  get(plural: string, namespace: string, name: string): KubeObject | undefined;
  /** Objects in the API server's order: by namespace, then by name. */
  list(plural: string, namespace?: string): KubeObject[];
  /** @throws KubeError AlreadyExists */
  create(resource: Resource, object: KubeObject, createdAtMs?: number): KubeObject;
  /** Replaces the object. @throws KubeError NotFound, Conflict (the given resourceVersion is not the current one) */
  update(resource: Resource, object: KubeObject): KubeObject;
  /** Removes the object and, as the garbage collector does, all that it owns. @throws KubeError NotFound */
  remove(resource: Resource, namespace: string, name: string): KubeObject;
  /** The objects of one kind owned by the object with this uid. */
  owned(plural: string, uid: string): KubeObject[];
  /** The newest resource version. */
  version(): number;
  /** Changes after a resource version, or null if they are no longer known. */
  since(version: number): Change[] | null;
  /** Listens to changes. Returns the end of listening. */
  listen(listener: (change: Change) => void): () => void;
}

const HISTORY = 4_000;
const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`;

export function createStore(now: () => number, random: Random): ObjectStore {
  const objects = new Map<string, Map<string, KubeObject>>(RESOURCES.map((r) => [r.plural, new Map()]));
  const sorted = new Map<string, KubeObject[]>();
  const owners = new Map<string, Set<string>>();
  const listeners = new Set<(change: Change) => void>();
  const changes: Change[] = [];
  let version = 1_000;

  const mapOf = (plural: string): Map<string, KubeObject> => {
    const map = objects.get(plural);
    if (map === undefined) throw new RangeError(`no such kind: ${plural}`);
    return map;
  };
  const index = (object: KubeObject, resource: Resource, present: boolean): void => {
    for (const owner of object.metadata.ownerReferences ?? []) {
      const id = `${resource.plural}|${owner.uid}`;
      const keys = owners.get(id) ?? new Set<string>();
      const key = keyOf(object.metadata.namespace ?? '', object.metadata.name);
      if (present) keys.add(key);
      else keys.delete(key);
      owners.set(id, keys);
    }
  };
  const publish = (type: ChangeType, resource: Resource, object: KubeObject, before: KubeObject | null): void => {
    sorted.delete(resource.plural);
    const change: Change = { type, resource, object, before, version };
    changes.push(change);
    if (changes.length > HISTORY * 2) changes.splice(0, changes.length - HISTORY);
    for (const listener of [...listeners]) listener(change);
  };
  const owned = (plural: string, uid: string): KubeObject[] => {
    const map = mapOf(plural);
    const found: KubeObject[] = [];
    for (const key of owners.get(`${plural}|${uid}`) ?? []) {
      const object = map.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  };
  const remove = (resource: Resource, namespace: string, name: string): KubeObject => {
    const map = mapOf(resource.plural);
    const before = map.get(keyOf(namespace, name));
    if (before === undefined) throw KubeError.notFound(qualified(resource), name);
    map.delete(keyOf(namespace, name));
    index(before, resource, false);
    version++;
    const last = { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } };
    publish('DELETED', resource, last, before);
    const uid = before.metadata.uid ?? '';
    for (const kind of RESOURCES) {
      for (const child of owned(kind.plural, uid)) {
        const at = child.metadata.namespace ?? '';
        if (mapOf(kind.plural).has(keyOf(at, child.metadata.name))) remove(kind, at, child.metadata.name);
      }
    }
    return last;
  };

  return {
    get: (plural, namespace, name) => mapOf(plural).get(keyOf(namespace, name)),
    list(plural, namespace) {
      let all = sorted.get(plural);
      if (all === undefined) {
        all = [...mapOf(plural).entries()].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, object]) => object);
        sorted.set(plural, all);
      }
      return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
    },
    create(resource, object, createdAtMs) {
      const map = mapOf(resource.plural);
      const { name, namespace = '' } = object.metadata;
      if (map.has(keyOf(namespace, name))) throw KubeError.alreadyExists(qualified(resource), name);
      version++;
      const created: KubeObject = {
        ...object,
        metadata: {
          ...object.metadata,
          uid: random.uuid(),
          resourceVersion: String(version),
          ...(object.spec === undefined ? {} : { generation: object.metadata.generation ?? 1 }),
          creationTimestamp: stamp(createdAtMs ?? now()),
        },
      };
      map.set(keyOf(namespace, name), created);
      index(created, resource, true);
      publish('ADDED', resource, created, null);
      return created;
    },
    update(resource, object) {
      const map = mapOf(resource.plural);
      const { name, namespace = '', resourceVersion } = object.metadata;
      const before = map.get(keyOf(namespace, name));
      if (before === undefined) throw KubeError.notFound(qualified(resource), name);
      const { generation, uid, creationTimestamp } = before.metadata;
      if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
        throw KubeError.conflict(qualified(resource), name);
      }
      const metadata = { ...object.metadata };
      if (uid !== undefined) metadata.uid = uid;
      if (creationTimestamp !== undefined) metadata.creationTimestamp = creationTimestamp;
      if (before.metadata.resourceVersion !== undefined) metadata.resourceVersion = before.metadata.resourceVersion;
      if (generation !== undefined) {
        metadata.generation = same(before.spec, object.spec) ? generation : generation + 1;
      }
      const candidate: KubeObject = { ...object, metadata };
      if (same(before, candidate)) return before;
      version++;
      candidate.metadata.resourceVersion = String(version);
      map.set(keyOf(namespace, name), candidate);
      index(before, resource, false);
      index(candidate, resource, true);
      publish('MODIFIED', resource, candidate, before);
      return candidate;
    },
    remove,
    owned,
    version: () => version,
    since(from) {
      const first = changes[0];
      if (first !== undefined && from < first.version - 1) return null;
      return changes.filter((change) => change.version > from);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Deep equality of JSON values, whatever the order of the keys. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, index) => same(item, b[index]))
    );
  }
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  for (const key of keys) if (!same(left[key], right[key])) return false;
  return true;
}

/** The owner reference a controller writes into what it makes. */
export function ownerOf(object: KubeObject): OwnerReference {
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    name: object.metadata.name,
    uid: object.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The resource of an object. @throws KubeError when the API does not serve its kind */
export function resourceOf(object: { apiVersion: string; kind: string }): Resource {
  const resource = resourceByKind(object.apiVersion, object.kind);
  if (resource === undefined) throw KubeError.badRequest(`no kind "${object.kind}" in "${object.apiVersion}"`);
  return resource;
}
