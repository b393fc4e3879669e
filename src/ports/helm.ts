import type { Revision, RevisionPayload } from '../domain/observe.ts';
import type { CommandResult } from './commands.ts';
import type { ReadOptions } from './kubernetes.ts';

export interface ReleaseRef {
  release: string;
  namespace: string;
}

/** Release history and manifests, read from Helm's own Secrets. */
export interface HelmReader {
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
