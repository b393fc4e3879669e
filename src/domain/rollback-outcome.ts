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

/** Helm writes its new revision before it touches anything: none after this long means that it never began. */
const BEGINS_WITHIN_MS = 10_000;
/** Beyond the deadline that Helm was given, until a pending revision counts as left behind. */
const GRACE_MS = 30_000;

/**
 * After the command ended. `after` is the newest revision beyond `plan.from`; null: read, and there is none; undefined: the history could
 * not be read afterwards, which only costs a detail.
 */
export function outcomeOfRun(
  plan: Pick<Plan, 'target' | 'from' | 'to'>,
  result: HelmRun,
  after: Revision | null | undefined,
  deadlineMs: number,
): RollbackOutcome {
  const details = {
    exit_code: result.exit_code,
    new_revision: after?.revision ?? null,
    release_status: after?.status ?? null,
    duration_ms: result.duration_ms,
  };
  if (result.exit_code === 0 && after === null) {
    // Helm writes its new revision before it touches anything, so its word alone is not believed.
    return {
      status: 'failed',
      summary: `helm ended without an error, but wrote no new revision: ${plan.target} is still at revision ${plan.from}`,
      details,
    };
  }
  if (result.exit_code === 0) {
    return {
      status: 'executed',
      summary: `rolled back ${plan.target} to revision ${plan.to}${after ? `, now revision ${after.revision} (${after.status})` : ''}`,
      details,
    };
  }
  const said = oneLine(maskText(cleanText(result.stderr || result.stdout)), 300);
  if (result.not_found)
    return { status: 'failed', summary: 'the helm program was not found; nothing was changed', details };
  if (result.timed_out) {
    return {
      status: 'outcome_unknown',
      summary: `helm did not end within ${Math.round(deadlineMs / 1000)} s; the release is ${after?.status ?? 'in an unknown state'}`,
      details,
    };
  }
  if (result.exit_code === null) {
    // A signal of another hand ended it: without a new revision it had touched nothing, with one it may have.
    return after === null
      ? {
          status: 'failed',
          summary: `helm was killed before it wrote a new revision: ${plan.target} is still at revision ${plan.from}`,
          details,
        }
      : {
          status: 'outcome_unknown',
          summary: `helm was killed on the way; the release is ${after ? `at revision ${after.revision} (${after.status})` : 'in an unknown state'}`,
          details,
        };
  }
  return {
    status: 'failed',
    summary: `helm failed (exit ${result.exit_code}): ${said}${after ? `; the release is at revision ${after.revision} (${after.status})` : ''}`,
    details,
  };
}

/**
 * After a crash, from the records alone. `ageMs`: since the run began. null while it may still go on.
 */
export function outcomeFromRecords(
  plan: Pick<Plan, 'target' | 'from' | 'to'>,
  after: Revision | null,
  ageMs: number,
  deadlineMs: number,
): RollbackOutcome | null {
  if (!after) {
    // Helm writes its new revision before it touches anything: none after this long means that it never began.
    return ageMs < BEGINS_WITHIN_MS
      ? null
      : {
          status: 'failed',
          summary: `helm wrote no new revision, so the rollback never began; ${plan.target} is still at revision ${plan.from}`,
          details: {},
        };
  }
  const details = { new_revision: after.revision, release_status: after.status };
  // Helm says in each revision what made it: another hand's deploy after the crash must not count as this rollback.
  if (after.revision !== Number(plan.from) + 1 || !madeByRollback(after.description, plan.to)) {
    return {
      status: 'outcome_unknown',
      summary: `${plan.target} is at revision ${after.revision} (${after.status}), which is not evidently this rollback: ${oneLine(maskText(after.description ?? 'no description'), 120)}`,
      details,
    };
  }
  if (after.status.startsWith('pending-')) {
    return ageMs < deadlineMs + GRACE_MS
      ? null
      : {
          status: 'failed',
          summary: `helm was stopped in the middle: revision ${after.revision} is still ${after.status}`,
          details,
        };
  }
  if (after.status === 'deployed' || after.status === 'superseded') {
    return {
      status: 'executed',
      summary: `${plan.target} is at revision ${after.revision} (${after.status}), rolled back to ${plan.to}`,
      details,
    };
  }
  return { status: 'failed', summary: `revision ${after.revision} of ${plan.target} is ${after.status}`, details };
}

/** Source: helm.sh/helm, pkg/action/rollback.go: the words of a rollback under way or done, and of one that failed. */
const madeByRollback = (description: string | null, to: string | number): boolean =>
  description === `Rollback to ${to}` || /^Rollback "[^"]*" failed/.test(description ?? '');
