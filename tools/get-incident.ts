import { z } from 'zod';
import { shortInstant } from '../src/domain/instant.ts';
import { cleanText, fence, fittingRows, oneLine, shortLine } from '../src/domain/text.ts';
import { briefOf } from '../src/mcp/brief.ts';
import type { ReadContext } from '../src/mcp/context.ts';
import { publicEvent } from '../src/mcp/event-view.ts';
import { incidentResult } from '../src/mcp/incident-view.ts';
import { clockResult, incidentOrOpen, lineOfState } from '../src/mcp/incidents.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';

const VIEWS = ['brief', 'full', 'timeline'] as const;
const ROW = 220;
/** Head and rows together; the line of state, the fence and the hint to more take the rest of 8 KB. */
const TEXT_BYTES = 7_400;
/** Approvals and action items named above the events. */
const LISTED = 8;
/** Events that a brief looks back over. */
const NEWEST = 200;

interface HeadFacts {
  incident: z.output<typeof s.incidentView>;
  approvals: {
    approval_id: string;
    status: string;
    action: string;
    target: string;
    from: string | number;
    to: string | number;
    outcome: string | null;
  }[];
  action_items: { id: string; title: string; kind: string; done: boolean }[];
}

export const getIncident = defineTool({
  name: 'get_incident',
  title: 'Show an incident',
  effect: 'read',
  card: true,
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
    if (result.brief !== null) return fence('record', result.brief);
    const rows = result.timeline.map(
      (e) =>
        `${e.id} ${shortInstant(e.occurred_at)} ${e.actor.type}/${oneLine(e.actor.name, 30)} ${e.kind}: ${oneLine(cleanText(e.message), ROW)}${e.supersedes ? ` (corrects ${e.supersedes})` : ''}`,
    );
    const head = result.view === 'timeline' ? [] : headOf(result);
    const room = TEXT_BYTES - Buffer.byteLength(head.join('\n'));
    // Whoever pages reads on from the first; else the newest matter.
    const paging = result.view === 'timeline' || result.next_since_seq !== null;
    const shown = paging ? fittingRows(rows, room) : fittingRows(rows.toReversed(), room).toReversed();
    const left = rows.length - shown.length;
    const next = paging && left > 0 ? (result.timeline[shown.length - 1]?.seq ?? null) : result.next_since_seq;
    return [
      ...head,
      shown.length > 0 ? fence('timeline', shown.join('\n')) : 'No events in this range.',
      ...(next !== null ? [`More: view timeline with since_seq ${next} (${result.events_total} events in all).`] : []),
      ...(!paging && left > 0
        ? [`${left} earlier events are not shown: view timeline with since_seq ${(result.timeline[0]?.seq ?? 1) - 1}.`]
        : []),
    ].join('\n');
  },
  incidentOf: (result) => result.incident.id,
});

const newest = (context: ReadContext, id: string, seq: number) =>
  context.record.timeline(id, { since_seq: Math.max(0, seq - NEWEST), limit: NEWEST });

/** What stands above the events; each list is cut with a count. */
function headOf({ incident, approvals, action_items }: HeadFacts): string[] {
  const more = (list: readonly unknown[], what: string): string[] =>
    list.length > LISTED ? [`${list.length - LISTED} more ${what}`] : [];
  return [
    `${incident.id} ${shortLine(incident.title, 300)}`,
    `environment ${incident.environment}; components ${shortLine(incident.components.join(', '), 300) || 'unknown'}; detected ${shortInstant(incident.detected_at)}; impact since ${incident.impact_started_at ? shortInstant(incident.impact_started_at) : 'unknown'}`,
    ...(incident.root_cause ? [`root cause: ${shortLine(incident.root_cause, 300)}`] : []),
    ...approvals
      .slice(0, LISTED)
      .map(
        (a) =>
          `${a.approval_id} ${a.status}: ${shortLine(`${a.action} ${a.target} ${a.from} -> ${a.to}${a.outcome ? ` | ${a.outcome}` : ''}`, 200)}`,
      ),
    ...more(approvals, 'approvals: see get_approval'),
    ...action_items
      .slice(0, LISTED)
      .map((i) => `${i.id} ${i.done ? 'done' : 'open'} ${i.kind}: ${shortLine(i.title, 120)}`),
    ...more(action_items, 'action items: see the post-mortem'),
  ];
}
