import type { Instant } from './instant.ts';

/** What the read tools report: figures computed from sources that may each be down. */

export const HEALTH = ['healthy', 'degraded', 'down', 'unknown'] as const;
export type Health = (typeof HEALTH)[number];

export const SOURCE_STATUSES = ['ok', 'error', 'timeout', 'not_configured'] as const;

/** How one source answered. `latency_ms` is wall time until answer or deadline. */
export interface SourceReport {
  name: string;
  status: (typeof SOURCE_STATUSES)[number];
  latency_ms: number;
  error?: string | undefined;
}

/** A Deployment, StatefulSet or DaemonSet with what its pods look like. */
export interface Workload {
  kind: 'Deployment' | 'StatefulSet' | 'DaemonSet';
  namespace: string;
  name: string;
  uid: string;
  generation: number;
  observed_generation: number;
  desired: number;
  ready: number;
  updated: number;
  available: number;
  /** Pods there are, those of an older template included. */
  pods: number;
  paused: boolean;
  /** How a new template reaches the pods; `OnDelete`: only as somebody deletes them. */
  strategy: 'RollingUpdate' | 'Recreate' | 'OnDelete';
  /** Of a StatefulSet: pods with a smaller ordinal keep the old template. 0 elsewhere. */
  partition: number;
  /** Of a StatefulSet: scaling it down deletes the volume claims of the pods that go. */
  scale_deletes_volumes: boolean;
  /** What `kubectl rollout restart` leaves in the pod template; null where nobody restarted it so. */
  restarted_at: string | null;
  /** Images of the pod template's containers, in order. */
  images: string[];
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** `Progressing=False: ProgressDeadlineExceeded` and the like; empty when nothing is wrong. */
  conditions: string[];
  created_at: Instant | null;
}

/** What the pods of one workload say, from the API server's own table of pods. */
export interface PodSummary {
  namespace: string;
  /** Name of the owning workload as derived from the pod's name; the pod's own name where that fails. */
  owner: string;
  /** The kind that the pods' names speak for; absent where they do not. A Job's pods look like a DaemonSet's. */
  kind?: Workload['kind'] | undefined;
  pods: number;
  ready: number;
  restarts: number;
  /** Instant of the newest restart, when the API server tells. */
  last_restart_at: Instant | null;
  /** Status words other than Running, Completed: `CrashLoopBackOff`: 3. */
  problems: Record<string, number>;
}

export interface KubeEvent {
  namespace: string;
  object: string;
  reason: string;
  /** Untrusted text. */
  message: string;
  count: number;
  last_seen: Instant | null;
}

export interface Alert {
  name: string;
  severity: string;
  component: string | null;
  /** The component's own namespace; absent where the labels do not tell it for sure. */
  namespace?: string | null | undefined;
  started_at: Instant | null;
  /** Untrusted text. */
  summary: string;
  state: 'active' | 'silenced' | 'inhibited';
  /** It fires because its rule had no data or failed: what the rule watches is unknown. */
  blind?: boolean | undefined;
}

export interface HealthProbe {
  name: string;
  service: string | null;
  ok: boolean;
  /** HTTP status, or null when there was no answer. */
  http_status: number | null;
  /** What was wrong, already clean of secrets. */
  reason: string | null;
  latency_ms: number;
}

/** Per service; absent series are absent here, never 0. */
export interface ServiceSignals {
  /** 0..1 by service. */
  error_rate: Record<string, number>;
  /** Seconds by service, 95th percentile. */
  latency_p95: Record<string, number>;
}

export interface CustomerAgents {
  customer: string;
  /** null: the source does not tell. */
  expected: number | null;
  connected: number | null;
  /** 0..1, only for customers over the threshold of the configured query. */
  error_ratio: number | null;
}

export interface FleetReading {
  customers: CustomerAgents[];
  versions: { version: string; agents: number }[];
  /** Parts that could not be read, in words. */
  gaps: string[];
}

/** One revision of a Helm release, from its Secret's labels and payload. */
export interface Revision {
  release: string;
  namespace: string;
  revision: number;
  /** Helm's status words: deployed, superseded, failed, uninstalled, uninstalling, pending-install, pending-upgrade, pending-rollback, unknown. */
  status: string;
  chart: string | null;
  app_version: string | null;
  deployed_at: Instant | null;
  /** Untrusted text. */
  description: string | null;
  /** Of one that was uninstalled with its history kept, where the payload was read. */
  uninstalled_at?: Instant;
  /** The revision that this one is a rollback to, where Helm recorded it by itself (Helm 4) and the payload was read. */
  rollback_to?: number;
}

/** The decoded payload of one revision. */
export interface RevisionPayload extends Revision {
  /** YAML documents joined by `---`, as Helm stored them. */
  manifest: string;
  hooks: { name: string; kind: string; events: string[] }[];
  /** What the hooks would run; may hold credentials, so only its hash is used. */
  hook_manifests: string;
  crds: string[];
  /** Computed values of the user; may hold credentials: never leaves the server unmasked. */
  config: Record<string, unknown>;
}
