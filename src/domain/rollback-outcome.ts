import { maskText } from './mask.ts';
import type { Revision } from './observe.ts';
import type { Plan } from './plan.ts';
import { cleanText, oneLine } from './text.ts';

/** What became of a rollback, from what Helm said and what its records show. */
export interface RollbackOutcome {
  status: 'executed' | 'failed' | 'outcome_unknown';
  summary: string;
  details: Record<string, string | number | boolean | null>;
}

/** How the command ended. */
export interface HelmRun {
  exit_code: number | null;
  stdout: string;
  stderr: string;
  timed_out: boolean;
  not_found: boolean;
  duration_ms: number;
}

/** What was seen after the command. */
export interface Aftermath {
  /** The revisions beyond `plan.from`, newest first; undefined: the history could not be read. */
  revisions: readonly Revision[] | undefined;
  /** Workloads of the target that have not rolled out, in words: `web 0/2 ready (ImagePullBackOff)`. */
  unready: readonly string[];
  /** Names of the hooks that run on rollback. */
  hooks: readonly string[];
}

type Rolled = Pick<Plan, 'target' | 'namespace' | 'from' | 'to'>;

/** Helm writes its new revision before it touches anything: none after this long means that it never began. */
const BEGINS_WITHIN_MS = 10_000;
/** Beyond the deadline that Helm was given, until a pending revision counts as left behind. */
const GRACE_MS = 30_000;

/** Helm's first question to the cluster, before it writes anything. Source: helm.sh/helm, pkg/kube/client.go. */
const NEVER_REACHED = /cluster unreachable/i;
/** Two that began at once: Helm creates the record of its revision first, and only one can. */
const OVERTAKEN = /release: already exists|secrets "sh\.helm\.release\.[^"]*" already exists/;

/**
 * What frees a release that Helm left pending. Unlike an upgrade, a rollback is not refused by Helm then.
 * Source: helm.sh/helm, pkg/action: only upgrade.go looks for pending revisions.
 */
export const howToFree = (plan: Pick<Plan, 'target' | 'namespace'>, revision: string | number, hooks = false): string =>
  `helm refuses every upgrade of ${plan.target} until a human frees it at a terminal: helm rollback ${plan.target} ${revision} --namespace ${plan.namespace}${hooks ? ' --no-hooks' : ''}`;

/** After the command ended. */
export function outcomeOfRun(plan: Rolled, result: HelmRun, seen: Aftermath, deadlineMs: number): RollbackOutcome {
  const own = seen.revisions?.find((r) => r.revision === Number(plan.from) + 1);
  const newest = seen.revisions?.[0];
  const nothingNew = seen.revisions?.length === 0;
  const details = {
    exit_code: result.exit_code,
    new_revision: own?.revision ?? null,
    release_status: own?.status ?? null,
    duration_ms: result.duration_ms,
  };
  const as = (status: RollbackOutcome['status'], ...parts: (string | false | undefined)[]): RollbackOutcome => ({
    status,
    summary: parts.filter((part) => typeof part === 'string' && part !== '').join('; '),
    details,
  });
  const since =
    own !== undefined &&
    newest !== undefined &&
    newest.revision > own.revision &&
    `another hand has made revision ${newest.revision} (${newest.status}) since`;

  if (result.exit_code === 0 && nothingNew) {
    // Helm writes its new revision before it touches anything, so its word alone is not believed.
    return as(
      'failed',
      `helm ended without an error, but wrote no new revision: ${plan.target} is still at revision ${plan.from}`,
    );
  }
  if (result.exit_code === 0) {
    return as(
      'executed',
      `rolled back ${plan.target} to revision ${plan.to}${own ? `, now revision ${own.revision} (${own.status})` : ''}`,
      since,
    );
  }
  const said = oneLine(maskText(cleanText(result.stderr || result.stdout)), 300);
  if (result.not_found) return as('failed', 'the helm program was not found; nothing was changed');
  if (result.timed_out) {
    return as(
      'outcome_unknown',
      `helm did not end within ${Math.round(deadlineMs / 1000)} s and was stopped; the release is ${own?.status ?? 'in an unknown state'}`,
      pendingWords(plan, own, seen),
      unreadyWords(seen),
    );
  }
  if (result.exit_code === null) {
    // A signal of another hand ended it: without a new revision it had touched nothing, with one it may have.
    return nothingNew
      ? as(
          'failed',
          `helm was killed before it wrote a new revision: ${plan.target} is still at revision ${plan.from}; nothing was changed`,
        )
      : as(
          'outcome_unknown',
          `helm was killed on the way; the release is ${own ? `at revision ${own.revision} (${own.status})` : 'in an unknown state'}`,
          pendingWords(plan, own, seen),
          unreadyWords(seen),
        );
  }
  const failed = `helm failed (exit ${result.exit_code}): ${said}`;
  if (NEVER_REACHED.test(said)) return as('failed', failed, 'it had not begun, so nothing was changed');
  if (OVERTAKEN.test(said))
    return as('failed', failed, `another helm operation on ${plan.target} was quicker, and this one changed nothing`);
  if (seen.revisions === undefined) {
    return as(
      'outcome_unknown',
      failed,
      'the cluster could not be asked what became of it, and it may have taken effect in part or in whole',
    );
  }
  if (!own)
    return as(
      'failed',
      failed,
      `it wrote no new revision: ${plan.target} is still at revision ${plan.from}; nothing was changed`,
    );
  if (own.status.startsWith('pending-')) {
    const hook = hookIn(said, seen);
    return as(
      hook ? 'failed' : 'outcome_unknown',
      failed,
      hook
        ? `hook ${hook} stopped the rollback`
        : 'helm lost its way in the middle: what it had sent to the cluster stays',
      pendingWords(plan, own, seen, hook !== undefined),
      unreadyWords(seen),
    );
  }
  return as('failed', failed, stateWords(plan, own), unreadyWords(seen), since);
}

