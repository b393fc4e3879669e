import { KubeError } from '../../platform/errors.ts';

export type Json = Record<string, unknown>;

export const isMap = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const result: Json = isMap(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** The keys by which Kubernetes merges its lists, by the name of the list's field. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  conditions: 'type',
  ownerReferences: 'uid',
  imagePullSecrets: 'name',
};

/** The key by which the list in this field of `parent` is merged; undefined where it is replaced. */
export const mergeKey = (field: string, parent: Json): string | undefined => {
  if (field === 'ports') return 'targetPort' in parent || 'clusterIP' in parent ? 'port' : 'containerPort';
  return MERGE_KEYS[field];
};

const ORDER = '$setElementOrder/';

/** The strategic merge of Kubernetes, as far as workloads need it: maps merge, keyed lists merge, others are replaced. */
export function strategicPatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  if (patch.$patch === 'delete') return undefined;
  const { $patch, ...changes } = patch;
  const result: Json = isMap(target) && $patch !== 'replace' ? { ...target } : {};
  const { $retainKeys: retained } = changes;
  if (Array.isArray(retained)) for (const key of Object.keys(result)) if (!retained.includes(key)) delete result[key];
  for (const [key, value] of Object.entries(changes)) {
    if (key.startsWith(ORDER) || key === '$retainKeys') continue;
    if (key.startsWith('$deleteFromPrimitiveList/')) {
      const field = key.slice('$deleteFromPrimitiveList/'.length);
      const list = result[field];
      if (Array.isArray(list) && Array.isArray(value)) result[field] = list.filter((item) => !value.includes(item));
      continue;
    }
    if (value === null) {
      delete result[key];
      continue;
    }
    const by = mergeKey(key, result);
    if (Array.isArray(value) && by !== undefined && value.every(isMap)) {
      result[key] = mergeList(Array.isArray(result[key]) ? (result[key] as unknown[]) : [], value, by);
    } else result[key] = strategicPatch(result[key], value);
  }
  for (const [key, order] of Object.entries(changes)) {
    if (!key.startsWith(ORDER) || !Array.isArray(order)) continue;
    const field = key.slice(ORDER.length);
    const live = isMap(target) && Array.isArray(target[field]) ? target[field] : [];
    if (Array.isArray(result[field])) result[field] = inOrder(result[field], order, live, mergeKey(field, result));
  }
  return result;
}

/** A merged list in the order that the patch asks for; items that it does not name keep their places among the others. */
function inOrder(merged: unknown[], order: unknown[], live: unknown[], by: string | undefined): unknown[] {
  const keyOf = (item: unknown): unknown => (by !== undefined && isMap(item) ? item[by] : item);
  const present = new Map(merged.map((item) => [keyOf(item), item]));
  const wanted = order.map(keyOf).filter((key) => present.has(key));
  const before = live.map(keyOf).filter((key) => present.has(key));
  return orderOf(wanted, [...before, ...present.keys()]).map((key) => present.get(key));
}

/**
 * Two orders as one: the wanted keys in theirs, and each other key of the live order before the first wanted one that it does
 * not come after. The rule is that of Kubernetes' own strategic merge.
 */
export function orderOf(wanted: readonly unknown[], live: readonly unknown[]): unknown[] {
  const places = new Map([...live].reverse().map((key, i) => [key, live.length - 1 - i]));
  const rest = [...new Set(live)].filter((key) => !wanted.includes(key));
  const result: unknown[] = [];
  for (const key of wanted) {
    const place = places.get(key);
    while (rest.length > 0 && (place === undefined || place > (places.get(rest[0]) ?? 0))) result.push(rest.shift());
    result.push(key);
  }
  return [...result, ...rest];
}

function mergeList(target: unknown[], patch: Json[], by: string): unknown[] {
  const result = [...target];
  for (const item of patch) {
    const at = result.findIndex((candidate) => isMap(candidate) && candidate[by] === item[by]);
    const merged = strategicPatch(at < 0 ? undefined : result[at], item);
    if (at < 0) {
      if (merged !== undefined) result.push(merged);
    } else if (merged === undefined) result.splice(at, 1);
    else result[at] = merged;
  }
  return result;
}

/** RFC 6902. @throws KubeError 422 where an operation cannot be applied */
export function jsonPatch(target: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw KubeError.badRequest('a JSON patch is an array of operations');
  let result = structuredClone(target);
  for (const operation of operations as Json[]) result = applyOperation(result, operation);
  return result;
}

/** The real server does not say why, whatever it is. */
const cannot = (): KubeError =>
  new KubeError(422, 'Invalid', 'the server rejected our request due to an error in our request');

function applyOperation(document: unknown, operation: Json): unknown {
  const path = pointer(operation.path);
  switch (operation.op) {
    case 'add':
      return put(document, path, operation.value, true);
    case 'replace':
      read(document, path);
      return put(document, path, operation.value, false);
    case 'remove':
      return take(document, path);
    case 'test':
      if (JSON.stringify(read(document, path)) !== JSON.stringify(operation.value)) throw cannot();
      return document;
    case 'copy':
      return put(document, path, structuredClone(read(document, pointer(operation.from))), true);
    case 'move': {
      const value = read(document, pointer(operation.from));
      return put(take(document, pointer(operation.from)), path, value, true);
    }
    default:
      throw cannot();
  }
}

function pointer(path: unknown): string[] {
  if (typeof path !== 'string' || (path !== '' && !path.startsWith('/'))) throw cannot();
  return path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(document: unknown, path: string[]): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !(key in value)) throw cannot();
    value = (value as Json)[key];
  }
  return value;
}

function put(document: unknown, path: string[], value: unknown, insert: boolean): unknown {
  const key = path.at(-1);
  if (key === undefined) return value;
  const parent = read(document, path.slice(0, -1));
  if (Array.isArray(parent)) {
    const index = key === '-' ? parent.length : Number(key);
    if (!Number.isInteger(index) || index < 0 || index > parent.length) throw cannot();
    parent.splice(index, insert ? 0 : 1, value);
  } else if (isMap(parent)) parent[key] = value;
  else throw cannot();
  return document;
}

function take(document: unknown, path: string[]): unknown {
  const key = path.at(-1) ?? '';
  read(document, path);
  const parent = read(document, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete (parent as Json)[key];
  return document;
}
