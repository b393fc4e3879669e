import type { Workload } from '../domain/observe.ts';
import { AppError } from '../errors.ts';
import type { ReadContext } from './context.ts';

const POLL_MS = 500;

/** As `kubectl rollout status` judges it: the controller has seen the template, and all pods are new and available. */
export const rolloutDone = (workload: Workload): boolean =>
  workload.observed_generation >= workload.generation &&
  workload.updated >= workload.desired &&
  workload.available >= workload.desired &&
  workload.ready >= workload.desired;

/**
 * Waits until a workload has rolled out, with progress. Not cancelled by the client: an approved change finishes. A cluster that
 * goes away in the middle is asked again until `deadlineMs`.
 */
export async function waitForRollout(
  context: ReadContext,
  environment: string,
  target: { namespace: string; kind: Workload['kind']; name: string; generation: number },
  deadlineMs: number,
): Promise<{ done: boolean; workload: Workload | null }> {
  const kubernetes = await context.environment(environment).kubernetes();
  const end = Date.now() + deadlineMs;
  let last: Workload | null = null;
  let said = '';
  while (Date.now() < end) {
    try {
      last = await kubernetes.getWorkload(target.namespace, target.kind, target.name, {
        deadline_ms: context.config.source_deadline,
      });
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'FORBIDDEN') throw error;
    }
    if (last && last.generation >= target.generation) {
      if (rolloutDone(last)) return { done: true, workload: last };
      const now = `${target.name}: ${last.updated}/${last.desired} updated, ${last.ready} ready`;
      if (now !== said) context.progress(now);
      said = now;
    }
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  }
  return { done: false, workload: last };
}