const unreadyWords = ({ unready }: Aftermath): string | false =>
  unready.length > 0 && `not ready: ${unready.join(', ')}`;

const hookIn = (said: string, { hooks }: Aftermath): string | undefined => hooks.find((name) => said.includes(name));

function pendingWords(plan: Rolled, own: Revision | undefined, seen: Aftermath, hookFailed = false): string | false {
  if (!own?.status.startsWith('pending-')) return false;
  const hooks = hookFailed && seen.hooks.length > 0;
  return `revision ${own.revision} is left ${own.status}: ${howToFree(plan, plan.to, hooks)}`;
}

/** Of a revision that Helm marked as failed. */
const stateWords = (plan: Rolled, own: Revision): string =>
  own.status === 'failed'
    ? `${plan.target} is at revision ${own.revision} (failed): what helm applied of revision ${plan.to} stays, it does not go back by itself`
    : `${plan.target} is at revision ${own.revision} (${own.status})`;

/**
 * After a crash, from the records alone. `revisions`: those beyond `plan.from`, newest first. `ageMs`: since the run began; `deadlineMs`: what the
 * whole run may take. null while it may still go on.
 */
export function outcomeFromRecords(
  plan: Rolled,
  revisions: readonly Revision[],
  ageMs: number,
  deadlineMs: number,
): RollbackOutcome | null {
  const newest = revisions[0];
  if (!newest) {
    return ageMs < BEGINS_WITHIN_MS
      ? null
      : {
          status: 'failed',
          summary: `helm wrote no new revision, so the rollback never began; ${plan.target} is still at revision ${plan.from}`,
          details: {},
        };
  }
  const own = revisions.find((r) => r.revision === Number(plan.from) + 1);
  // Helm says in each revision what made it: another hand's deploy after the crash must not count as this rollback.
  if (!own || !madeByRollback(own.description, plan.to)) {
    const other = own ?? newest;
    return {
      status: 'outcome_unknown',
      summary: `${plan.target} is at revision ${other.revision} (${other.status}), which is not evidently this rollback: ${oneLine(maskText(other.description ?? 'no description'), 120)}`,
      details: { new_revision: other.revision, release_status: other.status },
    };
  }
  const details = { new_revision: own.revision, release_status: own.status };
  const since =
    newest.revision > own.revision
      ? `; another hand has made revision ${newest.revision} (${newest.status}) since`
      : '';
  if (own.status.startsWith('pending-')) {
    if (since === '' && ageMs < deadlineMs + GRACE_MS) return null;
    return {
      status: 'outcome_unknown',
      summary: `helm was stopped in the middle: revision ${own.revision} is still ${own.status}, and what it had sent to the cluster stays${since === '' ? `; ${howToFree(plan, plan.to)}` : since}`,
      details,
    };
  }
  if (own.status === 'deployed' || own.status === 'superseded') {
    return {
      status: 'executed',
      summary: `${plan.target} is at revision ${own.revision} (${own.status}), rolled back to ${plan.to}${since}`,
      details,
    };
  }
  const why = own.description ? `: ${oneLine(maskText(cleanText(own.description)), 200)}` : '';
  return { status: 'failed', summary: `${stateWords(plan, own)}${why}${since}`, details };
}

/**
 * Source: helm.sh/helm, pkg/action/rollback.go: the words of a rollback under way or done, of one whose objects were refused (`Rollback`), and of one
 * whose workloads did not become ready (`Release`).
 */
const madeByRollback = (description: string | null, to: string | number): boolean =>
  description === `Rollback to ${to}` || /^(Rollback|Release) "[^"]*" failed/.test(description ?? '');
