import type { Incident } from './incident.ts';
import { formatDuration, type Instant } from './instant.ts';
import { correctionsOf } from './postmortem/corrections.ts';
import { SEVERITIES, type Severity } from './severity.ts';
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
  /** Length of the impact over all its intervals (`impactOf`). */
  impact_ms: number | null;
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

/** Events that no later one corrects. */
function validEvents(events: readonly TimelineEvent[]): TimelineEvent[] {
  const corrected = correctionsOf(events);
  return events.filter((event) => !corrected.has(event.id));
}

/** Where durations start: the start of impact, or detection where that is unknown, which the basis says. */
function startOf(incident: Incident, detected: End): End {
  return incident.impact_started_at
    ? { at: incident.impact_started_at, basis: 'start of impact', missing: '' }
    : { ...detected, basis: `${detected.basis} (start of impact unknown)` };
}

/**
 * The five times of an incident and the length of its impact. Source: the rules of practice, "Instants and metrics".
 *
 * @param events the incident's timeline in any order; detections, pages and human acts are looked up in it
 */
export function metricsOf(incident: Incident, events: readonly TimelineEvent[]): IncidentMetrics {
  const valid = validEvents(events);
  const detected = detectionOf(incident, valid);
  const start = startOf(incident, detected);
  return {
    time_to_detect: timeToDetect(incident, detected),
    time_to_declare: span(detected, declaredOf(incident)),
    time_to_acknowledge: timeToAcknowledge(incident, valid),
    time_to_mitigate: timeToMitigate(incident, start),
    time_to_resolve: resolved(incident, start),
    impact_ms: impactOf(incident, events).impact_ms,
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

/** Recovery is verified after the impact has stopped; with a reopening the two may belong to different rounds. */
function timeToMitigate(incident: Incident, start: End): Metric {
  const metric = span(start, mitigationOf(incident));
  const { mitigated_at: stopped, resolved_at: over } = incident;
  if (incident.reopened > 0 || stopped === null || over === null || ms(stopped) <= ms(over)) return metric;
  const warning = `impossible order: mitigated (${stopped}) is ${formatDuration(ms(stopped) - ms(over))} after resolved (${over})`;
  return { ...metric, ms: null, reason: 'the instants are in an impossible order', warning: metric.warning ?? warning };
}

function resolved(incident: Incident, start: End): Metric {
  const missing = incident.status === 'false_alarm' ? 'it was a false alarm' : 'the recovery is not verified yet';
  const first = incident.reopened > 0 ? `first resolution (reopened ${incident.reopened} times since)` : 'resolved';
  return span(start, { at: incident.resolved_at, basis: first, missing });
}

/**
 * The intervals of impact: the first from the start of impact, each further one from a reopening, each to the stated end of impact where
 * that lies in it, else to its first mitigation or resolution. A false alarm had none.
 */
export function impactOf(incident: Incident, events: readonly TimelineEvent[]): Impact {
  const start = startOf(incident, detectionOf(incident, validEvents(events)));
  const basis = `${start.basis} -> mitigated or resolved${incident.reopened > 0 ? ', summed over reopenings' : ''}`;
  const unknown = (reason: string, intervals: Impact['intervals'] = []): Impact => ({
    impact_ms: null,
    intervals,
    basis,
    reason,
  });
  if (incident.status === 'false_alarm') return unknown('it was a false alarm');
  if (start.at === null) return unknown(start.missing);
  const intervals = rounds(incident, start.at).map((round, i, all) => ({
    from: round.from,
    to: endOf(incident, round, all[i + 1]?.from ?? null, i === 0),
  }));
  let total = 0;
  for (const { from, to } of intervals) {
    if (to === null) return unknown('the impact is not known to have stopped', intervals);
    if (ms(to) < ms(from)) return unknown('the instants are in an impossible order', intervals);
    total += ms(to) - ms(from);
  }
  return { impact_ms: total, intervals, basis, reason: null };
}

interface Round {
  from: Instant;
  /** The first status that says that the impact is over; null when there is none. */
  step: Instant | null;
}

function rounds(incident: Incident, start: Instant): Round[] {
  const all: Round[] = [{ from: start, step: null }];
  for (const { status, from } of incident.status_history) {
    const current = all.at(-1);
    if (status === 'mitigated' || status === 'resolved') {
      if (current) current.step ??= from;
    } else if (status === 'investigating' && current && current.step !== null) all.push({ from, step: null });
  }
  return all;
}

/** People note the end of impact later than it was, so their instant goes before that of the step in the same round. */
function endOf(incident: Incident, round: Round, next: Instant | null, first: boolean): Instant | null {
  const stated = incident.mitigated_at;
  const before = next === null || (stated !== null && ms(stated) < ms(next));
  // In the first round also when it lies before the start: the impossible order must show.
  return stated !== null && before && (first || ms(stated) >= ms(round.from)) ? stated : round.step;
}

export interface MetricStatistics {
  /** How many incidents have the metric; null for nothing known is not counted. */
  n: number;
  median_ms: number | null;
  /** Nearest rank: a value that occurred. */
  p90_ms: number | null;
}

export type MetricsSummary = Record<Severity | 'all', Record<MetricName, MetricStatistics>>;

/**
 * n, median and 90th percentile of each metric, over all incidents and by the severity at its peak. Drills and false alarms are left out; there
 * is no mean, because a single long incident makes it say nothing. Source: the rules of practice.
 */
export function summarizeMetrics(
  incidents: readonly { incident: Pick<Incident, 'drill' | 'status' | 'severity_peak'>; metrics: IncidentMetrics }[],
): MetricsSummary {
  const real = incidents.filter(({ incident }) => !incident.drill && incident.status !== 'false_alarm');
  const of = (group: typeof real) =>
    Object.fromEntries(
      METRIC_NAMES.map((name) => [name, statistics(group.flatMap(({ metrics }) => metrics[name].ms ?? []))]),
    ) as Record<MetricName, MetricStatistics>;
  return Object.fromEntries(
    (['all', ...SEVERITIES] as const).map((severity) => [
      severity,
      of(real.filter(({ incident }) => severity === 'all' || incident.severity_peak === severity)),
    ]),
  ) as MetricsSummary;
}

function statistics(values: readonly number[]): MetricStatistics {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  const above = sorted[Math.floor(n / 2)];
  const below = sorted[Math.ceil(n / 2) - 1];
  return {
    n,
    median_ms: above === undefined || below === undefined ? null : (above + below) / 2,
    p90_ms: sorted[Math.ceil(0.9 * n) - 1] ?? null,
  };
}
