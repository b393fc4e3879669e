import type { Incident } from './incident.ts';
import { formatDuration, type Instant } from './instant.ts';
import type { TimelineEvent } from './timeline.ts';

export const METRIC_NAMES = [
  'time_to_detect',
  'time_to_declare',
  'time_to_acknowledge',
  'time_to_mitigate',
  'time_to_resolve',
] as const;
export type MetricName = (typeof METRIC_NAMES)[number];

export interface Metric {
  /** Milliseconds; null where an end is unknown or the order is impossible, never 0 for that. */
  ms: number | null;
  from: Instant | null;
  to: Instant | null;
  /** Which two instants it is measured between, and from where they are known. */
  basis: string;
  /** Why `ms` is null; null where it is not. */
  reason: string | null;
  /** What is wrong with the record; null where nothing is. */
  warning: string | null;
}

export interface Impact {
  /** Sum of the intervals in milliseconds; null while one is open or its ends are unknown. */
  impact_ms: number | null;
  intervals: { from: Instant; to: Instant | null }[];
  basis: string;
  reason: string | null;
}

export interface IncidentMetrics extends Record<MetricName, Metric> {
  impact_ms: number | null;
  impact: Impact;
}

interface End {
  at: Instant | null;
  basis: string;
  /** Why `at` is null. */
  missing: string;
}

const ms = (instant: Instant): number => Date.parse(instant);

function span(from: End, to: End): Metric {
  const basis = `${from.basis} -> ${to.basis}`;
  const metric: Metric = { ms: null, from: from.at, to: to.at, basis, reason: null, warning: null };
  if (from.at === null || to.at === null) return { ...metric, reason: from.at === null ? from.missing : to.missing };
  const length = ms(to.at) - ms(from.at);
  if (length >= 0) return { ...metric, ms: length };
  const warning = `impossible order: ${to.basis} (${to.at}) is ${formatDuration(length)} before ${from.basis} (${from.at})`;
  return { ...metric, reason: 'the instants are in an impossible order', warning };
}

/**
 * The five times of an incident and the length of its impact. Source: the rules of practice, "Instants and metrics".
 *
 * @param events the incident's timeline in any order; detections, pages and human acts are looked up in it
 */
export function metricsOf(incident: Incident, events: readonly TimelineEvent[]): IncidentMetrics {
  const replaced = new Set(events.flatMap((event) => (event.supersedes ? [event.supersedes] : [])));
  const valid = events.filter((event) => !replaced.has(event.id));
  const detected = detectionOf(incident, valid);
  const start: End = incident.impact_started_at
    ? { at: incident.impact_started_at, basis: 'start of impact', missing: '' }
    : { ...detected, basis: `${detected.basis} (start of impact unknown)` };
  const impact = impactOf(incident, start);
  return {
    time_to_detect: timeToDetect(incident, detected),
    time_to_declare: span(detected, declaredOf(incident)),
    time_to_acknowledge: timeToAcknowledge(incident, valid),
    time_to_mitigate: span(start, mitigationOf(incident)),
    time_to_resolve: resolved(incident, start),
    impact_ms: impact.impact_ms,
    impact,
  };
}

const declaredOf = (incident: Incident): End => ({ at: incident.declared_at, basis: 'declared', missing: '' });

/** The first alert or report: the incident's own instant, or an earlier detection event of the timeline. */
function detectionOf(incident: Incident, events: readonly TimelineEvent[]): End {
  let first: End = { at: incident.detected_at, basis: 'detected', missing: '' };
  for (const event of events) {
    if (event.kind !== 'detection' || ms(event.occurred_at) >= ms(first.at ?? event.recorded_at)) continue;
    first = { at: event.occurred_at, basis: `detected (${event.id})`, missing: '' };
  }
  return first;
}

function timeToDetect(incident: Incident, detected: End): Metric {
  const started: End = {
    at: incident.impact_started_at,
    basis: 'start of impact',
    missing: 'the start of impact is unknown',
  };
  const metric = span(started, detected);
  if (metric.warning === null) return metric;
  // Detected before anybody felt it is a success, not a broken record.
  const early = formatDuration(ms(detected.at ?? '') - ms(started.at ?? ''));
  return { ...metric, reason: `proactive: detected ${early} before the impact began`, warning: null };
}

