import type { Workload } from './observe.ts';

/** How far a pod template has reached the pods of a workload, judged as `kubectl rollout status` judges it. */
export interface Rollout {
  /** `stuck`: the controller itself has given up waiting (`ProgressDeadlineExceeded`). */
  state: 'done' | 'going' | 'stuck';
  /** `1 of 3 pods new, 2 ready, 1 old left`. */
  said: string;
}

/** How many pods take a new template by themselves. */
export const replaceable = (workload: Workload): number =>
  workload.strategy === 'OnDelete' ? 0 : Math.max(0, workload.desired - workload.partition);

const gaveUp = (workload: Workload): boolean =>
  workload.conditions.some((condition) => condition.includes('ProgressDeadlineExceeded'));

/** Source: kubectl's `rollout status` (polymorphichelpers), with available pods asked for in all three kinds. */
export function rolloutOf(workload: Workload): Rollout {
  const { kind, desired, updated, ready, available, pods } = workload;
  const wanted = replaceable(workload);
  // Only a Deployment counts old pods beside new ones; the others replace each pod in its place.
  const old = kind === 'Deployment' ? Math.max(0, pods - updated) : 0;
  const said = [
    `${Math.min(updated, desired)} of ${desired} pods new`,
    `${ready} ready`,
    ...(old > 0 ? [`${old} old left`] : []),
    ...(workload.partition > 0 ? [`partition ${workload.partition}`] : []),
    ...(workload.paused ? ['paused'] : []),
  ].join(', ');
  if (workload.observed_generation < workload.generation) return { state: 'going', said };
  if (gaveUp(workload)) return { state: 'stuck', said };
  const done = updated >= wanted && old === 0 && available >= desired && ready >= desired;
  return { state: done ? 'done' : 'going', said };
}
