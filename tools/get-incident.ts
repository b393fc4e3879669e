import { z } from 'zod';
import { shortInstant } from '../src/domain/instant.ts';
import { cleanText, fence, oneLine } from '../src/domain/text.ts';
import { briefOf } from '../src/mcp/brief.ts';
import type { ReadContext } from '../src/mcp/context.ts';
import { publicEvent } from '../src/mcp/event-view.ts';
import { incidentResult } from '../src/mcp/incident-view.ts';
import { clockResult, incidentOrOpen, lineOfState } from '../src/mcp/incidents.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';

const VIEWS = ['brief', 'full', 'timeline'] as const;
const ROW = 220;
/** Events that a brief looks back over. */
const NEWEST = 200;

export const getIncident = defineTool({
  name: 'get_incident',
  title: 'Show an incident',
  effect: 'read',
  description:
    'Shows an incident. `brief` is a handoff for somebody who knows nothing: conditions, actions, needs. `full` adds newest events, approvals and action items; `timeline` gives events, paged with since_seq and limit.',
  input: z.strictObject({
    incident_id: s.incidentId.optional().describe('Default: the only open incident.'),
    view: z.enum(VIEWS).default('full').describe('How much.'),
    since_seq: z.number().int().min(0).optional().describe('Only events after this number.'),
    limit: s.limit(200, 30).describe('Events, at most.'),
  }),
  output: z.object({
    view: z.enum(VIEWS),
    incident: s.incidentView,
    clock: s.clockView,
    brief: z.string().nullable(),
    timeline: z.array(s.eventView),
    events_total: z.number(),
    next_since_seq: z.number().nullable(),
    approvals: z.array(
      z.object({
        approval_id: z.string(),
        status: z.string(),
        action: z.string(),
        target: z.string(),
        from: z.union([z.string(), z.number()]),
        to: z.union([z.string(), z.number()]),
        outcome: z.string().nullable(),
      }),
    ),
    action_items: z.array(
      z.object({
        id: z.string(),
        title: z.string(),
        kind: z.string(),
        owner: z.string().nullable(),
        due: z.string().nullable(),
        ticket: z.string().nullable(),
        done: z.boolean(),
      }),
    ),
    state: z.string(),
  }),
  handle: async (args, context) => {
    const incident = await incidentOrOpen(context, args.incident_id);
    const approvals = await context.record.approvals({ incident_id: incident.id, limit: 20 });
    // Without a starting point the newest events matter; with one, those that follow it.
    const since = args.since_seq ?? (args.view === 'timeline' ? 0 : Math.max(0, incident.seq - args.limit));
    const events =
      args.view === 'brief' ? [] : await context.record.timeline(incident.id, { since_seq: since, limit: args.limit });
    const last = events.at(-1)?.seq ?? incident.seq;
    return {
      view: args.view,
      incident: incidentResult(incident),
      clock: clockResult(context, incident),
      brief:
        args.view === 'brief'
          ? briefOf(incident, approvals, await newest(context, incident.id, incident.seq), context.clock.now())
          : null,
      timeline: events.map(publicEvent),
      events_total: incident.seq,
      next_since_seq: args.view !== 'brief' && last < incident.seq ? last : null,
      approvals: approvals.map((a) => ({
        approval_id: a.approval_id,
        status: a.status,
        action: a.plan.action,
        target: a.plan.target,
        from: a.plan.from,
        to: a.plan.to,
        outcome: a.outcome?.summary ?? null,
      })),
      action_items: incident.action_items.map(({ id, title, kind, owner, due, ticket, done }) => ({
        id,
        title,
        kind,
        owner,
        due,
        ticket,
        done,
      })),
      state: lineOfState(context, incident),
    };
  },
  render: (result) => {
    if (result.brief !== null) return result.brief;
    const { incident } = result;
    const rows = result.timeline.map(
      (e) =>
        `${e.id} ${shortInstant(e.occurred_at)} ${e.actor.type}/${oneLine(e.actor.name, 30)} ${e.kind}: ${oneLine(cleanText(e.message), ROW)}${e.supersedes ? ` (corrects ${e.supersedes})` : ''}`,
    );
    const head =
      result.view === 'timeline'
        ? []
        : [
            `${incident.id} ${incident.title}`,
            `environment ${incident.environment}; components ${incident.components.join(', ') || 'unknown'}; detected ${shortInstant(incident.detected_at)}; impact since ${incident.impact_started_at ? shortInstant(incident.impact_started_at) : 'unknown'}`,
            ...(incident.root_cause ? [`root cause: ${oneLine(incident.root_cause, 300)}`] : []),
            ...result.approvals.map(
              (a) =>
                `${a.approval_id} ${a.status}: ${a.action} ${a.target} ${a.from} -> ${a.to}${a.outcome ? ` | ${oneLine(a.outcome, 120)}` : ''}`,
            ),
            ...result.action_items.map(
              (i) => `${i.id} ${i.done ? 'done' : 'open'} ${i.kind}: ${oneLine(i.title, 120)}`,
            ),
          ];
    return [
      ...head,
      rows.length > 0 ? fence('timeline', rows.join('\n')) : 'No events in this range.',
      ...(result.next_since_seq !== null
        ? [`More: view timeline with since_seq ${result.next_since_seq} (${result.events_total} events in all).`]
        : []),
    ].join('\n');
  },
  incidentOf: (result) => result.incident.id,
});

const newest = (context: ReadContext, id: string, seq: number) =>
  context.record.timeline(id, { since_seq: Math.max(0, seq - NEWEST), limit: NEWEST });
