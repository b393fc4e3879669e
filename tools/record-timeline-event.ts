import { z } from 'zod';
import { shortInstant } from '../src/domain/instant.ts';
import { maskText } from '../src/domain/mask.ts';
import { cleanText, oneLine } from '../src/domain/text.ts';
import { conflict, notFound } from '../src/errors.ts';
import { publicEvent } from '../src/mcp/event-view.ts';
import { incidentOrOpen } from '../src/mcp/incidents.ts';
import { notInFuture } from '../src/mcp/not-in-future.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';

export const recordTimelineEvent = defineTool({
  name: 'record_timeline_event',
  title: 'Record a timeline event',
  effect: 'record',
  idempotent: true,
  description:
    "Writes one event into the incident's append-only timeline: what was observed, suspected, decided, said or done by people. The server records its own plans, approvals, commands and status changes itself. Nothing can be changed later: to correct an event, record a new one with supersedes.",
  input: z.strictObject({
    incident_id: s.incidentId.optional().describe('Default: the only open incident.'),
    kind: s.recordableKind.describe('What sort of event it is.'),
    message: s.text(4_000).describe('What happened, in plain words, without blame.'),
    occurred_at: s.instant
      .optional()
      .describe('When it happened, with offset, e.g. 2026-03-01T14:20:00Z. Default: now.'),
    evidence: z.array(s.text(500)).max(20).optional().describe('Links, event ids, figures that show it.'),
    supersedes: s.eventId.optional().describe('Event id that this one corrects, e.g. E12.'),
    idempotency_key: s.idempotencyKey.optional().describe('The same key gives the first answer again.'),
  }),
  output: z.object({ event: s.eventView, repeated: z.boolean() }),
  handle: async (args, context) => {
    const incident = await incidentOrOpen(context, args.incident_id);
    notInFuture('occurred_at', args.occurred_at, context.clock.now());
    const { events, repeated } = await context.store.append(
      incident.id,
      (current) => {
        if (!current) throw notFound(`there is no incident ${incident.id}.`, 'list_incidents shows those there are.');
        if (args.supersedes && Number(args.supersedes.slice(1)) > current.seq) {
          throw notFound(
            `there is no event ${args.supersedes} in ${current.id}; the last one is E${current.seq}.`,
            'read the timeline with get_incident and name the event to correct.',
          );
        }
        if (current.status === 'false_alarm') {
          throw conflict(`${current.id} is a false alarm.`, 'declare a new incident if there is one.');
        }
        return [
          {
            kind: args.kind,
            message: maskText(cleanText(args.message)),
            actor: { type: 'assistant', name: context.caller.name },
            ...(args.occurred_at ? { occurred_at: args.occurred_at } : {}),
            evidence: (args.evidence ?? []).map((item) => maskText(oneLine(item, 500))),
            ...(args.supersedes ? { supersedes: args.supersedes } : {}),
          },
        ];
      },
      args.idempotency_key === undefined ? undefined : `record_timeline_event:${args.idempotency_key}`,
    );
    const event = events[0];
    if (!event) throw notFound('the event was not written.', 'try again.');
    return { event: publicEvent(event), repeated };
  },
  render: ({ event, repeated }) =>
    `${event.id} ${repeated ? 'was recorded before (same idempotency_key)' : 'recorded'}: ${event.kind} at ${shortInstant(event.occurred_at)}.`,
});
