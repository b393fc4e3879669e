import { formatDuration, HOUR, MINUTE } from './instant.ts';
import { DEFAULT_MINIMUM_LIFE_MS, lastHealthy, rollbackTarget } from './last-healthy.ts';
import type { Revision } from './observe.ts';

export { type LastHealthy, lastHealthy } from './last-healthy.ts';

/** From this suspicion on a deploy is called the suspect. */
export const SUSPECT_FROM = 0.5;

/** With a known onset, suspicion halves for each hour between deploy and onset: bad deploys show soon. */
const HALF_LIFE_TO_ONSET_MS = HOUR;
/** Without an onset only recency is left, which says less and fades slower. */
const HALF_LIFE_OF_RECENCY_MS = 3 * HOUR;
const START_WITH_ONSET = 0.9;
const START_WITHOUT_ONSET = 0.6;
const AFTER_ONSET = 0.02;
/** Onsets are often given to the minute, so within one the order of onset and deploy is open. */
const ONSET_PRECISION_MS = MINUTE;
const ORDER_OPEN = 0.45;
const TIME_UNKNOWN = 0.2;

export interface CorrelateOptions {
  now: Date;
  /** Deploys older than this (ms before `now`) are left out of `deploys`, not out of the search for a healthy revision. */
  since_ms: number;
  /** When the trouble began; null where unknown. */
  onset: Date | null;
  /** Releases whose own services are unhealthy; null where health is unknown, empty where none is. */
  affected: readonly { release: string; namespace: string }[] | null;
  minimum_life_ms?: number;
}

export interface JudgedDeploy extends Revision {
  /** 0..1, two decimals. */
  suspicion: number;
  reasons: string[];
}

export interface RollbackCandidate {
  release: string;
  namespace: string;
  from_revision: number;
  to_revision: number;
  reason: string;
}

export interface Correlation {
  /** Most suspect first. */
  deploys: JudgedDeploy[];
  suspect: JudgedDeploy | null;
  /** Of the suspect's release; null without a suspect, or when nothing can be rolled back to now. */
  rollback_candidate: RollbackCandidate | null;
  /** One for each release with a suspect deploy, most suspect first; `reason` also says why there is no candidate. */
  rollback_candidates: { release: string; namespace: string; candidate: RollbackCandidate | null; reason: string }[];
}

const keyOf = (r: { release: string; namespace: string }): string => `${r.namespace}/${r.release}`;
const isPending = (status: string): boolean => status.startsWith('pending-') || status === 'uninstalling';

/**
 * Which deploy fits the trouble. A deploy shortly before the onset is the most suspect; one after it is not the cause; a release
 * whose own services are unhealthy weighs more. Nothing here proves a cause: the reasons are for a human.
 * Source: the runbook, "Triage" step 3 and "Mitigation".
 *
 * @param revisions the known history of all releases, in any order
 */
export function correlateDeploys(revisions: readonly Revision[], options: CorrelateOptions): Correlation {
  const histories = new Map<string, Revision[]>();
  for (const revision of revisions) {
    const history = histories.get(keyOf(revision));
    if (history) history.push(revision);
    else histories.set(keyOf(revision), [revision]);
  }
  for (const history of histories.values()) history.sort((a, b) => b.revision - a.revision);

  const from = options.now.getTime() - options.since_ms;
  const deploys = revisions
    .map((r) => ({ r, history: histories.get(keyOf(r)) ?? [] }))
    .filter(({ r, history }) => {
      const { at } = changeOf(r, history);
      return at === null || at >= from;
    })
    .map(({ r, history }) => judge(r, history, options))
    .sort((a, b) => b.suspicion - a.suspicion || newer(a, b));
  const suspects = deploys.filter((d) => d.suspicion >= SUSPECT_FROM);
  const seen = new Set<string>();
  const candidates = suspects.flatMap((suspect) => {
    if (seen.has(keyOf(suspect))) return [];
    seen.add(keyOf(suspect));
    return [candidateFor(suspect, histories.get(keyOf(suspect)) ?? [], options)];
  });
  return {
    deploys,
    suspect: suspects[0] ?? null,
    rollback_candidate: candidates[0]?.candidate ?? null,
    rollback_candidates: candidates,
  };
}

const newer = (a: Revision, b: Revision): number =>
  (b.deployed_at ?? '').localeCompare(a.deployed_at ?? '') || b.revision - a.revision;

/**
 * When the revision changed the platform (milliseconds, null where unknown): as it was deployed, or, where it is the present one and uninstalled,
 * as it was taken away.
 */
