import type { ActionItem, Audience, DetectionSource, IncidentStatus, Known, Role } from './incident.ts';
import type { Instant } from './instant.ts';
import type { Severity } from './severity.ts';

/** Kinds that an assistant or a human may record. */
export const RECORDABLE_KINDS = [
  'detection',
  'observation',
  'hypothesis',
  'decision',
  'action',
  'communication',
  'mitigation',
  'recovery',
  'note',
] as const;
export type RecordableKind = (typeof RECORDABLE_KINDS)[number];

/** Kinds that only the server writes; the model can neither omit nor impersonate them. */
export const SYSTEM_KINDS = [
  'declared',
  'status_changed',
  'severity_changed',
  'updated',
  'role_assigned',
  'plan_proposed',
  'approval_decided',
  'command_started',
  'command_finished',
  'verification',
  'clock_breached',
  'notification',
  'action_item',
  'postmortem_drafted',
  'health_snapshot',
  'acknowledged',
] as const;
export type SystemKind = (typeof SYSTEM_KINDS)[number];
export type EventKind = RecordableKind | SystemKind;

export interface Actor {
  type: 'human' | 'assistant' | 'system';
  /** The client's name and version for an assistant, the approver's name for a human, `incident-mcp` for the system. */
  name: string;
}

/**
 * What an event changes in its incident; the incident is the fold of these. Absent for an event that only tells something.
 */
export interface IncidentChange {
  declared?: {
    id: string;
    title: string;
    severity: Severity;
    environment: string;
    summary: string | null;
    components: string[];
    drill: boolean;
    declared_at: Instant;
    detected_at: Instant;
    detected_by: { source: DetectionSource; reference: string | null } | null;
    impact_started_at: Instant | null;
  };
  severity?: Severity;
  status?: IncidentStatus;
  title?: string;
  summary?: string;
  root_cause?: string;
  impact_started_at?: Instant;
  mitigated_at?: Instant;
  role?: { role: Role; person: string; known_by: Known };
  /** A human's act that is proven by more than the assistant's word: it stops the first-response clock. */
  human_response?: { by: string; known_by: Known };
  update_sent?: { id: string; audience: Audience; message: string };
  action_item?: ActionItem;
  breach?: { kind: 'first_response' | 'update'; due_at: Instant };
  postmortem?: { missing: string[] };
}

/** An event as it is handed to the store. The store adds id, seq, recorded_at and the chain. */
export interface NewEvent {
  kind: EventKind;
  message: string;
  actor: Actor;
  /** When it happened; default: when it is recorded. */
  occurred_at?: Instant;
  evidence?: string[];
  /** The id of the event that this one corrects. */
  supersedes?: string;
  approval_id?: string;
  change?: IncidentChange;
  /** Small structured facts that a later step reads (never free text from outside). */
  data?: Record<string, unknown>;
  idempotency_key?: string;
}

/** One line of the append-only timeline. */
export interface TimelineEvent extends NewEvent {
  /** `E12`, equal to `E${seq}`. */
  id: string;
  /** 1, 2, 3, ... without gaps. */
  seq: number;
  occurred_at: Instant;
  recorded_at: Instant;
  evidence: string[];
  /** Chain value of the event before; 64 zeroes for the first. */
  prev_hash: string;
  /** HMAC-SHA256, or SHA-256 where no key is configured, over the canonical JSON of all other fields. Lower-case hex. */
  hash: string;
}

export const GENESIS_HASH = '0'.repeat(64);

/** JSON with sorted keys and without `undefined`: the same value gives the same bytes on every machine (after RFC 8785). */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const entries = Object.entries(value)
    .filter(([, v]) => v !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(',')}}`;
}
