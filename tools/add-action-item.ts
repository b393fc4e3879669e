import { z } from 'zod';
import { ACTION_ITEM_KINDS, type ActionItem } from '../src/domain/incident.ts';
import { toInstant } from '../src/domain/instant.ts';
import { maskText } from '../src/domain/mask.ts';
import { oneLine } from '../src/domain/text.ts';
import { conflict, notFound } from '../src/errors.ts';
import { incidentOrOpen } from '../src/mcp/incidents.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';

const view = z.object({
  id: z.string(),
  title: z.string(),
  kind: z.enum(ACTION_ITEM_KINDS),
  owner: z.string().nullable(),
  due: z.string().nullable(),
  ticket: z.string().nullable(),
  done: z.boolean(),
  created_at: z.string(),
});

export const addActionItem = defineTool({
  name: 'add_action_item',
  title: 'Add or change an action item',
  effect: 'record',
  description:
    'Adds an action item to an incident (prevent, detect, mitigate or process), or with item_id changes one, e.g. marks it done. The post-mortem lists them.',
  input: z.strictObject({
    incident_id: s.incidentId.optional().describe('Default: the only open incident.'),
    title: s.text(300).describe('What is to be done.'),
    kind: z.enum(ACTION_ITEM_KINDS).describe('prevent, detect, mitigate or process.'),
    owner: s.text(100).optional().describe('Who does it.'),
    due: s.instant.optional().describe('Until when, with offset.'),
    ticket: s.text(300).optional().describe('Ticket or link.'),
    done: z.boolean().optional().describe('Whether it is done.'),
    item_id: z
      .string()
      .regex(/^A\d{1,4}$/, 'must look like A3')
      .optional()
      .describe('Changes this item, e.g. A3.'),
  }),
  output: z.object({ action_item: view, event_id: z.string(), incident_id: z.string() }),
  handle: async (args, context) => {
    const incident = await incidentOrOpen(context, args.incident_id);
    let item: ActionItem | undefined;
    const { events } = await context.store.append(incident.id, (current) => {
      const items = (current ?? incident).action_items;
      const before = args.item_id ? items.find((i) => i.id === args.item_id) : undefined;
      if (args.item_id && !before) {
        throw notFound(
          `${incident.id} has no action item ${args.item_id}.`,
          `it has: ${items.map((i) => i.id).join(', ') || 'none'}.`,
        );
      }
      item = {
        id: before?.id ?? `A${items.length + 1}`,
        title: maskText(oneLine(args.title, 300)),
        kind: args.kind,
        owner: args.owner ? maskText(oneLine(args.owner, 100)) : (before?.owner ?? null),
        due: args.due ?? before?.due ?? null,
        ticket: args.ticket ? maskText(oneLine(args.ticket, 300)) : (before?.ticket ?? null),
        done: args.done ?? before?.done ?? false,
        created_at: before?.created_at ?? toInstant(context.clock.now()),
      };
      return [
        {
          kind: 'action_item',
          message: `${item.id} ${before ? 'changed' : 'added'} (${item.kind}${item.done ? ', done' : ''}): ${item.title}`,
          actor: { type: 'assistant', name: context.caller.name },
          change: { action_item: item },
        },
      ];
    });
    if (!item) throw conflict('the action item was not written.', 'try again.');
    return { action_item: item, event_id: events[0]?.id ?? '', incident_id: incident.id };
  },
  render: ({ action_item: i, event_id }) =>
    `${i.id} (${event_id}) ${i.kind}${i.done ? ', done' : ''}: ${i.title}; owner ${i.owner ?? 'nobody'}, due ${i.due ?? 'open'}, ticket ${i.ticket ?? 'none'}.`,
  incidentOf: (result) => result.incident_id,
});
