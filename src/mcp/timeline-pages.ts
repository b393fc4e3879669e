import type { TimelineEvent } from '../domain/timeline.ts';
import type { ReadContext } from './context.ts';

const PAGE = 2_000;

/** The whole timeline of one incident, read in pages. */
export async function wholeTimeline(context: Pick<ReadContext, 'record'>, id: string): Promise<TimelineEvent[]> {
  const events: TimelineEvent[] = [];
  for (;;) {
    const part = await context.record.timeline(id, { since_seq: events.at(-1)?.seq ?? 0, limit: PAGE });
    events.push(...part);
    if (part.length < PAGE) return events;
  }
}
