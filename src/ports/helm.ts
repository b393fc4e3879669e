import type { Revision, RevisionPayload } from '../domain/observe.ts';
import type { CommandResult } from './commands.ts';
import type { ReadOptions } from './kubernetes.ts';

export interface ReleaseRef {
  release: string;
  namespace: string;
}

/** A release of which no history could be read, so that its deploys are unknown. */
export interface UnseenRelease extends ReleaseRef {
  /** `configmap`: kept by a driver that is not supported; `none`: not in the cluster, which may be another driver's doing; `forbidden`. */
  cause: 'configmap' | 'none' | 'forbidden';
  reason: string;
  next: string;
}

export interface ReleaseOverview {
  /** All revisions of the releases that were found, newest first per release, by labels alone: `chart`, `app_version` and `description` are null. */
  revisions: Revision[];
  unseen: UnseenRelease[];
}

/** Release history and manifests, read from Helm's own Secrets. */
export interface HelmReader {
  /** The history of exactly these releases, a list a namespace. Throws `FORBIDDEN` only where no namespace may be read. */
  overview(refs: readonly ReleaseRef[], options: ReadOptions): Promise<ReleaseOverview>;
  /**
   * The same revisions in the same order with what only the payload tells: chart, versions, description, the exact instants. What could not be
   * read in time stays as it is, and `problem` says why; one whose record is gone or damaged stays as it is without a problem.
   */
  describe(
    revisions: readonly Revision[],
    options: ReadOptions,
  ): Promise<{ revisions: Revision[]; problem: Error | null }>;
  /** All revisions of the given releases (or of all in the namespaces given when `releases` is empty), newest first per release. Labels only: cheap. `chart`, `app_version` and `description` are filled for the newest `detail` revisions of each release. */
  history(
    namespaces: readonly string[],
    releases: readonly string[],
    detail: number,
    options: ReadOptions,
  ): Promise<Revision[]>;
  /** null when that revision does not exist. */
  payload(ref: ReleaseRef, revision: number, options: ReadOptions): Promise<RevisionPayload | null>;
  /** The argv that a rollback runs; first element `helm`. */
  rollbackCommand(ref: ReleaseRef, revision: number): Promise<string[]>;
  /** Runs the rollback with a dry run; a non-zero exit is in the result, not thrown. */
  dryRunRollback(ref: ReleaseRef, revision: number, options: ReadOptions): Promise<CommandResult>;
}

/** Acting on releases; exists only in a WriteContext. */
export interface HelmActuator {
  /** Runs the rollback and waits for the workloads; `deadline_ms` bounds it. */
  rollback(ref: ReleaseRef, revision: number, deadline_ms: number): Promise<CommandResult>;
}
