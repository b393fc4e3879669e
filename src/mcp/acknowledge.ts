import { isActive } from '../domain/incident.ts';
import type { Delivery, Notice } from '../ports/notifier.ts';
import type { Store } from '../ports/store.ts';
import type { ReadContext } from './context.ts';
import { SYSTEM } from './gate/deps.ts';
import { openIncidents } from './incidents.ts';

/**
 * Tells the channels once per incident and cycle that a human has responded, whichever way that came (an approval, the terminal): a pager
 * stops calling others. It follows from the record alone; the key makes it one notice however many servers look.
 */
export async function announceResponses(
  context: Pick<ReadContext, 'record'>,
  store: Store,
  notify: (notice: Notice) => Promise<Delivery[]>,
): Promise<void> {
  for (const incident of await openIncidents(context)) {
    const response = incident.first_response;
    if (!response || incident.drill || !isActive(incident)) continue;
    const { events, repeated } = await store.append(
      incident.id,
      () => [
        {
          kind: 'notification',
          message: `acknowledged to the channels: ${response.by} responds`,
          actor: SYSTEM,
          data: { response: response.event_id },
        },
      ],
      `acknowledged:${incident.reopened}`,
    );
    const event = events[0];
    if (repeated || !event) continue;
    await notify({
      incident_id: incident.id,
      key: `${incident.id}-${event.seq}-acknowledged`,
      kind: 'acknowledged',
      severity: incident.severity,
      environment: incident.environment,
      title: incident.title,
      text: `${response.by} responds (known by ${response.known_by}).`,
      head_hash: event.hash,
      cycle: incident.reopened,
    });
  }
}
