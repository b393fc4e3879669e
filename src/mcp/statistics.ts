import { metricsOf, summarizeMetrics } from '../domain/metrics.ts';
import type { ReadContext } from './context.ts';
import { wholeTimeline } from './timeline-pages.ts';

/** Metrics over all incidents; drills and false alarms are left out by the rule itself. */
export async function statistics(context: Pick<ReadContext, 'record'>) {
  const incidents = await context.record.incidents();
  const measured = [];
  for (const incident of incidents) {
    measured.push({ incident, metrics: metricsOf(incident, await wholeTimeline(context.record, incident.id)) });
  }
  return { incidents: incidents.length, metrics: summarizeMetrics(measured) };
}
