import type { Audience, Incident, SentUpdate } from '../domain/incident.ts';
import { toInstant } from '../domain/instant.ts';
import type { Actor } from '../domain/timeline.ts';
import { notFound } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Delivery, Notice } from '../ports/notifier.ts';
import type { Store } from '../ports/store.ts';

const AUDIENCE_WORDS: Record<Audience, string> = {
  internal: 'Internal update',
  executives: 'Update for executives',
  customers: 'Update for customers (approved by a human)',
};

/** Records a message and hands it to the channels. A drill's message stays in the record. */
export async function sendMessage(
  deps: { store: Store; clock: Clock; notify: (notice: Notice) => Promise<Delivery[]> },
  incidentId: string,
  audience: Audience,
  message: string,
  actor: Actor,
): Promise<{ incident: Incident; update: SentUpdate; deliveries: Delivery[] }> {
  let update: SentUpdate | undefined;
  const { incident, events } = await deps.store.append(incidentId, (current) => {
    if (!current) throw notFound(`there is no incident ${incidentId}.`, 'list_incidents shows those there are.');
    update = { id: `U${current.updates.length + 1}`, audience, message, at: toInstant(deps.clock.now()) };
    return [
      {
        kind: 'communication',
        message: `${update.id} to ${audience}: ${message}`,
        actor,
        change: { update_sent: { id: update.id, audience, message } },
      },
    ];
  });
  const event = events[0];
  if (!incident || !update || !event) throw notFound(`the message was not written to ${incidentId}.`, 'try again.');
  // As the record has it: the instant of the event, which the next deadline counts from.
  const sent = incident.updates.find((u) => u.id === update?.id) ?? update;
  if (incident.drill) return { incident, update: sent, deliveries: [] };
  const deliveries = await deps.notify({
    incident_id: incident.id,
    key: `${incident.id}-${event.seq}-update`,
    kind: 'update',
    severity: incident.severity,
    environment: incident.environment,
    title: incident.title,
    text: `${AUDIENCE_WORDS[audience]}: ${message}`,
    head_hash: event.hash,
    cycle: incident.reopened,
  });
  return { incident, update: sent, deliveries };
}
