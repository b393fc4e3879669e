import type { Strings } from '../../platform/types.ts';
import { aggregate } from './aggregate.ts';
import {
  type Aggregation,
  type Binary,
  type Call,
  type Expression,
  type Matcher,
  QueryError,
  type Selector,
} from './ast.ts';
import { keyOf, unnamed } from './labels.ts';
import type { Sample } from './metrics.ts';

/** Where the evaluator gets its series: `at` is a simulated second. */
export interface Source {
  names: readonly string[];
  samples(metric: string, at: number): Sample[];
}

export type Value =
  | { type: 'scalar'; value: number }
  | { type: 'string'; value: string }
  | { type: 'vector'; samples: Sample[] };

/**
 * A window of 5 minutes is 3 simulated seconds long here, so that a recovery shows in rates within seconds and not after
 * five minutes. Rates stay per second of traffic, and an increase is what the whole window would have brought.
 */
export const WINDOW_COMPRESSION = 100;

/** Evaluates at a simulated second. @throws QueryError */
export function evaluate(expression: Expression, source: Source, at: number): Value {
  switch (expression.kind) {
    case 'number':
      return { type: 'scalar', value: expression.value };
    case 'string':
      return { type: 'string', value: expression.value };
    case 'selector':
      if (expression.range !== null) throw new QueryError('invalid expression type "range vector" for this query');
      return { type: 'vector', samples: select(expression, source, at - expression.offset) };
    case 'negation': {
      const value = evaluate(expression.expression, source, at);
      if (value.type === 'scalar') return { type: 'scalar', value: -value.value };
      return { type: 'vector', samples: vector(value).map((s) => ({ labels: unnamed(s.labels), value: -s.value })) };
    }
    case 'aggregation':
      return { type: 'vector', samples: aggregation(expression, source, at) };
    case 'call':
      return call(expression, source, at);
    case 'binary':
      return binary(expression, evaluate(expression.left, source, at), evaluate(expression.right, source, at));
  }
}

function aggregation(expression: Aggregation, source: Source, at: number): Sample[] {
  const { parameter } = expression;
  const number = parameter === null ? Number.NaN : scalar(evaluate(parameter, source, at));
  return aggregate(expression, number, vector(evaluate(expression.expression, source, at)));
}

function vector(value: Value): Sample[] {
  if (value.type !== 'vector') throw new QueryError(`expected type instant vector, got ${value.type}`);
  return value.samples;
}

function scalar(value: Value): number {
  if (value.type !== 'scalar') throw new QueryError(`expected type scalar, got ${value.type}`);
  return value.value;
}

function matcherTest({ label, operator, value }: Matcher): (labels: Strings) => boolean {
  if (operator === '=' || operator === '!=') {
    return (labels) => ((labels[label] ?? '') === value) === (operator === '=');
  }
  const pattern = new RegExp(`^(?:${value})$`);
  return (labels) => pattern.test(labels[label] ?? '') === (operator === '=~');
}

/** The samples of a selector's series at a simulated second, whatever its range and offset. */
export function select(selector: Selector, source: Source, at: number): Sample[] {
  const tests = selector.matchers.map(matcherTest);
  const name = selector.matchers.find((matcher) => matcher.label === '__name__' && matcher.operator === '=');
  const metrics = name === undefined ? source.names : [name.value];
  const samples = metrics.flatMap((metric) => source.samples(metric, at));
  return samples.filter((sample) => tests.every((test) => test(sample.labels)));
}

function call({ name, arguments: list }: Call, source: Source, at: number): Value {
  const [first, second] = list;
  if (name === 'time' || first === undefined) return { type: 'scalar', value: Date.now() / 1000 };
  switch (name) {
    case 'rate':
    case 'irate':
    case 'increase':
      return { type: 'vector', samples: rate(first, source, at, name === 'increase') };
    case 'avg_over_time':
    case 'max_over_time':
    case 'min_over_time':
      return { type: 'vector', samples: overTime(first, source, at, name.slice(0, 3)) };
    case 'histogram_quantile': {
      const quantile = scalar(evaluate(first, source, at));
      return {
        type: 'vector',
        samples: histogramQuantile(quantile, vector(evaluate(second as Expression, source, at))),
      };
    }
    case 'scalar': {
      const samples = vector(evaluate(first, source, at));
      return { type: 'scalar', value: samples.length === 1 ? (samples[0]?.value ?? Number.NaN) : Number.NaN };
    }
    case 'absent':
      return { type: 'vector', samples: absent(first, vector(evaluate(first, source, at))) };
    case 'vector':
      return { type: 'vector', samples: [{ labels: {}, value: scalar(evaluate(first, source, at)) }] };
    default: {
      const samples = vector(evaluate(first, source, at));
      return { type: 'vector', samples: samples.map((s) => ({ labels: unnamed(s.labels), value: Math.abs(s.value) })) };
    }
  }
}

/** Where there is nothing: one sample, with the labels that the selector says it would have had. */
function absent(expression: Expression, samples: Sample[]): Sample[] {
  if (samples.length > 0) return [];
  const matchers = expression.kind === 'selector' ? expression.matchers : [];
  const named = matchers.filter(({ label, operator }) => label !== '__name__' && operator === '=');
  return [{ labels: Object.fromEntries(named.map(({ label, value }) => [label, value])), value: 1 }];
}

function rangeSelector(expression: Expression): Selector & { range: number } {
  if (expression.kind !== 'selector' || expression.range === null) {
    throw new QueryError('expected type range vector in call to function, got instant vector');
  }
  return { ...expression, range: expression.range };
}

