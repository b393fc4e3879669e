type Json = Record<string, unknown>;

const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Helm's three-way merge: what the target manifest says is so, what only the current manifest said goes, and what neither
 * says (an annotation of kubectl, a field of a controller) stays as it is in the cluster.
 */
export function threeWay(current: unknown, target: unknown, live: unknown): unknown {
  if (isMap(target) && isMap(live)) {
    const before = isMap(current) ? current : {};
    const result: Json = {};
    for (const [key, value] of Object.entries(live)) if (key in target || !(key in before)) result[key] = value;
    for (const [key, value] of Object.entries(target)) result[key] = threeWay(before[key], value, live[key]);
    return result;
  }
  if (isNamedList(target) && isNamedList(live)) {
    const before = isNamedList(current) ? current : [];
    const kept = live.filter(
      (item) => !before.some((other) => other.name === item.name) && !target.some((other) => other.name === item.name),
    );
    const merged = target.map((item) =>
      threeWay(
        before.find((other) => other.name === item.name),
        item,
        live.find((other) => other.name === item.name),
      ),
    );
    return [...merged, ...kept];
  }
  return target;
}

function isNamedList(value: unknown): value is (Json & { name: string })[] {
  return Array.isArray(value) && value.every((item) => isMap(item) && typeof item.name === 'string');
}
