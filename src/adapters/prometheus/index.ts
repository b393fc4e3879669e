import { oneLine } from '../../domain/text.ts';
import { unavailable } from '../../errors.ts';
import type { MetricsPort } from '../../ports/signals.ts';
import { createInstantQuery, type PrometheusServer, type Sample } from './query.ts';

export { createInstantQuery, fillQuery, type InstantQuery, type PrometheusServer, type Sample } from './query.ts';

export interface PrometheusSettings extends PrometheusServer {
  /** PromQL with `$environment`. The first two answer by the label `service`, the last two with one figure. */
  queries: { error_rate: string; latency_p95: string; queue_depth: string; queue_oldest: string };
}

/** A label's value as a name: one line, bounded; null where the label is missing or empty. */
export const nameFrom = (sample: Sample, label: string): string | null =>
  oneLine(sample.labels[label] ?? '', 200) || null;

/** Figures by label; of several series with the same name the worst (highest) counts. */
export function byLabel(samples: readonly Sample[], label: string): Map<string, number> {
  const figures = new Map<string, number>();
  for (const sample of samples) {
    const name = nameFrom(sample, label);
    if (name !== null) figures.set(name, Math.max(sample.value, figures.get(name) ?? Number.NEGATIVE_INFINITY));
  }
  return figures;
}

/** Figures by service. Series that all lack the label are a wrong query, and not a platform without services. */
function byService(samples: readonly Sample[], name: string): Record<string, number> {
  const figures = byLabel(samples, 'service');
  if (samples.length > 0 && figures.size === 0) {
    throw unavailable(
      `The query ${name} gives ${samples.length} figures without the label service.`,
      `check signals.prometheus.queries.${name}: it has to end in one figure by service.`,
    );
  }
  return Object.fromEntries(figures);
}

/** Metrics by service and of the analysis queue. One failed query fails the read: half of the figures would look like all of them. */
export function createPrometheus(settings: PrometheusSettings): MetricsPort {
  const query = createInstantQuery(settings);
  const { queries } = settings;
  return {
    async services(options) {
      const [errorRate, latency] = await Promise.all([
        query(queries.error_rate, options, options.at, 'error_rate'),
        query(queries.latency_p95, options, options.at, 'latency_p95'),
      ]);
      return {
        error_rate: byService(errorRate, 'error_rate'),
        latency_p95: byService(latency, 'latency_p95'),
      };
    },
    async queue(options) {
      const [depth, oldest] = await Promise.all([
        query(queries.queue_depth, options, undefined, 'queue_depth'),
        query(queries.queue_oldest, options, undefined, 'queue_oldest'),
      ]);
      return {
        depth: depth.length > 0 ? depth.reduce((sum, { value }) => sum + value, 0) : null,
        oldest_seconds: oldest.length > 0 ? oldest.reduce((max, { value }) => Math.max(max, value), 0) : null,
      };
    },
  };
}
