import type { TimelineEvent } from '../domain/timeline.ts';
import type { Store } from '../ports/store.ts';

const PAGE = 2_000;

/** All events of a stream, oldest first, read in pages. */
export async function wholeTimeline(record: Pick<Store, 'timeline'>, stream: string): Promise<TimelineEvent[]> {
  const events: TimelineEvent[] = [];
  for (;;) {
    const part = await record.timeline(stream, { since_seq: events.at(-1)?.seq ?? 0, limit: PAGE });
    events.push(...part);
    if (part.length < PAGE) return events;
  }
}

/** The first event of a stream that fits, read in pages; null where none does. */
export async function findEvent(
  record: Pick<Store, 'timeline'>,
  stream: string,
  fits: (event: TimelineEvent) => boolean,
): Promise<TimelineEvent | null> {
  for (let since = 0; ; ) {
    const part = await record.timeline(stream, { since_seq: since, limit: PAGE });
    const found = part.find(fits);
    if (found) return found;
    if (part.length < PAGE) return null;
    since = part.at(-1)?.seq ?? since;
  }
}
