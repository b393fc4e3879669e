import type { ManifestObject } from '../domain/manifest-diff.ts';
import type { KubeEvent, PodSummary, Workload } from '../domain/observe.ts';
import type { Change } from '../domain/plan.ts';

export interface ReadOptions {
  /** Milliseconds for the whole read. */
  deadline_ms: number;
  signal?: AbortSignal;
  /**
   * Is told each part of a list that the credentials do not allow (one kind, one namespace); the rest is then returned. Without it, or where no
   * part is allowed, the list throws.
   */
  forbidden?: (error: Error) => void;
}

export type WorkloadKind = Workload['kind'];

/** Reading one cluster through one context. Errors: `UNAVAILABLE`, `TIMEOUT`, `FORBIDDEN` (names verb and resource), `NOT_FOUND`. */
export interface KubernetesReader {
  /** Context and API server without credentials, e.g. `prod-eu (https://10.0.0.1:6443)`. Does not touch the network. */
  cluster(): Promise<string>;
  listWorkloads(namespaces: readonly string[], options: ReadOptions): Promise<Workload[]>;
  /** Grouped by owner, from the server-side table (no pod objects are moved). */
  summarizePods(namespaces: readonly string[], options: ReadOptions): Promise<PodSummary[]>;
  /** Warning events, newest first. */
  listWarnings(namespaces: readonly string[], limit: number, options: ReadOptions): Promise<KubeEvent[]>;
  /** null when it does not exist. */
  getWorkload(namespace: string, kind: WorkloadKind, name: string, options: ReadOptions): Promise<Workload | null>;
  /** HorizontalPodAutoscalers and PodDisruptionBudgets that touch a workload, in words for a warning; empty where none or not readable. */
  interferers(workload: Workload, options: ReadOptions): Promise<string[]>;
  /** Lets the API server try the steps of a rollback without keeping anything (`dryRun=All`). */
  rehearse(
    release: { release: string; namespace: string },
    steps: readonly RehearsalStep[],
    options: ReadOptions,
  ): Promise<Rehearsal>;
}

/** One object of a planned change. `before` null: the present manifest does not have it; `after` null: only its kind must still be known. */
export interface RehearsalStep {
  before: ManifestObject | null;
  after: ManifestObject | null;
  /** A hook: created anew beside the release. */
  hook?: boolean;
}

export interface Rehearsal {
  /** What the API server would refuse. */
  refusals: { object: string; error: { code: string; message: string; next: string } }[];
  /** Every field of the live objects that would change. */
  drift: Change[];
  /** Objects whose admission cannot be tried. */
  untried: string[];
}

/** What must still hold when the server applies a change; it checks and writes in one step, and refuses without changing anything. */
export interface WriteOptions extends ReadOptions {
  only_if?: { uid: string; replicas?: number };
}

/** Changing one cluster; exists only in a WriteContext. Errors also: `CONFLICT`, `INVALID_INPUT` where `only_if` does not hold. */
export interface KubernetesActuator {
  /** Sets the annotation that `kubectl rollout restart` sets (`kubectl.kubernetes.io/restartedAt`). Resolves with the new generation. */
  restart(namespace: string, kind: WorkloadKind, name: string, at: Date, options: WriteOptions): Promise<number>;
  scale(namespace: string, kind: WorkloadKind, name: string, replicas: number, options: WriteOptions): Promise<void>;
}