function rate(expression: Expression, source: Source, at: number, whole: boolean): Sample[] {
  const selector = rangeSelector(expression);
  const end = at - selector.offset;
  const seconds = selector.range / WINDOW_COMPRESSION;
  const before = new Map(select(selector, source, end - seconds).map((sample) => [keyOf(sample.labels), sample.value]));
  return select(selector, source, end).flatMap((sample) => {
    const earlier = before.get(keyOf(sample.labels));
    if (earlier === undefined) return [];
    const perSecond = Math.max(0, sample.value - earlier) / seconds;
    return [{ labels: unnamed(sample.labels), value: whole ? perSecond * selector.range : perSecond }];
  });
}

function overTime(expression: Expression, source: Source, at: number, how: string): Sample[] {
  const selector = rangeSelector(expression);
  const end = at - selector.offset;
  const series = new Map<string, { labels: Strings; values: number[] }>();
  const steps = 12;
  for (let i = 0; i <= steps; i++) {
    const second = end - ((selector.range / WINDOW_COMPRESSION) * i) / steps;
    for (const sample of select(selector, source, second)) {
      const key = keyOf(sample.labels);
      const entry = series.get(key) ?? { labels: unnamed(sample.labels), values: [] };
      entry.values.push(sample.value);
      series.set(key, entry);
    }
  }
  return [...series.values()].map(({ labels, values }) => {
    if (how === 'max') return { labels, value: Math.max(...values) };
    if (how === 'min') return { labels, value: Math.min(...values) };
    return { labels, value: values.reduce((sum, value) => sum + value, 0) / values.length };
  });
}

function histogramQuantile(quantile: number, samples: Sample[]): Sample[] {
  const groups = new Map<string, { labels: Strings; buckets: { limit: number; count: number }[] }>();
  for (const sample of samples) {
    const { le, ...labels } = unnamed(sample.labels);
    if (le === undefined) continue;
    const key = keyOf(labels);
    const group = groups.get(key) ?? { labels, buckets: [] };
    group.buckets.push({ limit: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), count: sample.value });
    groups.set(key, group);
  }
  return [...groups.values()].map(({ labels, buckets }) => ({ labels, value: bucketQuantile(quantile, buckets) }));
}

/** Linear within the bucket, as Prometheus does; the last finite bound where the quantile lies above it. */
function bucketQuantile(quantile: number, buckets: { limit: number; count: number }[]): number {
  buckets.sort((a, b) => a.limit - b.limit);
  const last = buckets.at(-1);
  if (last?.limit !== Number.POSITIVE_INFINITY || buckets.length < 2 || last.count === 0) return Number.NaN;
  if (Number.isNaN(quantile)) return Number.NaN;
  if (quantile < 0) return Number.NEGATIVE_INFINITY;
  if (quantile > 1) return Number.POSITIVE_INFINITY;
  const rank = quantile * last.count;
  const at = buckets.findIndex((bucket) => bucket.count >= rank);
  const bucket = buckets[at];
  if (bucket === undefined || bucket === last) return buckets.at(-2)?.limit ?? Number.NaN;
  const below = at === 0 ? { limit: 0, count: 0 } : (buckets[at - 1] as { limit: number; count: number });
  return below.limit + ((bucket.limit - below.limit) * (rank - below.count)) / (bucket.count - below.count);
}

const COMPARE: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
};
const CALCULATE: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};

function binary({ operator, bool }: Binary, left: Value, right: Value): Value {
  const compare = COMPARE[operator];
  const calculate = CALCULATE[operator];
  if (left.type === 'scalar' && right.type === 'scalar') {
    const value = compare ? Number(compare(left.value, right.value)) : calculate?.(left.value, right.value);
    if (value === undefined) throw new QueryError(`set operator "${operator}" not allowed in binary scalar expression`);
    return { type: 'scalar', value };
  }
  const pairs: { sample: Sample; a: number; b: number }[] = [];
  if (left.type === 'scalar') {
    for (const sample of vector(right)) pairs.push({ sample, a: left.value, b: sample.value });
  } else if (right.type === 'scalar') {
    for (const sample of vector(left)) pairs.push({ sample, a: sample.value, b: right.value });
  } else {
    const others = new Map(vector(right).map((sample) => [keyOf(unnamed(sample.labels)), sample]));
    if (calculate === undefined && compare === undefined)
      return setOperation(operator, vector(left), vector(right), others);
    for (const sample of vector(left)) {
      const other = others.get(keyOf(unnamed(sample.labels)));
      if (other !== undefined) pairs.push({ sample, a: sample.value, b: other.value });
    }
  }
  const samples = pairs.flatMap(({ sample, a, b }): Sample[] => {
    const labels = unnamed(sample.labels);
    if (compare === undefined) {
      if (calculate === undefined) throw new QueryError(`set operator "${operator}" not allowed with a scalar`);
      return [{ labels, value: calculate(a, b) }];
    }
    if (bool) return [{ labels, value: Number(compare(a, b)) }];
    return compare(a, b) ? [sample] : [];
  });
  return { type: 'vector', samples };
}

function setOperation(operator: string, left: Sample[], right: Sample[], others: Map<string, Sample>): Value {
  const key = (sample: Sample): string => keyOf(unnamed(sample.labels));
  if (operator === 'and') return { type: 'vector', samples: left.filter((sample) => others.has(key(sample))) };
  if (operator === 'unless') return { type: 'vector', samples: left.filter((sample) => !others.has(key(sample))) };
  const present = new Set(left.map(key));
  return { type: 'vector', samples: [...left, ...right.filter((sample) => !present.has(key(sample)))] };
}
