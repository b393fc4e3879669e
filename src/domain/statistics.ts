import type { Incident } from './incident.ts';
import { type IncidentMetrics, METRIC_NAMES, type MetricName } from './metrics.ts';
import { SEVERITIES, type Severity } from './severity.ts';

export interface MetricSummary {
  metric: MetricName;
  severity: Severity | 'all';
  /** Incidents for which the metric is known. */
  n: number;
  /** Of how many incidents of that severity. */
  of: number;
  median_ms: number | null;
  p90_ms: number | null;
  /** What the figures cannot carry; null where nothing is to be said. */
  note: string | null;
}

export interface Summary {
  rows: MetricSummary[];
  left_out: { drills: number; false_alarms: number };
}

/** Nearest-rank quantile of ascending values: always a value that occurred. */
const quantile = (sorted: readonly number[], q: number): number | null =>
  sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null;

function median(sorted: readonly number[]): number | null {
  const middle = sorted.length / 2;
  const above = sorted[Math.floor(middle)];
  const below = sorted[Math.ceil(middle) - 1];
  return above === undefined || below === undefined ? null : (above + below) / 2;
}

/**
 * n, median and 90th percentile of each metric, for all incidents and for each severity at its peak. Drills and false alarms are left
 * out; there is no mean, because a single long incident makes it say nothing. Source: the rules of practice.
 */
export function summarize(incidents: readonly { incident: Incident; metrics: IncidentMetrics }[]): Summary {
  const drills = incidents.filter(({ incident }) => incident.drill);
  const alarms = incidents.filter(({ incident }) => !incident.drill && incident.status === 'false_alarm');
  const real = incidents.filter(({ incident }) => !incident.drill && incident.status !== 'false_alarm');
  const rows = (['all', ...SEVERITIES] as const).flatMap((severity) => {
    const group = real.filter(({ incident }) => severity === 'all' || incident.severity_peak === severity);
    return METRIC_NAMES.map((metric): MetricSummary => {
      const values = group.flatMap(({ metrics }) => metrics[metric].ms ?? []).sort((a, b) => a - b);
      const n = values.length;
      return {
        metric,
        severity,
        n,
        of: group.length,
        median_ms: median(values),
        p90_ms: quantile(values, 0.9),
        note:
          n === 0 ? 'no incident with a known value' : n === 1 ? 'a single incident: its value, not a statistic' : null,
      };
    });
  });
  return { rows, left_out: { drills: drills.length, false_alarms: alarms.length } };
}
