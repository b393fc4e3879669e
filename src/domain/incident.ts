import type { Instant } from './instant.ts';
import type { Severity } from './severity.ts';

export const STATUSES = ['investigating', 'identified', 'mitigated', 'resolved', 'closed', 'false_alarm'] as const;
export type IncidentStatus = (typeof STATUSES)[number];

export const ROLES = ['commander', 'scribe', 'communications', 'operations'] as const;
export type Role = (typeof ROLES)[number];

export const DETECTION_SOURCES = [
  'grafana',
  'health_check',
  'slo',
  'support_ticket',
  'investigation',
  'other',
] as const;
export type DetectionSource = (typeof DETECTION_SOURCES)[number];

/** How it is known that somebody holds a role or that a human acted. */
export type Known = 'claimed_by_assistant' | 'client_form' | 'terminal' | 'page_secret' | 'passkey';

export interface RoleHolder {
  person: string;
  since: Instant;
  known_by: Known;
}

export const ACTION_ITEM_KINDS = ['prevent', 'detect', 'mitigate', 'process'] as const;
export type ActionItemKind = (typeof ACTION_ITEM_KINDS)[number];

export interface ActionItem {
  /** `A1`, `A2`, ... within its incident. */
  id: string;
  title: string;
  kind: ActionItemKind;
  owner: string | null;
  due: Instant | null;
  ticket: string | null;
  done: boolean;
  created_at: Instant;
}

export const AUDIENCES = ['internal', 'executives', 'customers'] as const;
export type Audience = (typeof AUDIENCES)[number];

export interface SentUpdate {
  id: string;
  audience: Audience;
  message: string;
  at: Instant;
}

/** One stretch of a status, for metrics that must survive a reopening. */
export interface StatusSpan {
  status: IncidentStatus;
  from: Instant;
}

/**
 * The state of an incident: the fold of its timeline (`applyEvent` in `fold.ts`). It is never written on its own, so a
 * state without the event that caused it cannot exist.
 */
export interface Incident {
  /** `INC-0007`. */
  id: string;
  title: string;
  severity: Severity;
  /** First, worst and last severity differ when it was changed: the post-mortem shows all three. */
  severity_first: Severity;
  severity_peak: Severity;
  status: IncidentStatus;
  environment: string;
  summary: string | null;
  root_cause: string | null;
  components: string[];
  drill: boolean;
  declared_at: Instant;
  detected_at: Instant;
  detected_by: { source: DetectionSource; reference: string | null } | null;
  impact_started_at: Instant | null;
  /** Given by a human or assistant through update_incident; else the instant at which the status became `mitigated`. */
  mitigated_at: Instant | null;
  /** The first resolution stays when an incident is reopened. */
  resolved_at: Instant | null;
  closed_at: Instant | null;
  reopened: number;
  status_history: StatusSpan[];
  severity_history: { severity: Severity; from: Instant }[];
  roles: Partial<Record<Role, RoleHolder>>;
  /** First act of a human that is proven by more than the assistant's word; null while there is none. */
  first_response: { at: Instant; by: string; known_by: Known; event_id: string } | null;
  /** Instants of the messages that went out, for the update interval. */
  last_update_at: Instant | null;
  updates: SentUpdate[];
  action_items: ActionItem[];
  /** Deadlines that were missed; they are events of their own and lowering the severity erases none. */
  breaches: { kind: 'first_response' | 'update'; due_at: Instant; event_id: string }[];
  postmortem: { drafted_at: Instant; missing: string[] } | null;
  /** Highest applied `seq`. */
  seq: number;
}

export const OPEN_STATUSES: readonly IncidentStatus[] = ['investigating', 'identified', 'mitigated', 'resolved'];
/** Open in the sense of "something is going on": the state line is shown and writes default to it. */
export const isOpen = (incident: Pick<Incident, 'status'>): boolean => OPEN_STATUSES.includes(incident.status);
/** Active: still hurting or not yet verified. */
export const isActive = (incident: Pick<Incident, 'status'>): boolean =>
  incident.status === 'investigating' || incident.status === 'identified' || incident.status === 'mitigated';

const FORWARD: readonly IncidentStatus[] = ['investigating', 'identified', 'mitigated', 'resolved', 'closed'];

/**
 * Whether `to` may follow `from`: steps may be skipped forwards, `false_alarm` follows any open one, and `investigating`
 * follows `mitigated` or `resolved` (a reopening). Equal is not a transition.
 */
export function mayFollow(from: IncidentStatus, to: IncidentStatus): boolean {
  if (from === to) return false;
  if (to === 'false_alarm') return OPEN_STATUSES.includes(from);
  if (to === 'investigating') return from === 'mitigated' || from === 'resolved';
  const a = FORWARD.indexOf(from);
  const b = FORWARD.indexOf(to);
  return a >= 0 && b > a;
}

/** The statuses that may follow, for an error's next move. */
export const following = (from: IncidentStatus): IncidentStatus[] => STATUSES.filter((to) => mayFollow(from, to));
