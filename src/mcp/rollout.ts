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

/** How often the workloads of a rollback are looked at, ms. */
const FOLLOW_MS = 500;

/** `web 1/3 updated`, then `web 2/3 ready`: the two steps of a rollout, as `kubectl rollout status` tells them. */
export function rolloutWords(workload: Workload): string {
  const { name, desired, updated, ready } = workload;
  if (workload.observed_generation < workload.generation) return `${name} 0/${desired} updated`;
  return updated < desired ? `${name} ${updated}/${desired} updated` : `${name} ${ready}/${desired} ready`;
}

type Wanted = (workload: Workload) => boolean;

/** Tells the progress of workloads while another program changes them, until `signal` ends. Never throws: it is a courtesy. */
export async function followRollout(
  context: ReadContext,
  environment: string,
  namespace: string,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<void> {
  const seen = new Map<string, { generation: number; words: string | null }>();
  const look = async (): Promise<void> => {
    const kubernetes = await context.environment(environment).kubernetes();
    const options = { deadline_ms: context.config.source_deadline };
    for (const workload of (await kubernetes.listWorkloads([namespace], options)).filter(wanted)) {
      const key = `${workload.kind}/${workload.name}`;
      const before = seen.get(key) ?? { generation: workload.generation, words: null };
      const words = rolloutWords(workload);
      // Of one that nobody has touched there is nothing to tell.
      const moves = workload.generation !== before.generation || before.words !== null || !rolloutDone(workload);
      if (moves && words !== before.words) context.progress(words);
      seen.set(key, { generation: before.generation, words: moves ? words : null });
    }
  };
  for (let last = false; !last; ) {
    last = signal.aborted;
    // The cluster may be away for a moment; what became of the change is told at its end.
    await look().catch(() => undefined);
    if (!last) await pause(FOLLOW_MS, signal);
  }
}

/** At most `ms`, less when `signal` ends. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  let wake = (): void => undefined;
  const timer = setTimeout(() => wake(), ms);
  await new Promise<void>((resolve) => {
    wake = () => resolve();
    signal.addEventListener('abort', wake, { once: true });
  });
  clearTimeout(timer);
  signal.removeEventListener('abort', wake);
}

/** Workloads that have not rolled out, with what their pods say: `web 0/2 ready (ImagePullBackOff)`. */
export async function notRolledOut(
  context: ReadContext,
  environment: string,
  namespace: string,
  wanted: Wanted,
): Promise<string[]> {
  const kubernetes = await context.environment(environment).kubernetes();
  const options = { deadline_ms: context.config.source_deadline };
  const [workloads, pods] = await Promise.all([
    kubernetes.listWorkloads([namespace], options),
    kubernetes.summarizePods([namespace], options).catch(() => []),
  ]);
  return workloads
    .filter((workload) => wanted(workload) && !rolloutDone(workload))
    .map((workload) => {
      const problems = Object.keys(pods.find((p) => p.owner === workload.name)?.problems ?? {});
      return `${rolloutWords(workload)}${problems.length > 0 ? ` (${problems.slice(0, 3).join(', ')})` : ''}`;
    });
}
