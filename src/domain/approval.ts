import type { Instant } from './instant.ts';
import type { PasskeyProof } from './passkey.ts';
import type { Plan } from './plan.ts';

/** The ways in which a human's decision can reach the server. */
export const WAYS = ['client_form', 'terminal', 'page_secret', 'passkey'] as const;
export type Way = (typeof WAYS)[number];

/**
 * pending -> approved -> running -> executed | failed | outcome_unknown
 * pending -> declined | expired | stale; approved -> expired | stale
 * `running` is entered exactly once (the consumption); nothing leaves a final state.
 */
export const APPROVAL_STATUSES = [
  'pending',
  'approved',
  'running',
  'executed',
  'failed',
  'outcome_unknown',
  'declined',
  'expired',
  'stale',
] as const;
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number];

export interface Decision {
  decision: 'approve' | 'reject';
  way: Way;
  /** Who decided, as that person (or the client's form) said. */
  approver: string;
  /** True where a secret of that person's own said who it is; a passkey always does. Absent: the name was typed. */
  name_proven?: boolean;
  note: string | null;
  at: Instant;
  /** What proves it to anybody who looks later; only a passkey leaves such a proof. */
  proof?: PasskeyProof;
}

export interface Outcome {
  status: 'executed' | 'failed' | 'outcome_unknown';
  summary: string;
  started_at: Instant;
  finished_at: Instant;
  /** Facts such as the new revision; never secrets. */
  details: Record<string, string | number | boolean | null>;
}

/** One approval: a sealed plan, the decisions about it, and what became of it. */
export interface Approval {
  /** `APR-` and 10 letters or digits. */
  approval_id: string;
  /** Tool and arguments that asked; the run must come with the same ones. */
  tool: string;
  arguments_hash: string;
  /** The checked arguments themselves, so that a human can run the plan when no client is left. Absent in older records. */
  arguments?: Record<string, unknown>;
  /** The incident it belongs to, or null when there was none. */
  incident_id: string | null;
  plan: Plan;
  /** The draft's `world`, for reconciliation after a crash. */
  world: Record<string, string | number | boolean | null>;
  status: ApprovalStatus;
  /** Ways that policy accepts, and how many different people must approve. */
  ways: Way[];
  approvers_needed: number;
  decisions: Decision[];
  /** The client whose assistant asked, as that client names itself. */
  requested_by: string;
  /** The person at that client (`approval.operator`). Absent in older records. */
  requested_for?: string;
  /** That person may not approve, and neither may the form of their client. */
  exclude_requester?: boolean;
  /** Only approvals count whose approver is known by a passkey or a secret of their own. */
  proven_names?: boolean;
  /**
   * Which approvers' secrets the planning server knew (nothing about the secrets), their ids joined by commas: another one decides nothing. Null: none
   * was set. Absent in older records.
   */
  secret_id?: string | null;
  /** Thumbprints of the passkeys that the planning server knew: another one decides nothing. */
  passkeys?: string[];
  created_at: Instant;
  expires_at: Instant;
  /** Which process runs it: a pid and a random start token; for reconciliation. */
  runner: { pid: number; token: string; started_at: Instant } | null;
  outcome: Outcome | null;
}
