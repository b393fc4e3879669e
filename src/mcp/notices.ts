import type { Incident } from '../domain/incident.ts';
import type { Delivery, Notice } from '../ports/notifier.ts';
import type { RecordContext } from './context.ts';

/**
 * Tells the configured channels, and writes down what became of it. A drill tells nobody outside: its result says so by an empty list.
 * Never throws for a dead receiver; the record of the deliveries is the server's own act.
 */
export async function announce(
  context: RecordContext,
  incident: Incident,
  kind: Notice['kind'],
  text: string,
): Promise<Delivery[]> {
  if (incident.drill) return [];
  const head = await context.store.head(incident.id);
  const deliveries = await context.notify({
    incident_id: incident.id,
    key: `${incident.id}-${head.seq}-${kind}`,
    kind,
    severity: incident.severity,
    environment: incident.environment,
    title: incident.title,
    text,
    head_hash: head.hash,
    cycle: incident.reopened,
  });
  const said = deliveries.filter((d) => d.status !== 'not_configured');
  if (said.length > 0) {
    await context.store.append(incident.id, () => [
      {
        kind: 'notification',
        message: `${kind}: ${said.map((d) => `${d.channel} ${d.status}`).join(', ')}`,
        actor: { type: 'system', name: 'incident-mcp' },
        data: { deliveries: said.map((d) => ({ channel: d.channel, status: d.status })) },
      },
    ]);
  }
  return deliveries;
}
