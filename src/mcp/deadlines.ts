import { toInstant } from '../domain/instant.ts';
import type { NewEvent } from '../domain/timeline.ts';
import type { Store } from '../ports/store.ts';
import type { ReadContext } from './context.ts';
import { SYSTEM } from './gate/deps.ts';
import { openIncidents, responseClock } from './incidents.ts';

/**
 * Writes down deadlines that passed, as events of their own. Several servers may look at once: the key of each breach makes it one event,
 * and since it is in the timeline neither a restart nor a lower severity erases it. Returns how many were written.
 */
export async function recordBreaches(
  context: Pick<ReadContext, 'config' | 'clock' | 'record'>,
  store: Store,
): Promise<number> {
  let written = 0;
  for (const incident of await openIncidents(context)) {
    for (const breach of responseClock(context, incident).breaches_due) {
      const { repeated } = await store.append(
        incident.id,
        () => [breachEvent(breach, context.clock.now())],
        `breach:${breach.kind}:${breach.due_at}`,
      );
      if (!repeated) written += 1;
    }
  }
  return written;
}

const WORDS = { first_response: 'the first response by a human', update: 'the next update' } as const;

const breachEvent = (breach: { kind: 'first_response' | 'update'; due_at: string }, now: Date): NewEvent => ({
  kind: 'clock_breached',
  message: `${WORDS[breach.kind]} was due at ${breach.due_at} and had not come by ${toInstant(now)}`,
  actor: SYSTEM,
  change: { breach },
  data: { deadline: breach.kind, due_at: breach.due_at },
});
