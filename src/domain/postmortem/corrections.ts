import { RECORDABLE_KINDS, type TimelineEvent } from '../timeline.ts';

const RECORDABLE: ReadonlySet<string> = new Set(RECORDABLE_KINDS);

/**
 * Which event a later one corrects: id -> id of the newest correction. Only what an assistant or a human recorded can be corrected
 * away; a correction that names one of the server's own acts leaves that act standing (`disputesOf`), since the model can neither
 * omit nor change those. An event cannot correct itself or a later one.
 */
export const correctionsOf = (events: readonly TimelineEvent[]): ReadonlyMap<string, string> =>
  pointers(events, (kind) => RECORDABLE.has(kind));

/** Like `correctionsOf`, for the server's own acts: they stand, and the table says which event disagrees. */
export const disputesOf = (events: readonly TimelineEvent[]): ReadonlyMap<string, string> =>
  pointers(events, (kind) => !RECORDABLE.has(kind));

function pointers(events: readonly TimelineEvent[], wanted: (kind: string) => boolean): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const correcting = events.filter((event) => event.supersedes !== undefined);
  if (correcting.length === 0) return found;
  const byId = new Map(events.map((event) => [event.id, event]));
  for (const event of correcting) {
    const old = byId.get(event.supersedes ?? '');
    if (old && old.seq < event.seq && wanted(old.kind)) found.set(old.id, event.id);
  }
  return found;
}
