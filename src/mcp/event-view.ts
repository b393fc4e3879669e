import type { TimelineEvent } from '../domain/timeline.ts';

/** An event as clients see it: without the idempotency key and the inner change. */
export function publicEvent(event: TimelineEvent) {
  const { id, seq, occurred_at, recorded_at, actor, kind, message, evidence, supersedes, approval_id, hash } = event;
  return {
    id,
    seq,
    occurred_at,
    recorded_at,
    actor,
    kind,
    message,
    evidence,
    ...(supersedes === undefined ? {} : { supersedes }),
    ...(approval_id === undefined ? {} : { approval_id }),
    hash,
  };
}
