import { z } from 'zod';
import { isOpen } from '../src/domain/incident.ts';
import { maskText } from '../src/domain/mask.ts';
import { oneLine } from '../src/domain/text.ts';
import { conflict, invalidInput } from '../src/errors.ts';
import type { ReadContext } from '../src/mcp/context.ts';
import { publicEvent } from '../src/mcp/event-view.ts';
import { incidentResult } from '../src/mcp/incident-view.ts';
import { clockResult, incidentOrOpen } from '../src/mcp/incidents.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';
import { personKey } from '../src/policy/approval-state.ts';

const acceptance = z.object({
  action: z.literal('accept'),
  content: z.object({ accept: z.literal(true), person: z.string().trim().min(1).max(100) }),
});

export const assignRole = defineTool({
  name: 'assign_role',
  title: 'Assign a role',
  effect: 'record',
  description:
    "Writes down who holds a role of an incident. Without `confirm` it is the assistant's word and no response of that person. With `confirm` the client's user is asked to accept the role in a form; in a terminal `incident-mcp ack --commander` does that. One commander, who does nothing else.",
  input: z.strictObject({
    incident_id: s.incidentId.optional().describe('Default: the only open incident.'),
    role: s.role.describe('commander, scribe, communications or operations.'),
    person: s.text(100).describe('Name of the person.'),
    confirm: z.boolean().optional().describe("True: ask the client's user to accept it in a form, if the client can."),
  }),
  output: z.object({
    incident: s.incidentView,
    clock: s.clockView,
    event: s.eventView,
    warning: z.string().nullable(),
  }),
  question: async (args, context) =>
    args.confirm === true
      ? {
          message: `Are you ${maskText(oneLine(args.person, 100))}, and do you take the role of ${args.role} in ${await incidentWords(context, args.incident_id)}? Accepting counts as your response to it.`,
          requestedSchema: {
            type: 'object',
            properties: {
              accept: { type: 'boolean', title: 'I take it' },
              person: { type: 'string', title: 'Your name', description: 'Written to the timeline.' },
            },
            required: ['accept', 'person'],
          },
        }
      : null,
  handle: async (args, context) => {
    const accepted = acceptance.safeParse(context.answer);
    const before = await incidentOrOpen(context, args.incident_id);
    // Only the very person whose name was asked about accepts; another name in the form leaves it the assistant's word.
    const person = maskText(oneLine(args.person, 100));
    const own = accepted.success && personKey(accepted.data.content.person) === personKey(person);
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
          message: `${args.role}: ${person}${old ? ` (before: ${old})` : ''}, ${own ? "accepted in the client's form" : 'as the assistant was told'}`,
          actor: own ? { type: 'human', name: person } : { type: 'assistant', name: context.caller.name },
          change: {
            role: { role: args.role, person, known_by: own ? 'client_form' : 'claimed_by_assistant' },
            ...(own ? { human_response: { by: person, known_by: 'client_form' as const } } : {}),
          },
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
      ...(result.event.actor.type === 'human'
        ? []
        : [
            'It does not stop the first-response clock: only an act of a human does (an approval, a form, or `incident-mcp ack`).',
          ]),
    ].join('\n'),
  incidentOf: (result) => result.incident.id,
});

const incidentWords = async (context: ReadContext, id: string | undefined): Promise<string> => {
  const incident = await incidentOrOpen(context, id);
  return `${incident.id} (${incident.severity}: ${oneLine(incident.title, 100)})`;
};
