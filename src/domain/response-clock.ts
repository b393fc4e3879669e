import { type BusinessCalendar, nextBusinessDayStart } from './business-time.ts';
import { type Incident, isActive, type Known } from './incident.ts';
import { clockTime, formatDuration, type Instant, MINUTE, SECOND, toInstant } from './instant.ts';
import { compareSeverity, type MatrixRow, type Severity } from './severity.ts';
import { truncateBytes } from './text.ts';

/** Response times of the matrix, the calendar of the responders, and how often a message is due (ms; null: never). */
export interface ResponseRules {
  matrix: readonly MatrixRow[];
  calendar: BusinessCalendar;
  update_intervals: Record<Severity, number | null>;
}

export interface ResponseClock {
  first_response: {
    due_at: Instant;
    state: 'pending' | 'met' | 'breached';
    /** Who responded and how that is known; null while nobody did. */
    by: string | null;
    known_by: Known | null;
    /** Until the deadline; negative when it is over. After the response: how much was left then. */
    remaining_ms: number;
  };
  next_update: { due_at: Instant | null; state: 'pending' | 'overdue' | 'none' };
  commander: string | null;
  /** Deadlines that passed and are not yet among the incident's breaches. */
  breaches_due: { kind: 'first_response' | 'update'; due_at: Instant }[];
}

/** An immediate response is due at once; for so long the line of state says "now" instead of counting seconds. */
const NOW_WORD_MS = MINUTE;

const ms = (instant: Instant): number => Date.parse(instant);

function responseDue(severity: Severity, from: number, rules: ResponseRules): number {
  const response = rules.matrix.find((row) => row.severity === severity)?.response ?? { kind: 'immediate' };
  if (response.kind === 'immediate') return from;
  if (response.kind === 'within') return from + response.ms;
  return nextBusinessDayStart(new Date(from), rules.calendar).getTime();
}

/** When the first response to an incident of that severity, declared at `from`, is due. Source: the runbook's matrix. */
export const respondBy = (severity: Severity, from: Date, rules: ResponseRules): Instant =>
  toInstant(new Date(responseDue(severity, from.getTime(), rules)));

/**
 * Deadline of the first response. A raised severity gives the earlier of the old deadline and the new one from the raise; a lowered
 * one gives the milder row counted from the declaration, unless the old deadline was missed already. Lowering never makes
 * it earlier. What happened after the response changes nothing. Source: the runbook's matrix and the rules of practice.
 */
function firstResponseDue(incident: Incident, rules: ResponseRules): number {
  const declared = ms(incident.declared_at);
  const respondedAt = incident.first_response ? ms(incident.first_response.at) : Number.POSITIVE_INFINITY;
  let severity = incident.severity_first;
  let due = responseDue(severity, declared, rules);
  for (const change of incident.severity_history) {
    const at = ms(change.from);
    if (change.severity === severity || at > respondedAt) continue;
    const raised = compareSeverity(change.severity, severity) < 0;
    severity = change.severity;
    if (raised) due = Math.min(due, responseDue(severity, at, rules));
    else if (at < due) due = Math.max(due, responseDue(severity, declared, rules));
  }
  return due;
}

/**
 * Deadline of the next message: one interval after the last message, the declaration (its notice is the first message) or the last
 * reopening, whichever is newest; changed by severity as the first response is. null when the severity asks for none.
 */
function updateDue(incident: Incident, rules: ResponseRules): number | null {
  const reopened = incident.status_history.filter((span, i) => {
    const before = incident.status_history[i - 1]?.status;
    return span.status === 'investigating' && (before === 'mitigated' || before === 'resolved');
  });
  const from = Math.max(
    ms(incident.declared_at),
    ...(incident.last_update_at ? [ms(incident.last_update_at)] : []),
    ...reopened.map((span) => ms(span.from)),
  );
  const history = [...incident.severity_history].sort((a, b) => ms(a.from) - ms(b.from));
  let severity = history.filter((span) => ms(span.from) <= from).at(-1)?.severity ?? incident.severity_first;
  const interval = (s: Severity): number => rules.update_intervals[s] ?? Number.POSITIVE_INFINITY;
  let due = from + interval(severity);
  for (const change of history) {
    const at = ms(change.from);
    if (at <= from || change.severity === severity) continue;
    const raised = compareSeverity(change.severity, severity) < 0;
    severity = change.severity;
    if (raised) due = Math.min(due, at + interval(severity));
    else if (at < due) due = Math.max(due, from + interval(severity));
  }
  return Number.isFinite(due) ? due : null;
}

