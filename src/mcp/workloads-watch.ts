import type { Approval } from '../domain/approval.ts';
import type { Workload } from '../domain/observe.ts';
import { oneLine } from '../domain/text.ts';
import { AppError } from '../errors.ts';
import type { ReadContext, RunResult } from './context.ts';
import { isRefusal, refusal } from './refusal.ts';
import { kindOf } from './workloads.ts';

const POLL_MS = 500;
/** An order whose answer was lost may still be on its way for so long. */
const SETTLE_MS = 2_000;

/** The very object of a plan; another one of that name is not it. */
export interface WorkloadRef {
  environment: string;
  namespace: string;
  kind: Workload['kind'];
  name: string;
  uid: string;
}

export const refOf = (approval: Approval): WorkloadRef => ({
  environment: approval.plan.environment,
  namespace: approval.plan.namespace ?? '',
  kind: kindOf(approval.plan.command),
  name: approval.plan.target,
  uid: String(approval.world.uid),
});

export const called = (ref: Pick<WorkloadRef, 'kind' | 'name'>): string => `${ref.kind} ${ref.name}`;

/** What one look says: go on waiting, or the end. `said` is progress for the client. */
export interface Verdict {
  verdict: 'wait' | 'good' | 'bad';
  said: string;
}

/** How watching ended. `gone`: deleted, or replaced by another object; `unread`: the cluster did not tell any more. */
export type Watched =
  | { end: 'good' | 'bad' | 'late'; workload: Workload; said: string }
  | { end: 'gone'; workload: Workload | null; said: string }
  | { end: 'unread'; workload: Workload | null; said: string };

/**
 * Looks at a workload until `judge` is sure, it is gone, or `deadlineMs` have passed, with progress. Not cancelled by the client: an approved
 * change finishes. A cluster that goes away in the middle is asked again until the deadline.
 */
export async function watchWorkload(
  context: ReadContext,
  ref: WorkloadRef,
  deadlineMs: number,
  judge: (workload: Workload) => Verdict,
): Promise<Watched> {
  const kubernetes = await context.environment(ref.environment).kubernetes();
  const end = performance.now() + deadlineMs;
  let last: Workload | null = null;
  let told = '';
  for (;;) {
    let problem: AppError | null = null;
    try {
      const left = Math.max(POLL_MS, end - performance.now());
      const seen = await kubernetes.getWorkload(ref.namespace, ref.kind, ref.name, {
        deadline_ms: Math.min(context.config.source_deadline, left),
      });
      if (seen === null) return { end: 'gone', workload: last, said: 'deleted' };
      if (seen.uid !== ref.uid) return { end: 'gone', workload: last, said: 'replaced by another object of its name' };
      last = seen;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      problem = error;
    }
    if (last && !problem) {
      const { verdict, said } = judge(last);
      if (said !== told) context.progress(`${ref.name}: ${said}`);
      told = said;
      if (verdict !== 'wait') return { end: verdict, workload: last, said };
    }
    const late = performance.now() >= end;
    if (problem && (late || problem.code === 'FORBIDDEN'))
      return { end: 'unread', workload: last, said: problem.message };
    if (late && last) return { end: 'late', workload: last, said: told };
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  }
}

/**
 * Gives one order. Null: it is in force. A refusal, or an order that evidently never arrived, is `failed`. Where the answer was lost the cluster
 * itself is asked whether it took the order, until `deadlineMs`.
 */
export async function giveOrder(
  context: ReadContext,
  ref: WorkloadRef,
  deadlineMs: number,
  give: () => Promise<unknown>,
  inForce: (workload: Workload) => boolean,
): Promise<RunResult | null> {
  let lost: AppError;
  try {
    await give();
    return null;
  } catch (error) {
    if (isRefusal(error)) return refusal(error);
    if (!(error instanceof AppError)) throw error;
    lost = error;
  }
  context.progress(`${ref.name}: the answer to the order was lost, looking whether it arrived`);
  let since: number | null = null;
  const seen = await watchWorkload(context, ref, deadlineMs, (workload) => {
    if (inForce(workload)) return { verdict: 'good', said: 'it arrived' };
    since ??= performance.now();
    const sure = performance.now() - since >= SETTLE_MS;
    return { verdict: sure ? 'bad' : 'wait', said: 'not in force' };
  });
  if (seen.end === 'good') return null;
  const why = `the answer to the order was lost (${lost.code}: ${lost.message})`;
  if (seen.end === 'bad')
    return {
      status: 'failed',
      summary: `nothing was changed: ${called(ref)} does not show the order; ${why}`,
      details: {},
    };
  return {
    status: 'outcome_unknown',
    summary:
      seen.end === 'gone'
        ? `${called(ref)} was ${seen.said}, and ${why}`
        : `it is not known whether it took effect: ${why}, and the cluster did not tell`,
    details: {},
  };
}

/** Whether an interrupted run began so long ago that an order of it can no longer be on its way. */
export const orderSettled = (approval: Approval, now: Date): boolean =>
  approval.runner === null || now.getTime() - Date.parse(approval.runner.started_at) >= SETTLE_MS;

/** Why pods of a workload are not ready, e.g. `ImagePullBackOff in 1 pod`; empty where nothing tells. */
export async function podTroubles(context: ReadContext, ref: WorkloadRef): Promise<string[]> {
  try {
    const kubernetes = await context.environment(ref.environment).kubernetes();
    const groups = await kubernetes.summarizePods([ref.namespace], { deadline_ms: context.config.source_deadline });
    const own = groups.filter((group) => group.owner === ref.name && (group.kind ?? ref.kind) === ref.kind);
    return own.flatMap((group) =>
      Object.entries(group.problems)
        .filter(([, count]) => count > 0)
        .slice(0, 4)
        .map(([word, count]) => `${oneLine(word, 60)} in ${count} ${count === 1 ? 'pod' : 'pods'}`),
    );
  } catch {
    // The outcome is known without it.
    return [];
  }
}
