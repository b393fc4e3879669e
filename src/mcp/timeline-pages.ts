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
