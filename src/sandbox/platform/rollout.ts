export interface ReplicaSetCount {
  isNew: boolean;
  replicas: number;
  /** Pods of it that are ready. */
  available: number;
}

/**
 * One step of a rolling update with the defaults of a Deployment (maxSurge 25 % rounded up, maxUnavailable 25 % rounded
 * down): the replicas each set should have next, in the order given. Repeated with fresh counts it ends with `desired`
 * pods of the new set and none of the others. The rule is the Deployment controller's own.
 */
export function rolloutStep(desired: number, sets: readonly ReplicaSetCount[]): number[] {
  const maxUnavailable = Math.floor(desired * 0.25);
  const maxSurge = Math.ceil(desired * 0.25);
  const next = sets.map((set) => set.replicas);
  const total = (): number => next.reduce((sum, replicas) => sum + replicas, 0);
  const fresh = sets.findIndex((set) => set.isNew);
  const freshReplicas = next[fresh] ?? 0;
  if (fresh >= 0) {
    if (freshReplicas > desired) next[fresh] = desired;
    else next[fresh] = freshReplicas + Math.max(0, Math.min(desired - freshReplicas, desired + maxSurge - total()));
  }
  const minAvailable = desired - maxUnavailable;
  const freshUnavailable = (next[fresh] ?? 0) - Math.min(sets[fresh]?.available ?? 0, next[fresh] ?? 0);
  let removable = total() - minAvailable - freshUnavailable;
  // Old pods that do not serve are of no use to anyone and go first.
  sets.forEach((set, i) => {
    if (set.isNew || removable <= 0) return;
    const broken = Math.min((next[i] ?? 0) - Math.min(set.available, next[i] ?? 0), removable);
    next[i] = (next[i] ?? 0) - broken;
    removable -= broken;
  });
  const available = sets.reduce((sum, set, i) => sum + Math.min(set.available, next[i] ?? 0), 0);
  let spare = available - minAvailable;
  sets.forEach((set, i) => {
    if (set.isNew || spare <= 0) return;
    const fewer = Math.min(next[i] ?? 0, spare);
    next[i] = (next[i] ?? 0) - fewer;
    spare -= fewer;
  });
  return next;
}