/** Deliveries as the server records them in `notification` events. */
function pagedAt(events: readonly TimelineEvent[]): { at: Instant; id: string } | null {
  let first: { at: Instant; id: string } | null = null;
  for (const event of events) {
    if (event.kind !== 'notification' || event.actor.type !== 'system') continue;
    const deliveries = event.data?.deliveries;
    const paged =
      Array.isArray(deliveries) &&
      deliveries.some(
        (d: unknown) =>
          typeof d === 'object' &&
          d !== null &&
          'channel' in d &&
          'status' in d &&
          d.channel === 'pagerduty' &&
          d.status === 'sent',
      );
    if (paged && (first === null || ms(event.occurred_at) < ms(first.at)))
      first = { at: event.occurred_at, id: event.id };
  }
  return first;
}

/** First page, else the declaration, to the first act of a human that is proven by more than the assistant's word. */
function timeToAcknowledge(incident: Incident, events: readonly TimelineEvent[]): Metric {
  const response = incident.first_response;
  const counts = response !== null && response.known_by !== 'claimed_by_assistant';
  const acted: End = {
    at: counts ? response.at : null,
    basis: counts
      ? `first act of a human (${response.event_id}, known by ${response.known_by})`
      : 'first act of a human',
    missing: "no act of a human is on record; an assistant's does not count",
  };
  const page = pagedAt(events);
  // A human who acted before the page went out was not called by it.
  const called = page && (!counts || ms(page.at) <= ms(response.at)) ? page : null;
  const from: End = called
    ? { at: called.at, basis: `first page (${called.id})`, missing: '' }
    : {
        ...declaredOf(incident),
        basis: page ? 'declared (the page went out after the human acted)' : 'declared (no page on record)',
      };
  return span(from, acted);
}

function mitigationOf(incident: Incident): End {
  if (incident.mitigated_at) return { at: incident.mitigated_at, basis: 'mitigated', missing: '' };
  if (incident.status === 'false_alarm') return { at: null, basis: 'mitigated', missing: 'it was a false alarm' };
  return incident.resolved_at
    ? { at: incident.resolved_at, basis: 'resolved (no separate mitigation is on record)', missing: '' }
    : { at: null, basis: 'mitigated', missing: 'the impact is not known to have stopped' };
}

function resolved(incident: Incident, start: End): Metric {
  const missing = incident.status === 'false_alarm' ? 'it was a false alarm' : 'the recovery is not verified yet';
  const first = incident.reopened > 0 ? `first resolution (reopened ${incident.reopened} times since)` : 'resolved';
  return span(start, { at: incident.resolved_at, basis: first, missing });
}

/**
 * The intervals of impact: the first from the start of impact, each further one from a reopening, each to the next mitigation or
 * resolution. A false alarm had none.
 */
function impactOf(incident: Incident, start: End): Impact {
  const basis = `${start.basis} -> mitigated or resolved${incident.reopened > 0 ? ', summed over reopenings' : ''}`;
  if (incident.status === 'false_alarm')
    return { impact_ms: null, intervals: [], basis, reason: 'it was a false alarm' };
  const intervals: Impact['intervals'] = [];
  let from: Instant | null = start.at;
  for (const { status, from: at } of incident.status_history) {
    if (status === 'investigating' && from === null) from = at;
    if ((status !== 'mitigated' && status !== 'resolved') || from === null) continue;
    intervals.push({ from, to: stoppedAt(incident, { from, first: intervals.length === 0 }, at) });
    from = null;
  }
  if (from !== null) {
    const stated = incident.mitigated_at;
    intervals.push({ from, to: stated !== null && ms(stated) >= ms(from) ? stated : null });
  }
  let total = 0;
  for (const { from: began, to } of intervals) {
    if (to === null) return { impact_ms: null, intervals, basis, reason: 'the impact is not known to have stopped' };
    if (ms(to) < ms(began))
      return { impact_ms: null, intervals, basis, reason: 'the instants are in an impossible order' };
    total += ms(to) - ms(began);
  }
  return { impact_ms: total, intervals, basis, reason: null };
}

/** The stated end of impact where it lies in this interval, since people note it later than it happened; else the step itself. */
function stoppedAt(incident: Incident, interval: { from: Instant; first: boolean }, step: Instant): Instant {
  const stated = incident.mitigated_at;
  if (stated === null || ms(stated) > ms(step)) return step;
  // An end before the very first interval is a broken record: it shall show, not be papered over by the step.
  return interval.first || ms(stated) >= ms(interval.from) ? stated : step;
}
