/** A Kubernetes object as plain data. */
export type Tree = Record<string, unknown>;

/**
 * The patch that leads an object from one manifest to another: all of `after`, and `null` or `$patch: delete` for what only `before` has. For
 * a rehearsal in the API server only; Helm computes what really runs. `strategic` merges lists by their keys as the API server does for its own
 * kinds, without it lists are replaced as a whole, as for custom resources.
 * Source: Kubernetes, "Update API Objects in Place Using kubectl patch"; the merge keys are those of the published API types.
 */
export function patchBetween(before: Tree | null, after: Tree, strategic: boolean): Tree {
  return mergeMaps(before ?? {}, after, strategic);
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

function mergeMaps(before: Tree, after: Tree, strategic: boolean): Tree {
  const patch: Tree = {};
  for (const [name, value] of Object.entries(after)) {
    const old = before[name];
    if (isTree(value)) patch[name] = mergeMaps(isTree(old) ? old : {}, value, strategic);
    else if (Array.isArray(value) && strategic) patch[name] = mergeLists(name, Array.isArray(old) ? old : [], value);
    else patch[name] = value;
  }
  for (const name of Object.keys(before)) if (!(name in after)) patch[name] = null;
  return patch;
}

/** The field by which the API server merges a list of this name, in the order of preference; other lists it replaces. */
const MERGE_KEYS: Readonly<Record<string, readonly string[]>> = {
  containers: ['name'],
  initContainers: ['name'],
  env: ['name'],
  volumes: ['name'],
  volumeMounts: ['mountPath'],
  volumeDevices: ['devicePath'],
  imagePullSecrets: ['name'],
  hostAliases: ['ip'],
  ports: ['containerPort', 'port'],
  topologySpreadConstraints: ['topologyKey'],
};

function mergeLists(name: string, before: readonly unknown[], after: readonly unknown[]): unknown[] {
  const key = MERGE_KEYS[name]?.find((field) => [...before, ...after].every((item) => isTree(item) && field in item));
  if (key === undefined) return [...after];
  const [olds, news] = [before as readonly Tree[], after as readonly Tree[]];
  return [
    ...news.map((item) => mergeMaps(olds.find((old) => old[key] === item[key]) ?? {}, item, true)),
    ...olds
      .filter((old) => !news.some((item) => item[key] === old[key]))
      .map((old) => ({ $patch: 'delete', [key]: old[key] })),
  ];
}
