import { z } from 'zod';

import { AUDIENCES, isOpen } from '../src/domain/incident.ts';
import { maskText } from '../src/domain/mask.ts';
import { cleanText } from '../src/domain/text.ts';
import { conflict } from '../src/errors.ts';
import { gateOutput } from '../src/mcp/gate/result.ts';
import { renderGate } from '../src/mcp/gate/words.ts';
import { incidentOrOpen } from '../src/mcp/incidents.ts';
import { sendMessage } from '../src/mcp/messages.ts';
import { affectedCustomers } from '../src/mcp/plan-facts.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';

const input = z.strictObject({
  incident_id: s.incidentId.optional().describe('Default: the only open incident.'),
  audience: z.enum(AUDIENCES).describe('internal, executives or customers.'),
  message: s.text(1_500).describe('What they should know, in their words; when the next update comes.'),
  approval_id: s.approvalId.optional().describe('For customers: from the plan, after a human approved.'),
});

const update = z.object({ id: z.string(), audience: z.enum(AUDIENCES), message: z.string(), at: z.string() });

const readable = (message: string): string => maskText(cleanText(message));

/** Speaking to customers cannot be taken back, so that audience goes through the gate. */
const toCustomers = defineTool({
  name: 'send_update',
  title: 'Send an update to customers',
  effect: 'gated',
  description: 'Sends a message to customers after a human approved it.',
  input,
  plan: async (args, context) => {
    const incident = await incidentOrOpen(context, args.incident_id);
    if (!isOpen(incident))
      throw conflict(`${incident.id} is ${incident.status}.`, 'updates are sent while an incident is open.');
    const env = context.environment(incident.environment);
    const message = readable(args.message);
    return {
      action: 'send_update',
      environment: env.name,
      cluster: 'none: a message',
      target: 'customers',
      namespace: null,
      from: incident.updates.filter((u) => u.audience === 'customers').length,
      to: incident.updates.filter((u) => u.audience === 'customers').length + 1,
      command: ['send-update', incident.id, '--audience=customers'],
      changes: [{ kind: 'Message', name: incident.id, field: 'text', from: null, to: message }],
      changes_total: 1,
      blast_radius: { pods: 0, customers: await affectedCustomers(env, context) },
      warnings: ['A message to customers cannot be taken back.'],
      risk: 'medium',
      reason: `update of ${incident.id} for customers`,
      world: { incident: incident.id, message },
    };
  },
  run: async (plan, context) => {
    const { update: sent, deliveries } = await context.actuators.messenger.send(
      String(context.approval.world.incident),
      'customers',
      String(context.approval.world.message),
    );
    const said = deliveries.map((d) => `${d.channel} ${d.status}`).join(', ') || 'no channel is configured';
    return {
      status: 'executed',
      summary: `${sent.id} to ${plan.target}: ${said}`,
      details: {
        update_id: sent.id,
        deliveries: JSON.stringify(deliveries.map(({ channel, status }) => ({ channel, status }))),
      },
    };
  },
  reconcile: async (approval, context) => {
    const incident = await context.record.incident(String(approval.world.incident));
    const sent = incident?.updates.find(
      (u) =>
        u.audience === 'customers' &&
        u.message === approval.world.message &&
        u.at >= (approval.runner?.started_at ?? ''),
    );
    // The message is recorded before it goes to the outbox; recorded means that it will be delivered or is reported as failed.
    return sent
      ? {
          status: 'executed',
          summary: `${sent.id} was recorded and handed to the outbox`,
          details: { update_id: sent.id },
        }
      : { status: 'failed', summary: 'the message was not recorded, so it was not sent', details: {} };
  },
});

export const sendUpdate = defineTool({
  name: 'send_update',
  title: 'Send an update',
  effect: 'record',
  description:
    'Sends a message about an incident to the configured channels and records it, which also meets the update interval. Internal and executives: at once. Customers: makes a plan first; a human approves the exact words.',
  input,
  output: z.object({ update: update.nullable(), notifications: s.notifications, ...gateOutput.partial().shape }),
  gate: {
    tool: toCustomers,
    applies: (args) => args.audience === 'customers',
    result: (gate, args, at) => ({
      ...gate,
      update:
        gate.status === 'executed'
          ? {
              id: String(gate.outcome?.details.update_id ?? ''),
              audience: 'customers' as const,
              message: readable(args.message),
              at: gate.outcome?.finished_at ?? at,
            }
          : null,
      notifications: deliveriesOf(gate.outcome?.details.deliveries),
    }),
  },
  handle: async (args, context) => {
    const incident = await incidentOrOpen(context, args.incident_id);
    if (!isOpen(incident))
      throw conflict(`${incident.id} is ${incident.status}.`, 'updates are sent while an incident is open.');
    const sent = await sendMessage(context, incident.id, args.audience, readable(args.message), {
      type: 'assistant',
      name: context.caller.name,
    });
    return { update: sent.update, notifications: sent.deliveries, incident_id: incident.id };
  },
  render: (result) => {
    if (result.status !== undefined && result.plan !== undefined) return renderGate(gateOutput.parse(result));
    const said = result.notifications.map((n) => `${n.channel} ${n.status}`).join(', ');
    return `${result.update?.id} to ${result.update?.audience}: ${said || 'no channel is configured; it is in the record'}.`;
  },
  incidentOf: (result) => result.incident_id ?? null,
});

const deliveryList = z.array(
  z.object({ channel: z.string(), status: z.enum(['sent', 'queued', 'failed', 'not_configured']) }),
);

function deliveriesOf(text: unknown) {
  if (typeof text !== 'string') return [];
  const parsed = deliveryList.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : [];
}
