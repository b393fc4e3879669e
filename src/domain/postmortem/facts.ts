import type { Approval } from '../approval.ts';
import type { Incident } from '../incident.ts';
import { formatDuration, type Instant, shortInstant } from '../instant.ts';
import type { IncidentMetrics } from '../metrics.ts';
import type { EventKind, IncidentChange, TimelineEvent } from '../timeline.ts';
import { correctionsOf, disputesOf } from './corrections.ts';
import { spread } from './select.ts';
import { md, plural, refs } from './words.ts';

/** The record as every section reads it. */
export interface Facts {
  incident: Incident;
  metrics: IncidentMetrics;
  approvals: readonly Approval[];
  similar: readonly Incident[];
  now: Date;
  /** All events by when they happened. */
  events: readonly TimelineEvent[];
  /** Those of them that nobody corrected: prose rests on these alone. */
  valid: readonly TimelineEvent[];
  corrected: ReadonlyMap<string, string>;
  disputed: ReadonlyMap<string, string>;
  /** `[E1] to [E40]`, for what is said of the record as a whole, such as that something is not in it. */
  whole: string;
}

const ms = (instant: Instant): number => Date.parse(instant);

export function factsOf(
  input: Pick<Facts, 'incident' | 'metrics' | 'approvals' | 'similar' | 'now'> & { events: readonly TimelineEvent[] },
): Facts {
  const bySeq = [...input.events].sort((a, b) => a.seq - b.seq);
  const events = bySeq
    .map((event) => ({ event, at: ms(event.occurred_at) }))
    .sort((a, b) => a.at - b.at || a.event.seq - b.event.seq)
    .map(({ event }) => event);
  const corrected = correctionsOf(bySeq);
  const ends = [bySeq[0], bySeq.at(-1)].flatMap((event) => (event ? [`[${event.id}]`] : []));
  return {
    ...input,
    events,
    valid: events.filter((event) => !corrected.has(event.id)),
    corrected,
    disputed: disputesOf(bySeq),
    whole: [...new Set(ends)].join(' to '),
  };
}

/** Events of these kinds that stand. */
export const ofKind = (facts: Facts, ...kinds: EventKind[]): TimelineEvent[] =>
  facts.valid.filter((event) => kinds.includes(event.kind));

/** Reference to the newest (or oldest) event whose change fits; the whole record where none is found. */
export function setBy(
  facts: Facts,
  fits: (change: IncidentChange) => boolean,
  which: 'first' | 'last' = 'last',
): string {
  let found: TimelineEvent | null = null;
  for (const event of facts.events) {
    if (!event.change || !fits(event.change)) continue;
    if (found === null || (which === 'last' ? event.seq > found.seq : event.seq < found.seq)) found = event;
  }
  return found ? refs([found.id]) : facts.whole;
}

export const declaredRef = (facts: Facts): string => setBy(facts, (change) => change.declared !== undefined, 'first');

/** Reference to what is known about the start of impact. */
export const impactRef = (facts: Facts): string =>
  setBy(facts, (c) => c.impact_started_at !== undefined || (c.declared?.impact_started_at ?? null) !== null);

export const mitigatedRef = (facts: Facts): string =>
  facts.events.some((e) => e.change?.mitigated_at !== undefined)
    ? setBy(facts, (c) => c.mitigated_at !== undefined)
    : setBy(facts, (c) => c.status === 'mitigated', 'first');

export const rootCauseRef = (facts: Facts): string => setBy(facts, (c) => c.root_cause !== undefined);

const LONGEST = 400;

/** One event as a line: when, who, what, and its id. */
export const quoted = (event: TimelineEvent): string =>
  `${shortInstant(event.occurred_at)}, ${event.actor.type} ${md(event.actor.name, 80)}: ${md(event.message, LONGEST)} ${refs([event.id])}`;

/** The events as lines, at most `max` of them, with a count of those left off. */
export function quotedAll(events: readonly TimelineEvent[], max = 12): string[] {
  const lines = spread(events, max).map(quoted);
  const first = events[0];
  const last = events.at(-1);
  if (events.length <= max || !first || !last) return lines;
  return [...lines, `${plural(events.length - max, 'more event')} of this kind between ${refs([first.id, last.id])}.`];
}

export const lasting = (from: Instant, to: Instant): string => formatDuration(ms(to) - ms(from));

/** References to the events of one approval, oldest first; the whole record where the events are not there. */
export function approvalRefs(facts: Facts, id: string, ...kinds: EventKind[]): string {
  const ids = facts.events
    .filter((event) => event.approval_id === id && (kinds.length === 0 || kinds.includes(event.kind)))
    .map((event) => event.id);
  return ids.length > 0 ? refs(ids) : facts.whole;
}

/** Figures of a health snapshot that the server itself wrote; what is no figure is null. */
export function figureOf(event: TimelineEvent, name: string): number | null {
  const value = event.actor.type === 'system' ? event.data?.[name] : undefined;
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** The human who ran a plan at a terminal, as the server wrote it into the intent; null for one that a client's call ran. */
export function byHand(facts: Facts, approvalId: string): { person: string; event: TimelineEvent } | null {
  const event = facts.events.find((e) => e.kind === 'command_started' && e.approval_id === approvalId);
  const person = event?.data?.break_glass;
  return event && typeof person === 'string' ? { person, event } : null;
}
