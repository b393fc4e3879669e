import type { Instant } from './instant.ts';

export const ACTIONS = ['rollback_release', 'restart_service', 'scale_down', 'update_runbook', 'send_update'] as const;
export type Action = (typeof ACTIONS)[number];
export const RISKS = ['low', 'medium', 'high'] as const;
export type Risk = (typeof RISKS)[number];

/** One difference that the human sees. Values that look like secrets are masked before they get here. */
export interface Change {
  kind: string;
  name: string;
  field: string;
  from: string | null;
  to: string | null;
}

/** Exactly what will run, where, what it changes and how it can go wrong. */
export interface Plan {
  action: Action;
  environment: string;
  /** The cluster's API server and context, so that two environments cannot be confused. */
  cluster: string;
  target: string;
  namespace: string | null;
  /** Revision numbers for a rollback, replica counts for a scale; otherwise a short description of the state. */
  from: string | number;
  to: string | number;
  command: string[];
  changes: Change[];
  /** How many changes there are in all; `changes` holds the main ones. */
  changes_total: number;
  blast_radius: { pods: number | null; customers: number | null };
  warnings: string[];
  risk: Risk;
  reason: string;
  /** SHA-256 over all that decides what will run (see `digestOf`), lower-case hex. */
  digest: string;
  expires_at: Instant;
}

/** A plan before the gate seals it: the tool gives what decides, the gate adds digest and lifetime. */
export interface Draft {
  action: Action;
  environment: string;
  cluster: string;
  target: string;
  namespace: string | null;
  from: string | number;
  to: string | number;
  command: string[];
  changes: Change[];
  changes_total: number;
  blast_radius: { pods: number | null; customers: number | null };
  warnings: string[];
  risk: Risk;
  reason: string;
  /**
   * The part of the world that decides what the command will do: revision numbers with the hash of their manifests, uid
   * and generation of a workload, the hash of a file. In the digest, not shown.
   */
  world: Record<string, string | number | boolean | null>;
}
