import { shortInstant } from '../instant.ts';
import type { EventKind, TimelineEvent } from '../timeline.ts';
import { cite, md, mermaidText, table } from './markdown.ts';
import { type Facts, setBy } from './types.ts';

export const DEFAULT_MAX_ROWS = 200;
/** Even what is always shown has an end: a post-mortem of more rows than that is read by nobody. */
const HARD_MAX_ROWS = 1_000;
const MESSAGE = 300;
const MOMENTS = 14;

/** System events that tell the course of the incident: always shown. */
const WEIGHTY: ReadonlySet<EventKind> = new Set<EventKind>([
  'declared',
  'status_changed',
  'severity_changed',
  'role_assigned',
  'approval_decided',
  'command_started',
  'command_finished',
  'verification',
  'clock_breached',
  'acknowledged',
]);
const SECOND: ReadonlySet<EventKind> = new Set<EventKind>([
  'detection',
  'decision',
  'action',
  'mitigation',
  'recovery',
  'hypothesis',
  'communication',
  'plan_proposed',
]);

/** The first and the last ones: how it began and how it ended tell more than the middle. */
function ends(events: readonly TimelineEvent[], room: number): TimelineEvent[] {
  if (events.length <= room) return [...events];
  const head = Math.ceil(room / 2);
  return [...events.slice(0, head), ...events.slice(events.length - (room - head))];
}

/** Which events are shown: what claims rest on, then system events of weight, then people's acts, then the rest. */
export function selectEvents(facts: Facts): TimelineEvent[] {
  const { ordered, max_rows: rows = DEFAULT_MAX_ROWS } = facts;
  if (ordered.length <= rows) return [...ordered];
  const claimed = new Set(facts.claims.flatMap((claim) => claim.evidence));
  const tiers = [
    (e: TimelineEvent) => claimed.has(e.id),
    (e: TimelineEvent) => WEIGHTY.has(e.kind),
    (e: TimelineEvent) => SECOND.has(e.kind),
    () => true,
  ];
  const chosen = new Set<TimelineEvent>();
  tiers.forEach((belongs, tier) => {
    const limit = tier < 2 ? Math.max(HARD_MAX_ROWS, rows) : rows;
    const group = ordered.filter((event) => !chosen.has(event) && belongs(event));
    for (const event of ends(group, Math.max(0, limit - chosen.size))) chosen.add(event);
  });
  return ordered.filter((event) => chosen.has(event));
}

export function timelineTable(facts: Facts): { markdown: string; shown: number; total: number } {
  const shown = selectEvents(facts);
  const rows = shown.map((event) => {
    const corrected = facts.correctedBy.get(event.id);
    const message = md(event.message, MESSAGE);
    return [
      `[${event.id}]`,
      shortInstant(event.occurred_at),
      event.kind,
      `${event.actor.type} ${md(event.actor.name, 60)}`,
      corrected ? `~~${message}~~ (corrected by [${corrected}])` : message,
      [event.evidence.map((text) => md(text, 200)).join('; '), event.approval_id ?? ''].filter(Boolean).join('; '),
    ];
  });
  const total = facts.ordered.length;
  const note =
    shown.length < total
      ? `\n\n${shown.length} of ${total} events are shown: what claims rest on, the system's events of weight, then people's acts, first and last ones first. The record holds all.`
      : '';
  return {
    markdown: `${table(['event', 'time (UTC)', 'kind', 'who', 'what', 'evidence'], rows)}${note}`,
    shown: shown.length,
    total,
  };
}

/** The turning points as a Mermaid timeline. Source: Mermaid's syntax reference, "Timeline Diagram". */
export function mermaidTimeline(facts: Facts): string {
  const { incident } = facts;
  const declared = setBy(facts, (change) => change.declared);
  const moments: { at: string; text: string }[] = [];
  const add = (at: string | null, text: string, id: string | null): void => {
    if (at) moments.push({ at, text: id ? `${text} (${id})` : text });
  };
  add(
    incident.impact_started_at,
    'impact began',
    setBy(facts, (c) => c.impact_started_at ?? c.declared?.impact_started_at),
  );
  add(incident.detected_at, 'detected', declared);
  add(incident.declared_at, `declared ${incident.severity_first}`, declared);
  if (incident.first_response) add(incident.first_response.at, 'first response', incident.first_response.event_id);
  for (const event of facts.ordered) {
    const { change } = event;
    if (event.kind === 'severity_changed' && change?.severity)
      add(event.occurred_at, `severity ${change.severity}`, event.id);
    if (change?.status) add(event.occurred_at, change.status.replace('_', ' '), event.id);
    if (event.kind === 'command_finished') add(event.occurred_at, mermaidText(event.message, 45), event.id);
  }
  const sorted = moments.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const kept = sorted.length <= MOMENTS ? sorted : [...sorted.slice(0, MOMENTS / 2), ...sorted.slice(-MOMENTS / 2)];
  // A colon parts a moment from its text, so times are written with a point.
  const lines = kept.map(({ at, text }) => `    ${at.slice(0, 10)} ${at.slice(11, 13)}.${at.slice(14, 16)} : ${text}`);
  return ['```mermaid', 'timeline', `    title ${incident.id} (UTC)`, ...lines, '```'].join('\n');
}

/** Ids of some events as evidence, with a count of those left out. */
export function citeSome(events: readonly TimelineEvent[], most = 8): string {
  const more = events.length - most;
  return cite(events.slice(0, most).map((event) => event.id)) + (more > 0 ? ` and ${more} more` : '');
}
