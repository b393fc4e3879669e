import type { Approval, Decision, Outcome } from '../domain/approval.ts';
import type { Incident } from '../domain/incident.ts';
import type { NewEvent, TimelineEvent } from '../domain/timeline.ts';

/** The stream for events that belong to no incident. */
export const JOURNAL = 'JOURNAL';

export interface DamagedDocument {
  name: string;
  problem: string;
}

export interface ChainProblem {
  stream: string;
  /** The line at which the chain does not hold, 1-based; null for a whole missing stream. */
  line: number | null;
  event_id: string | null;
  problem: string;
}

/**
 * The record. Every method that writes is atomic and durable when it resolves: on disk, flushed, visible to every other
 * process on the same data folder. Errors: `STORE` (could not be written; nothing was done), `NOT_FOUND`, `CONFLICT`.
 *
 * `decide`-style callbacks run under the store's lock with the newest state: they must be pure, synchronous and quick.
 */
export interface Store {
  /** Allocates the next id and writes the first event; the same idempotency key gives the first answer again (`repeated: true`). */
  declare(
    build: (id: string, open: Incident[]) => NewEvent,
    idempotencyKey?: string,
  ): Promise<{ incident: Incident; event: TimelineEvent; repeated: boolean }>;

  /**
   * Appends to a stream (an incident's id or `JOURNAL`). `decide` gets the newest state (null for the journal) and returns the
   * events to append as one unit, or throws to refuse. The same idempotency key gives the first answer again.
   */
  append(
    stream: string,
    decide: (incident: Incident | null) => NewEvent[],
    idempotencyKey?: string,
  ): Promise<{ incident: Incident | null; events: TimelineEvent[]; repeated: boolean }>;

  /** null when there is none. */
  incident(id: string): Promise<Incident | null>;
  /** All, newest first. Damaged ones are left out and named by `damaged()`. */
  incidents(): Promise<Incident[]>;
  /** Events with `seq > since`, oldest first, at most `limit`. */
  timeline(stream: string, options?: { since_seq?: number; limit?: number }): Promise<TimelineEvent[]>;
  /** Chain value of the newest event. */
  head(stream: string): Promise<{ seq: number; hash: string }>;

  createApproval(approval: Approval): Promise<void>;
  approval(id: string): Promise<Approval | null>;
  /** Newest first. */
  approvals(filter?: { incident_id?: string; pending?: boolean; limit?: number }): Promise<Approval[]>;
  /** Changes one approval under the lock: `change` gets the newest one and returns the next, or throws to refuse. */
  updateApproval(id: string, change: (approval: Approval) => Approval): Promise<Approval>;

  /** A text beside the incident, such as its post-mortem; replaced atomically. Resolves with where it lies. */
  writeDocument(incidentId: string, name: string, text: string): Promise<string>;
  readDocument(incidentId: string, name: string): Promise<string | null>;

  /** Documents that do not parse and were set aside or left alone. */
  damaged(): Promise<DamagedDocument[]>;
  verify(stream?: string): Promise<{ streams: number; events: number; problems: ChainProblem[] }>;
  /** Calls back after another process or this one changed a stream; returns the stop function. */
  watch(onChange: (stream: string) => void): () => void;
}

export type { Approval, Decision, Outcome };
