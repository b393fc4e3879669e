import { z } from 'zod';
import { isOpen } from '../src/domain/incident.ts';
import { oneLine } from '../src/domain/text.ts';
import { conflict, invalidInput } from '../src/errors.ts';
import { publicEvent } from '../src/mcp/event-view.ts';
import { incidentResult } from '../src/mcp/incident-view.ts';
import { clockResult, incidentOrOpen } from '../src/mcp/incidents.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';

export const assignRole = defineTool({
  name: 'assign_role',
  title: 'Assign a role',
  effect: 'record',
  description:
    "Writes down who holds a role of an incident. It is the assistant's word: it does not count as that person's response. To accept a role as a human, run `incident-mcp ack --commander` in a terminal. One commander, who does nothing else.",
  input: z.strictObject({
    incident_id: s.incidentId.optional().describe('Default: the only open incident.'),
    role: s.role.describe('commander, scribe, communications or operations.'),
    person: s.text(100).describe('Name of the person.'),
  }),
  output: z.object({
    incident: s.incidentView,
    clock: s.clockView,
    event: s.eventView,
    warning: z.string().nullable(),
  }),
  handle: async (args, context) => {
    const before = await incidentOrOpen(context, args.incident_id);
    const person = oneLine(args.person, 100);
    if (person === '') throw invalidInput('person holds no readable name.', 'give the name of the person');
    const { incident, events } = await context.store.append(before.id, (current) => {
      const now = current ?? before;
      if (!isOpen(now)) throw conflict(`${now.id} is ${now.status}.`, 'roles are given in open incidents only.');
      if (now.roles[args.role]?.person === person)
        throw conflict(`${person} is ${args.role} already.`, 'nothing needs to be done.');
      const old = now.roles[args.role]?.person;
      return [
        {
          kind: 'role_assigned',
          message: `${args.role}: ${person}${old ? ` (before: ${old})` : ''}, as the assistant was told`,
          actor: { type: 'assistant', name: context.caller.name },
          change: { role: { role: args.role, person, known_by: 'claimed_by_assistant' } },
        },
      ];
    });
    const after = incident ?? before;
    const event = events[0];
    if (!event) throw conflict('the role was not written.', 'try again.');
    const others = Object.entries(after.roles).filter(
      ([role, holder]) => role !== 'commander' && holder?.person === after.roles.commander?.person,
    );
    return {
      incident: incidentResult(after),
      clock: clockResult(context, after),
      event: publicEvent(event),
      warning:
        others.length > 0
          ? `${after.roles.commander?.person} is commander and ${others.map(([role]) => role).join(', ')}; a commander should do nothing else.`
          : null,
    };
  },
  render: (result) =>
    [
      `${result.event.id}: ${result.event.message}.`,
      ...(result.warning ? [result.warning] : []),
      'This does not stop the first-response clock: only an act of a human does (an approval, or `incident-mcp ack`).',
    ].join('\n'),
  incidentOf: (result) => result.incident.id,
});
