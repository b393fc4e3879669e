import { formatDuration, MINUTE } from './instant.ts';
import type { Revision } from './observe.ts';

/** A revision that lived shorter than this was replaced before anybody could trust it. */
export const DEFAULT_MINIMUM_LIFE_MS = 10 * MINUTE;

/** Helm's own words for a rollback; a rollback is how people say that what it left behind was bad. */
const ROLLED_BACK = /^Rollback to (\d{1,9})$/;

export interface LastHealthy {
  /** null when there is none; `reasons` says why. */
  revision: Revision | null;
  /** One for each revision that was passed over (`revision 11 skipped: failed`), then what speaks for the chosen one. */
  reasons: string[];
}

/** Helm's words for what it did not finish. A rollback that fails turns the status of the revision before it to `superseded`, whatever it was. */
const FAILED = /^(Upgrade|Rollback|Release|Install) ".{0,80}" failed:/;
/** Of these a rollback's: an upgrade says `Upgrade`, and `Release` is also said of a first install, which nothing precedes. */
const FAILED_ROLLBACK = /^(Rollback|Release) ".{0,80}" failed:/;

const ran = (revision: Revision): boolean =>
  (revision.status === 'superseded' || revision.status === 'deployed') && !FAILED.test(revision.description ?? '');

/** True for a rollback that Helm began and did not finish. Source: helm.sh/helm, pkg/action/rollback.go. */
export const isUnfinishedRollback = ({ status, revision, description }: Revision): boolean =>
  status === 'pending-rollback' || (status === 'failed' && revision > 1 && FAILED_ROLLBACK.test(description ?? ''));
const at = (revision: Revision | undefined): number | null =>
  revision?.deployed_at ? Date.parse(revision.deployed_at) : null;

/** Target of a rollback that Helm finished; null for anything else. */
export function rollbackTarget(revision: Revision): number | null {
  const match = ran(revision) ? ROLLED_BACK.exec(revision.description?.trim() ?? '') : null;
  return match ? Number(match[1]) : null;
}

/**
 * The last healthy revision of one release before `current`: the newest earlier one that Helm finished (superseded, or still
 * called deployed after a failed upgrade) and that lived at least `minimumLifeMs` before its successor. Failed, pending and
 * uninstalled ones are passed over, as are those that a later rollback left behind or tried to, and those equal to the current one.
 * It need not be N-1. Source: the design notes, "Kubernetes and Helm".
 */
export function lastHealthy(
  revisions: readonly Revision[],
  current: number,
  now: Date,
  minimumLifeMs: number = DEFAULT_MINIMUM_LIFE_MS,
): LastHealthy {
  const newestFirst = [...revisions].sort((a, b) => b.revision - a.revision);
  const present = newestFirst.find((r) => r.revision === current);
  const equalToCurrent = present ? rollbackTarget(present) : null;
  const rollbacks = newestFirst.flatMap((r) => {
    const to = rollbackTarget(r);
    return to !== null && r.revision <= current ? [{ by: r.revision, to }] : [];
  });
  // Somebody wanted to leave what was there before such a try, also when the try failed.
  const tries = newestFirst
    .filter((r) => r.revision <= current && isUnfinishedRollback(r))
    .map((r) => ({
      by: r.revision,
      from: newestFirst.find((b) => b.revision < r.revision && !isUnfinishedRollback(b))?.revision,
    }));
  const reasons: string[] = [];
  for (const revision of newestFirst) {
    const n = revision.revision;
    if (n >= current) continue;
    const skip = (why: string): void => {
      reasons.push(`revision ${n} skipped: ${why}`);
    };
    const left = rollbacks.find((r) => n > r.to && n < r.by);
    const tried = tries.find((r) => r.from === n);
    const successor = newestFirst.findLast((r) => r.revision > n);
    const began = at(revision);
    const ended = at(successor) ?? now.getTime();
    if (!ran(revision)) skip(FAILED.test(revision.description ?? '') ? 'failed' : revision.status);
    else if (n === equalToCurrent) skip(`the current revision ${current} is a rollback to it`);
    else if (left) skip(`revision ${left.by} rolled back from it to ${left.to}`);
    else if (tried) skip(`revision ${tried.by} tried to roll back from it and did not end well`);
    else if (began !== null && ended - began < minimumLifeMs) {
      skip(`it lived only ${formatDuration(Math.max(0, ended - began))}, less than ${formatDuration(minimumLifeMs)}`);
    } else {
      const lived = began === null ? 'how long it lived is not known' : `it lived ${formatDuration(ended - began)}`;
      reasons.push(`revision ${n} is the last healthy one: ${revision.status}, ${lived}`);
      return { revision, reasons };
    }
  }
  if (reasons.length === 0) reasons.push(`there is no revision before ${current}`);
  return { revision: null, reasons };
}