/**
 * Where the incident stands against its deadlines. `now` is the present; for an incident that is no longer active the clock stands
 * still at the instant at which it ceased to be.
 */
export function clockOf(incident: Incident, rules: ResponseRules, now: Date): ResponseClock {
  const active = isActive(incident);
  const endedAt = inactiveSince(incident) ?? Number.POSITIVE_INFINITY;
  const at = Math.min(now.getTime(), endedAt);
  const due = firstResponseDue(incident, rules);
  const response = incident.first_response;
  const reached = response ? ms(response.at) : at;
  const late = reached > due + graceOf(incident, rules);
  const missed = late || incident.breaches.some((breach) => breach.kind === 'first_response');
  const nextDue = active ? updateDue(incident, rules) : null;
  const overdue = nextDue !== null && at > nextDue;

  const breachesDue: ResponseClock['breaches_due'] = [];
  if (late && !incident.breaches.some((b) => b.kind === 'first_response')) {
    breachesDue.push({ kind: 'first_response', due_at: toInstant(new Date(due)) });
  }
  if (overdue && !incident.breaches.some((b) => b.kind === 'update' && ms(b.due_at) === nextDue)) {
    breachesDue.push({ kind: 'update', due_at: toInstant(new Date(nextDue)) });
  }
  return {
    first_response: {
      due_at: toInstant(new Date(due)),
      state: missed ? 'breached' : response ? 'met' : 'pending',
      by: response?.by ?? null,
      known_by: response?.known_by ?? null,
      remaining_ms: due - reached,
    },
    next_update: {
      due_at: nextDue === null ? null : toInstant(new Date(nextDue)),
      state: nextDue === null ? 'none' : overdue ? 'overdue' : 'pending',
    },
    commander: incident.roles.commander?.person ?? null,
    breaches_due: breachesDue,
  };
}

/** "Immediate" is due at once, and kept by whoever responds within the minute: nobody can respond in no time. */
const graceOf = (incident: Incident, rules: ResponseRules): number =>
  rules.matrix.find((row) => row.severity === incident.severity_peak)?.response.kind === 'immediate' ? NOW_WORD_MS : 0;

/** When the present stretch of being resolved, closed or a false alarm began; null while the incident is active. */
function inactiveSince(incident: Incident): number | null {
  let since: number | null = null;
  for (const span of incident.status_history) {
    if (isActive(span)) since = null;
    else since ??= ms(span.from);
  }
  return since;
}

/** A name inside a line whose fields are parted by bars: no control characters, no bar, bounded. */
const nameInLine = (name: string): string =>
  truncateBytes(name.replace(/[\p{C}\p{Z}|]+/gu, ' ').trim(), 60) || 'unnamed';

function firstResponseWords(incident: Incident, clock: ResponseClock): string {
  const { by, remaining_ms: left, due_at } = clock.first_response;
  if (by !== null && incident.first_response) {
    const took = ms(incident.first_response.at) - ms(incident.declared_at);
    const late = left <= -SECOND ? `, ${formatDuration(left)} late` : '';
    return `first response by ${nameInLine(by)} after ${formatDuration(Math.max(0, took))}${late}`;
  }
  const immediate = ms(due_at) === ms(incident.declared_at);
  if (Math.abs(left) < SECOND || (immediate && left > -NOW_WORD_MS)) return 'first response due now';
  if (left < 0) return `first response overdue by ${formatDuration(left)}`;
  return `first response due in ${formatDuration(left)}`;
}

function nextUpdateWords(clock: ResponseClock, now: Date): string {
  const { due_at, state } = clock.next_update;
  if (due_at === null) return 'no update due';
  if (state === 'overdue') return `next update overdue by ${formatDuration(now.getTime() - ms(due_at))}`;
  return `next update due ${clockTime(due_at, now)}`;
}

/**
 * The one line of state before every result, as the product's contract fixes it:
 * `INC-0007 SEV2 investigating | first response due in 3m12s | next update due 14:20Z | commander: nobody`. A drill says so.
 */
export function stateLine(incident: Incident, clock: ResponseClock, now: Date): string {
  return [
    `${incident.id} ${incident.severity} ${incident.status}${incident.drill ? ' DRILL' : ''}`,
    firstResponseWords(incident, clock),
    nextUpdateWords(clock, now),
    `commander: ${clock.commander === null ? 'nobody' : nameInLine(clock.commander)}`,
  ].join(' | ');
}
