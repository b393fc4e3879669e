import { formatDuration, parseDuration, toInstant } from '../domain/instant.ts';
import { METRIC_NAMES, metricsOf, summarizeMetrics } from '../domain/metrics.ts';
import { SEVERITIES } from '../domain/severity.ts';
import { wholeTimeline } from '../mcp/timeline-pages.ts';
import { configure, type Env, systemClock } from './compose.ts';
import { existingRecord } from './existing-record.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { print } from './output.ts';

const GROUPS = ['all', ...SEVERITIES] as const;
const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/**
 * n, median and 90th percentile of each metric, over all incidents and by the severity at its peak. Drills and false alarms are left out; there is
 * no mean, because one long incident makes it say nothing.
 */
export async function stats(
  flags: { config?: string; data_dir?: string; since?: string; json?: boolean },
  env: Env,
): Promise<ExitCode> {
  const config = configure(flags, env);
  const from = flags.since === undefined ? null : systemClock.now().getTime() - parseDuration(flags.since, '--since');
  const store = await existingRecord(config);
  const all = (await store?.incidents()) ?? [];
  const chosen = all.filter(({ declared_at }) => from === null || Date.parse(declared_at) >= from);
  const measured = [];
  for (const incident of chosen) {
    const events = store === null ? [] : await wholeTimeline(store, incident.id);
    measured.push({ incident, metrics: metricsOf(incident, events) });
  }
  const summary = summarizeMetrics(measured);
  const real = chosen.filter(({ drill, status }) => !drill && status !== 'false_alarm');
  const left_out = {
    drills: chosen.filter(({ drill }) => drill).length,
    false_alarms: chosen.filter(({ drill, status }) => !drill && status === 'false_alarm').length,
  };
  const incidents = Object.fromEntries(
    GROUPS.map((group) => [
      group,
      real.filter(({ severity_peak }) => group === 'all' || severity_peak === group).length,
    ]),
  );
  if (flags.json) {
    const since = from === null ? null : toInstant(new Date(from));
    print(JSON.stringify({ since, incidents, left_out, metrics: summary }, null, 2));
    return EXIT.ok;
  }
  const when = flags.since === undefined ? '' : ` declared in the last ${flags.since}`;
  print(
    `${count(real.length, 'incident')}${when}; left out: ${count(left_out.drills, 'drill')}, ${count(left_out.false_alarms, 'false alarm')}.`,
  );
  for (const group of GROUPS) {
    if (!incidents[group]) continue;
    print();
    print(
      `${(group === 'all' ? 'all' : `${group} at its peak`).padEnd(22)}${'n'.padStart(4)}${'median'.padStart(10)}${'p90'.padStart(10)}`,
    );
    for (const metric of METRIC_NAMES) {
      const { n, median_ms, p90_ms } = summary[group][metric];
      print(
        `  ${metric.replaceAll('_', ' ').padEnd(20)}${String(n).padStart(4)}${shown(median_ms).padStart(10)}${shown(p90_ms).padStart(10)}`,
      );
    }
  }
  if (real.length > 0) {
    print();
    print('n counts the incidents for which the metric is known; with a small n a percentile is one incident.');
  }
  return EXIT.ok;
}

const shown = (ms: number | null): string => (ms === null ? '-' : formatDuration(ms));
