import type { Approval } from '../approval.ts';
import type { Incident } from '../incident.ts';
import type { IncidentMetrics } from '../metrics.ts';
import type { ResponseClock } from '../response-clock.ts';
import type { EventKind, IncidentChange, TimelineEvent } from '../timeline.ts';

/** A sentence that somebody claims, and the events that show it. */
export interface Claim {
  section: string;
  text: string;
  evidence: string[];
}

export interface PostmortemInput {
  incident: Incident;
  /** The whole timeline. */
  events: readonly TimelineEvent[];
  metrics: IncidentMetrics;
  clock?: ResponseClock | null;
  approvals: readonly Approval[];
  claims: readonly Claim[];
  /** Earlier incidents of the same components. */
  similar: readonly Incident[];
  /** The earlier draft, whose human blocks are kept. */
  previous: string | null;
  now: Date;
  /** Rows of the timeline table; default 200. */
  max_rows?: number;
}

export interface Postmortem {
  markdown: string;
  /** Keys of required sections of which nothing is known. */
  missing: string[];
  /** `section: text` of each claim without evidence. */
  unverified: string[];
}

/** The input with what several sections look up. */
export interface Facts extends PostmortemInput {
  byId: ReadonlyMap<string, TimelineEvent>;
  /** In the order in which they happened. */
  ordered: readonly TimelineEvent[];
  /** Corrected event -> the one that corrects it. */
  correctedBy: ReadonlyMap<string, string>;
}

export function factsOf(input: PostmortemInput): Facts {
  const ordered = [...input.events].sort(
    (a, b) => Date.parse(a.occurred_at) - Date.parse(b.occurred_at) || a.seq - b.seq,
  );
  return {
    ...input,
    ordered,
    byId: new Map(input.events.map((event) => [event.id, event])),
    correctedBy: new Map(
      input.events.flatMap((event) => (event.supersedes ? [[event.supersedes, event.id] as const] : [])),
    ),
  };
}

/** Events of these kinds that no later one corrects, in the order in which they happened. */
export const ofKind = (facts: Facts, ...kinds: readonly EventKind[]): TimelineEvent[] =>
  facts.ordered.filter((event) => kinds.includes(event.kind) && !facts.correctedBy.has(event.id));

/** Id of the newest event that set a field of the incident; null where none did. */
export function setBy(facts: Facts, picks: (change: IncidentChange) => unknown): string | null {
  let newest: TimelineEvent | null = null;
  for (const event of facts.events) {
    if (!event.change || (newest && event.seq < newest.seq)) continue;
    const value = picks(event.change);
    if (value !== undefined && value !== null) newest = event;
  }
  return newest?.id ?? null;
}

/** Id of the newest event of an approval of one of these kinds; null where there is none. */
export const ofApproval = (facts: Facts, approvalId: string, ...kinds: readonly EventKind[]): string | null =>
  facts.ordered.findLast((event) => event.approval_id === approvalId && kinds.includes(event.kind))?.id ?? null;
