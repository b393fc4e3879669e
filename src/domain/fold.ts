import { storeFailed } from '../errors.ts';
import type { Incident, IncidentStatus, SentUpdate } from './incident.ts';
import { STATUSES } from './incident.ts';
import type { Instant } from './instant.ts';
import type { Severity } from './severity.ts';
import { SEVERITIES, worse } from './severity.ts';
import type { IncidentChange, TimelineEvent } from './timeline.ts';

/**
 * The incident after `event`. Pure: neither argument is changed, and equal events give equal incidents on every machine.
 *
 * What it does not know (a kind, a status or a severity of a later version) it passes over, so that a record written by a
 * newer server stays readable. Whether a step may follow is decided before the event is written (`mayFollow`), not here: what
 * is in the record has happened.
 *
 * Errors: `STORE` when the first event is not a declaration, for then there is no incident to speak of.
 */
export function applyEvent(incident: Incident | null, event: TimelineEvent): Incident {
  const change = event.change ?? {};
  if (incident === null) return declaredBy(event, change);
  // A second declaration is no known event; it must not wipe what came before.
  const { declared: _ignored, ...rest } = change;
  return { ...withChange(incident, event, rest), seq: event.seq };
}

/** The incident that these events tell, oldest first; null without events. Errors as `applyEvent`. */
export function fold(events: Iterable<TimelineEvent>): Incident | null {
  let incident: Incident | null = null;
  for (const event of events) incident = applyEvent(incident, event);
  return incident;
}

function declaredBy(event: TimelineEvent, change: IncidentChange): Incident {
  const { declared, ...rest } = change;
  if (!declared) {
    throw storeFailed(
      `The first event (${event.id}, ${event.kind}) does not declare an incident.`,
      'check the record with `incident-mcp verify`.',
    );
  }
  const start: Incident = {
    ...declared,
    severity_first: declared.severity,
    severity_peak: declared.severity,
    status: 'investigating',
    root_cause: null,
    mitigated_at: null,
    resolved_at: null,
    closed_at: null,
    reopened: 0,
    status_history: [{ status: 'investigating', from: declared.declared_at }],
    severity_history: [{ severity: declared.severity, from: declared.declared_at }],
    roles: {},
    first_response: null,
    last_update_at: null,
    updates: [],
    action_items: [],
    breaches: [],
    postmortem: null,
    seq: event.seq,
  };
  return withChange(start, event, rest);
}

function withChange(before: Incident, event: TimelineEvent, change: IncidentChange): Incident {
  const at = event.occurred_at;
  const next: Incident = { ...before };
  if (change.title !== undefined) next.title = change.title;
  if (change.summary !== undefined) next.summary = change.summary;
  if (change.root_cause !== undefined) next.root_cause = change.root_cause;
  if (change.impact_started_at !== undefined) next.impact_started_at = change.impact_started_at;
  if (change.severity !== undefined) setSeverity(next, change.severity, at);
  if (change.status !== undefined) setStatus(next, change.status, at);
  if (change.mitigated_at !== undefined) next.mitigated_at = change.mitigated_at;
  if (change.role) {
    const { role, person, known_by } = change.role;
    next.roles = { ...next.roles, [role]: { person, since: at, known_by } };
  }
  if (change.human_response) setResponse(next, event, change.human_response);
  if (change.update_sent) {
    next.updates = upsert(next.updates, { ...change.update_sent, at } satisfies SentUpdate);
    next.last_update_at = later(next.last_update_at, at);
  }
  if (change.action_item) next.action_items = upsert(next.action_items, change.action_item);
  if (change.breach) {
    const { kind, due_at } = change.breach;
    // Two servers may notice the same missed deadline: it was missed once.
    if (!next.breaches.some((known) => known.kind === kind && known.due_at === due_at)) {
      next.breaches = [...next.breaches, { kind, due_at, event_id: event.id }];
    }
  }
  if (change.postmortem) next.postmortem = { drafted_at: at, missing: change.postmortem.missing };
  return next;
}

function setSeverity(next: Incident, severity: Severity, at: Instant): void {
  if (!SEVERITIES.includes(severity) || severity === next.severity) return;
  next.severity = severity;
  next.severity_peak = worse(next.severity_peak, severity);
  next.severity_history = [...next.severity_history, { severity, from: at }];
}

function setStatus(next: Incident, status: IncidentStatus, at: Instant): void {
  if (!STATUSES.includes(status) || status === next.status) return;
  if (status === 'investigating' && next.status !== 'identified') next.reopened += 1;
  next.status = status;
  next.status_history = [...next.status_history, { status, from: at }];
  // The first end of impact and the first resolution stay when an incident is reopened; the history tells the rest.
  if (status === 'mitigated') next.mitigated_at ??= at;
  if (status === 'resolved') next.resolved_at ??= at;
  if (status === 'closed') next.closed_at = at;
}

function setResponse(
  next: Incident,
  event: TimelineEvent,
  response: NonNullable<IncidentChange['human_response']>,
): void {
  // The assistant's word that a human acted proves nothing and must not stop the clock.
  if (next.first_response !== null || response.known_by === 'claimed_by_assistant') return;
  next.first_response = { at: event.occurred_at, by: response.by, known_by: response.known_by, event_id: event.id };
}

function upsert<T extends { id: string }>(items: T[], item: T): T[] {
  return items.some((known) => known.id === item.id)
    ? items.map((known) => (known.id === item.id ? item : known))
    : [...items, item];
}

const later = (a: Instant | null, b: Instant): Instant => (a !== null && Date.parse(a) > Date.parse(b) ? a : b);
