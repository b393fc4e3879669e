import type { Strings } from '../../platform/types.ts';
import type { Aggregation } from './ast.ts';
import { keyOf } from './labels.ts';
import type { Sample } from './metrics.ts';

const REDUCE: Readonly<Record<string, (values: number[], parameter: number) => number>> = {
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  avg: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  max: (values) => Math.max(...values),
  min: (values) => Math.min(...values),
  count: (values) => values.length,
  quantile: (values, at) => quantile(at, values),
};

/** One sample a group, but for `topk` and `bottomk`, which leave samples as they are. `parameter` is NaN where none is taken. */
export function aggregate({ operator, grouping }: Aggregation, parameter: number, samples: Sample[]): Sample[] {
  const groups = new Map<string, { labels: Strings; samples: Sample[] }>();
  for (const sample of samples) {
    const labels = Object.fromEntries(
      Object.entries(sample.labels).filter(([label]) => {
        if (grouping === null) return false;
        return grouping.by ? grouping.labels.includes(label) : label !== '__name__' && !grouping.labels.includes(label);
      }),
    );
    const key = keyOf(labels);
    const group = groups.get(key) ?? { labels, samples: [] };
    group.samples.push(sample);
    groups.set(key, group);
  }
  const all = [...groups.values()];
  if (operator === 'topk' || operator === 'bottomk') {
    const sign = operator === 'topk' ? -1 : 1;
    const count = Math.max(0, Math.trunc(parameter) || 0);
    return all.flatMap((group) => group.samples.sort((a, b) => sign * (a.value - b.value)).slice(0, count));
  }
  return all.map((group) => ({
    labels: group.labels,
    value:
      REDUCE[operator]?.(
        group.samples.map(({ value }) => value),
        parameter,
      ) ?? Number.NaN,
  }));
}

/** Linear between the two nearest values, as Prometheus does. */
function quantile(at: number, values: number[]): number {
  if (Number.isNaN(at)) return Number.NaN;
  if (at < 0) return Number.NEGATIVE_INFINITY;
  if (at > 1) return Number.POSITIVE_INFINITY;
  const sorted = values.toSorted((a, b) => a - b);
  const rank = at * (sorted.length - 1);
  const below = sorted[Math.floor(rank)] ?? Number.NaN;
  const above = sorted[Math.ceil(rank)] ?? Number.NaN;
  return below + (above - below) * (rank - Math.floor(rank));
}