function changeOf(revision: Revision, history: readonly Revision[]): { at: number | null; removed: boolean } {
  const instant = (text: string | null | undefined): number | null => (text ? Date.parse(text) : null);
  const removed =
    (revision.status === 'uninstalled' || revision.status === 'uninstalling') &&
    history[0]?.revision === revision.revision;
  return { at: instant(removed ? revision.uninstalled_at : revision.deployed_at), removed };
}

function judge(revision: Revision, history: readonly Revision[], options: CorrelateOptions): JudgedDeploy {
  const { onset, affected } = options;
  const { at: changed, removed } = changeOf(revision, history);
  const reasons: string[] = [];
  let score: number;
  let afterOnset = false;
  const deployed = removed ? 'uninstalled' : 'deployed';
  const landed = removed ? 'uninstalled' : 'landed';
  if (changed === null) {
    score = TIME_UNKNOWN;
    reasons.push(`when it was ${deployed} is not known`);
  } else if (onset === null) {
    const age = Math.max(0, options.now.getTime() - changed);
    score = START_WITHOUT_ONSET * 0.5 ** (age / HALF_LIFE_OF_RECENCY_MS);
    reasons.push(`${deployed} ${formatDuration(age)} ago; the onset is unknown, so only its recency counts`);
  } else {
    const gap = onset.getTime() - changed;
    if (gap >= 0) {
      score = START_WITH_ONSET * 0.5 ** (gap / HALF_LIFE_TO_ONSET_MS);
      reasons.push(`${landed} ${formatDuration(gap)} before the onset`);
    } else if (gap > -ONSET_PRECISION_MS) {
      score = ORDER_OPEN;
      reasons.push(`${landed} within ${formatDuration(ONSET_PRECISION_MS)} of the onset: which came first is open`);
    } else {
      afterOnset = true;
      score = AFTER_ONSET;
      reasons.push(`${landed} after the onset (by ${formatDuration(gap)}), so it cannot have started it`);
    }
  }
  const successor = history.findLast((r) => r.revision > revision.revision);
  if (revision.status === 'failed') {
    score *= 0.6;
    reasons.push('failed: Helm did not finish it; parts of it may have been applied');
  } else if (isPending(revision.status)) {
    score *= 0.8;
    reasons.push(`${revision.status}: it is still running or was cut off`);
  } else if (revision.status === 'superseded' && successor) {
    const replaced = successor.deployed_at === null ? null : Date.parse(successor.deployed_at);
    const beforeTrouble = replaced !== null && replaced <= (onset ?? options.now).getTime();
    if (beforeTrouble && successor.status !== 'failed') score *= 0.3;
    reasons.push(`replaced by revision ${successor.revision}`);
  }
  if (removed) {
    // Its services are gone, which is not the same as well.
    reasons.push('nothing of it is meant to run any more');
  } else if (affected !== null && !afterOnset) {
    if (affected.some((a) => keyOf(a) === keyOf(revision))) {
      score += (1 - score) * 0.3;
      reasons.push('services of this release are unhealthy');
    } else {
      score *= 0.5;
      reasons.push('no service of this release is known to be unhealthy');
    }
  }
  return { ...revision, suspicion: Math.round(Math.min(1, Math.max(0, score)) * 100) / 100, reasons };
}

function candidateFor(suspect: JudgedDeploy, history: readonly Revision[], options: CorrelateOptions) {
  const { release, namespace } = suspect;
  const current = history[0] ?? suspect;
  const none = (reason: string) => ({ release, namespace, candidate: null, reason });
  if (isPending(current.status)) {
    return none(
      `revision ${current.revision} is ${current.status}, and what Helm does next to it would go into whatever is still running; wait for it, or, ` +
        'if nobody runs it any more, a human frees the release first (rollback_release says how)',
    );
  }
  if (current.status === 'uninstalled') {
    return none(
      `revision ${current.revision} is uninstalled: nothing of it runs; to install it again, roll back to revision ${current.revision} by its number`,
    );
  }
  const back = rollbackTarget(current);
  if (back !== null && back < suspect.revision && current.revision > suspect.revision) {
    return none(`revision ${current.revision} has rolled it back to ${back} already`);
  }
  // A suspect that was replaced meanwhile must not be the target: the search starts at it, the rollback at the current revision.
  const found = lastHealthy(history, suspect.revision, options.now, options.minimum_life_ms ?? DEFAULT_MINIMUM_LIFE_MS);
  const reason = found.reasons.join('; ');
  if (found.revision === null) return none(`no earlier healthy revision: ${reason}`);
  const candidate: RollbackCandidate = {
    release,
    namespace,
    from_revision: current.revision,
    to_revision: found.revision.revision,
    reason,
  };
  return { release, namespace, candidate, reason };
}
