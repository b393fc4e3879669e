import type { Workload } from '../domain/observe.ts';
import { rolloutOf } from '../domain/workload-rollout.ts';
import type { ReadContext } from './context.ts';

const rolloutDone = (workload: Workload): boolean => rolloutOf(workload).state === 'done';

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
