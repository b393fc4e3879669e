import { formatDuration, shortInstant } from '../instant.ts';
import { impactOf, METRIC_NAMES } from '../metrics.ts';
import type { TimelineEvent } from '../timeline.ts';
import { byHand, type Facts, setBy } from './facts.ts';
import { overdueBy } from './lessons.ts';
import { selectRows, spread } from './select.ts';
import { count, md, mermaidLabel, refs, table } from './words.ts';

export const DEFAULT_ROWS = 80;
/** A diagram with more entries is no longer read. */
const DIAGRAM_ENTRIES = 25;
const CELL = 300;

/** Table of events and diagram; `cited` are the events that claims rest on, which are shown before others. */
export function timeline(facts: Facts, maxRows: number, cited: ReadonlySet<string>): string {
  const all = facts.events;
  if (all.length === 0) return 'The record holds no event.';
  const max = Number.isFinite(maxRows) ? Math.max(1, Math.floor(maxRows)) : DEFAULT_ROWS;
  const rows = selectRows(all, max, cited);
  const uri = `incident://${md(facts.incident.id)}/timeline`;
  const said =
    rows.length < all.length
      ? `${count(rows.length)} of ${count(all.length)} events; the whole timeline is ${uri} ${facts.whole}.`
      : `All ${count(all.length)} events, as in ${uri} ${facts.whole}.`;
  const cells = rows.map((event) => [
    `[${event.id}]`,
    shortInstant(event.occurred_at),
    `${event.actor.type} ${md(event.actor.name, 60)}`,
    event.kind,
    message(facts, event),
    event.evidence.map((e) => (/^E\d+$/.test(e) ? `[${e}]` : md(e, 200))).join(', '),
  ]);
  return [
    said,
    table(['id', 'instant (UTC)', 'actor', 'kind', 'message', 'evidence'], cells),
    diagram(facts, selectRows(facts.valid, DIAGRAM_ENTRIES, cited)),
  ].join('\n\n');
}

function message(facts: Facts, event: TimelineEvent): string {
  const text = md(event.message, CELL);
  const by = facts.corrected.get(event.id);
  if (by) return `~~${text}~~ corrected by [${by}]`;
  const disputed = facts.disputed.get(event.id);
  if (disputed) return `${text} (written by the server; [${disputed}] disagrees)`;
  return event.supersedes ? `${text} (corrects [${md(event.supersedes, 12)}])` : text;
}

function diagram(facts: Facts, events: readonly TimelineEvent[]): string {
  const lines = ['```mermaid', 'timeline', `    title ${mermaidLabel(facts.incident.id, 40)} in UTC`];
  let day = '';
  for (const event of events) {
    const date = event.occurred_at.slice(0, 10);
    if (date !== day) lines.push(`    section ${date}`);
    day = date;
    // A colon would end the period's name.
    const time = event.occurred_at.slice(11, 16).replace(':', '.');
    lines.push(`        ${time} : ${mermaidLabel(`${event.id} ${event.kind} - ${event.message}`, 70)}`);
  }
  return [...lines, '```'].join('\n');
}

/** Figures come from the metrics alone; no claim can get in here. */
export function metrics(facts: Facts): string {
  const rows = METRIC_NAMES.map((name) => {
    const metric = facts.metrics[name];
    return [
      name.replaceAll('_', ' '),
      metric.ms === null ? 'unknown' : formatDuration(metric.ms),
      metric.from ? shortInstant(metric.from) : 'unknown',
      metric.to ? shortInstant(metric.to) : 'unknown',
      md(metric.basis),
      md([metric.reason, metric.warning && `warning: ${metric.warning}`].filter(Boolean).join('; ')),
    ];
  });
  const impact = impactOf(facts.incident, facts.events);
  const first = impact.intervals[0];
  const last = impact.intervals.at(-1);
  rows.push([
    'length of impact',
    impact.impact_ms === null ? 'unknown' : formatDuration(impact.impact_ms),
    first ? shortInstant(first.from) : 'unknown',
    last?.to ? shortInstant(last.to) : 'unknown',
    md(impact.basis),
    md(impact.reason ?? ''),
  ]);
  const note = `Computed by the server from the record ${facts.whole}; an unknown end gives no figure.`;
  return `${note}\n\n${table(['metric', 'value', 'from', 'to', 'basis', 'reason'], rows)}`;
}

export function actionItems(facts: Facts): string {
  const items = facts.incident.action_items;
  if (items.length === 0) return `- No action item is on record ${facts.whole}.`;
  return table(
    ['id', 'action', 'kind', 'owner', 'due', 'ticket', 'done', 'event'],
    items.map((item) => {
      const late = item.due && !item.done ? overdueBy(item.due, facts.now) : null;
      return [
        md(item.id),
        md(item.title, CELL),
        item.kind,
        item.owner === null ? 'nobody' : md(item.owner, 80),
        item.due === null ? 'none' : `${shortInstant(item.due)}${late ? ` (overdue by ${late})` : ''}`,
        item.ticket === null ? 'none' : md(item.ticket, 200),
        item.done ? 'yes' : 'no',
        setBy(facts, (c) => c.action_item?.id === item.id),
      ];
    }),
  );
}

export function messages(facts: Facts): string {
  const { updates } = facts.incident;
  if (updates.length === 0) return `- No message is on record ${facts.whole}.`;
  const shown = spread(updates, 40);
  const head = shown.length < updates.length ? `${shown.length} of ${updates.length} messages ${facts.whole}.\n\n` : '';
  return (
    head +
    table(
      ['id', 'instant (UTC)', 'audience', 'message', 'event'],
      shown.map((u) => [
        md(u.id),
        shortInstant(u.at),
        u.audience,
        md(u.message, CELL),
        setBy(facts, (c) => c.update_sent?.id === u.id),
      ]),
    )
  );
}

/** Who held a role, who responded, who decided: each with how that is known. */
export function people(facts: Facts): string {
  const { incident } = facts;
  const rows: string[][] = [];
  for (const event of facts.events) {
    const role = event.change?.role;
    if (role)
      rows.push([
        md(role.person, 80),
        `${role.role} since ${shortInstant(event.occurred_at)}`,
        role.known_by,
        refs([event.id]),
      ]);
  }
  const first = incident.first_response;
  if (first) rows.push([md(first.by, 80), 'first to respond', first.known_by, refs([first.event_id])]);
  for (const a of facts.approvals) {
    for (const d of a.decisions) {
      const decided = facts.events.filter((e) => e.kind === 'approval_decided' && e.approval_id === a.approval_id);
      const own = decided.find((e) => e.occurred_at === d.at) ?? decided.find((e) => e.actor.name === d.approver);
      const cite = own ? refs([own.id]) : refs(decided.map((e) => e.id)) || facts.whole;
      const verdict = d.decision === 'approve' ? 'approved' : 'rejected';
      rows.push([md(d.approver, 80), `${verdict} ${md(a.approval_id)}`, d.way, cite]);
    }
    const run = byHand(facts, a.approval_id);
    if (run)
      rows.push([md(run.person, 80), `ran ${md(a.approval_id)} (break glass)`, 'terminal', refs([run.event.id])]);
  }
  const named = new Set(rows.map((row) => row[0]));
  for (const event of facts.events) {
    const name = md(event.actor.name, 80);
    if (event.actor.type !== 'human' || named.has(name)) continue;
    named.add(name);
    rows.push([name, `wrote to the record`, 'recorded actor', refs([event.id])]);
  }
  if (rows.length === 0) return `- No person is on record ${facts.whole}.`;
  return table(['person', 'part', 'known by', 'event'], rows.slice(0, 60));
}
