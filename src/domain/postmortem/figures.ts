import { formatDuration, MINUTE, shortInstant } from '../instant.ts';
import { METRIC_NAMES } from '../metrics.ts';
import type { TimelineEvent } from '../timeline.ts';
import { bullets, cite, cited, md, table } from './markdown.ts';
import type { Told } from './narrative.ts';
import { citeSome } from './timeline.ts';
import { type Facts, ofApproval, ofKind, setBy } from './types.ts';

/** An event written down so much later than it happened was reconstructed. */
const LATE_MS = 10 * MINUTE;
const MOST_ROWS = 100;

export function header(facts: Facts): string {
  const { incident, now } = facts;
  const declared = setBy(facts, (change) => change.declared);
  const severity = facts.events.filter((event) => event.kind === 'severity_changed').map((event) => event.id);
  const instant = (at: string | null, id: string | null): string => (at ? cited(shortInstant(at), id) : 'unknown');
  const step = (status: string): string | null =>
    facts.events.find((event) => event.change?.status === status)?.id ?? null;
  const rows: [string, string][] = [
    [
      'severity (first, peak, last)',
      `${incident.severity_first}, ${incident.severity_peak}, ${incident.severity} ${cite([...(declared ? [declared] : []), ...severity.slice(-5)])}`.trim(),
    ],
    [
      'status',
      cited(incident.status.replace('_', ' '), facts.events.findLast((event) => event.change?.status)?.id ?? declared),
    ],
    ['environment', cited(md(incident.environment), declared)],
    ['components', cited(incident.components.map((name) => md(name, 100)).join(', ') || 'unknown', declared)],
    [
      'impact began',
      instant(
        incident.impact_started_at,
        setBy(facts, (c) => c.impact_started_at ?? c.declared?.impact_started_at),
      ),
    ],
    ['detected', instant(incident.detected_at, declared)],
    ['declared', instant(incident.declared_at, declared)],
    ['mitigated', instant(incident.mitigated_at, setBy(facts, (c) => c.mitigated_at) ?? step('mitigated'))],
    ['resolved', instant(incident.resolved_at, step('resolved'))],
    ['closed', instant(incident.closed_at, step('closed'))],
    [
      'reopened',
      cited(
        String(incident.reopened),
        incident.reopened > 0
          ? facts.events.findLast((event) => event.change?.status === 'investigating')?.id
          : declared,
      ),
    ],
    ['drafted', shortInstant(now.toISOString())],
  ];
  return table(['', ''], rows);
}

const figureOf = (event: TimelineEvent, key: string): number | null => {
  const value = event.data?.[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
};

export function impact(facts: Facts): Told {
  const { incident, metrics } = facts;
  const began = setBy(facts, (c) => c.impact_started_at ?? c.declared?.impact_started_at);
  const ended = facts.events.find(
    (event) => event.change?.status === 'mitigated' || event.change?.status === 'resolved',
  )?.id;
  const declared = setBy(facts, (change) => change.declared);
  const lines = [
    incident.impact_started_at
      ? cited(`Impact began at ${shortInstant(incident.impact_started_at)}.`, began)
      : cited('When the impact began is unknown; durations are counted from detection.', declared),
    metrics.impact_ms === null
      ? cited('The length of the impact is unknown, since its end is not on record.', declared)
      : cited(
          `Impact lasted ${formatDuration(metrics.impact_ms)}${incident.reopened > 0 ? ', summed over the reopenings' : ''}.`,
          began ?? declared,
          ended,
        ),
  ];
  const measured = ofKind(facts, 'health_snapshot', 'verification').filter(
    (event) => figureOf(event, 'customers_affected') !== null,
  );
  const worst = measured.reduce<TimelineEvent | null>(
    (most, event) =>
      most === null || (figureOf(event, 'customers_affected') ?? 0) > (figureOf(most, 'customers_affected') ?? 0)
        ? event
        : most,
    null,
  );
  if (worst) {
    const [affected, total, percent] = ['customers_affected', 'customers_total', 'affected_percent'].map((key) =>
      figureOf(worst, key),
    );
    lines.push(
      cited(
        `Most customers seen affected at once: ${affected} of ${total ?? 'an unknown number'}${percent === null ? '' : ` (${percent} %)`}, at ${shortInstant(worst.occurred_at)}.`,
        worst.id,
      ),
    );
    const [connected, expected] = ['agents_connected', 'agents_expected'].map((key) => figureOf(worst, key));
    if (connected !== null && expected !== null)
      lines.push(cited(`Agents connected then: ${connected} of ${expected}.`, worst.id));
  } else {
    lines.push(cited('How many customers were affected was not measured.', declared));
  }
  return { body: bullets(lines), known: incident.impact_started_at !== null || worst !== null };
}

export function metricsTable(facts: Facts): string {
  const rows = METRIC_NAMES.map((name) => {
    const { ms, basis, reason, warning } = facts.metrics[name];
    const value = ms === null ? `unknown: ${reason ?? 'no reason on record'}` : formatDuration(ms);
    return [name.replaceAll('_', ' '), md(value), md(basis), warning ? md(warning) : ''];
  });
  const length = facts.metrics.impact_ms;
  rows.push([
    'length of impact',
    length === null ? 'unknown' : formatDuration(length),
    'sum of the intervals of impact',
    '',
  ]);
  const ids = [
    setBy(facts, (c) => c.declared),
    ...facts.events
      .filter((e) => e.change?.status || e.change?.mitigated_at || e.change?.impact_started_at)
      .slice(-6)
      .map((e) => e.id),
  ];
  return `${table(['metric', 'value', 'basis', 'warning'], rows)}\n\n${cited('The instants come from', ...ids)}`;
}

export function actionItems(facts: Facts): Told {
  const { action_items: items } = facts.incident;
  if (items.length === 0) return { body: '', known: false };
  const rows = items
    .slice(0, MOST_ROWS)
    .map((item) => [
      item.id,
      md(item.title, 300),
      item.kind,
      item.owner ? md(item.owner, 80) : 'nobody',
      item.due ? item.due.slice(0, 10) : 'none',
      item.ticket ? md(item.ticket, 200) : '',
      item.done ? 'yes' : 'no',
      cite(
        [setBy(facts, (change) => (change.action_item?.id === item.id ? item.id : null))].filter((id) => id !== null),
      ),
    ]);
  return { body: table(['item', 'what', 'kind', 'owner', 'due', 'ticket', 'done', 'event'], rows), known: true };
}

export function messages(facts: Facts): string {
  const sent = facts.events.flatMap((event) => {
    const update = event.change?.update_sent;
    return update ? [[`[${event.id}]`, shortInstant(event.occurred_at), update.audience, md(update.message, 500)]] : [];
  });
  const notices = ofKind(facts, 'notification');
  return [
    sent.length > 0
      ? table(['event', 'time (UTC)', 'audience', 'message'], sent.slice(0, MOST_ROWS))
      : 'No message to people is on record.',
    ...(notices.length > 0 ? [`Notifications to channels: ${notices.length}. ${citeSome(notices)}`] : []),
  ].join('\n\n');
}

export function people(facts: Facts): string {
  const lines = Object.entries(facts.incident.roles).map(([role, holder]) =>
    cited(
      `${role}: ${md(holder.person, 80)} since ${shortInstant(holder.since)} (${holder.known_by.replaceAll('_', ' ')})`,
      facts.events.findLast((event) => event.change?.role?.role === role)?.id,
    ),
  );
  for (const approval of facts.approvals) {
    for (const d of approval.decisions) {
      lines.push(
        cited(
          `${md(d.approver, 80)} ${d.decision === 'approve' ? 'approved' : 'rejected'} ${approval.approval_id} by ${d.way.replaceAll('_', ' ')}`,
          ofApproval(facts, approval.approval_id, 'approval_decided'),
        ),
      );
    }
  }
  const response = facts.incident.first_response;
  if (response) lines.push(cited(`first response: ${md(response.by, 80)}`, response.event_id));
  return lines.length > 0 ? bullets(lines.slice(0, MOST_ROWS)) : 'Nobody is on record by name.';
}

const failed = (event: TimelineEvent): boolean => {
  const deliveries = event.data?.deliveries;
  return (
    Array.isArray(deliveries) &&
    deliveries.some((d: unknown) => typeof d === 'object' && d !== null && 'status' in d && d.status === 'failed')
  );
};

/** What the record does not hold, or holds only by somebody's word. */
export function gaps(
  facts: Facts,
  found: { missing: readonly string[]; unverified: readonly string[]; shown: number },
): string {
  const { incident, events } = facts;
  const lines: string[] = [];
  if (found.missing.length > 0) lines.push(`Sections of which nothing is known: ${found.missing.join(', ')}.`);
  if (found.unverified.length > 0)
    lines.push(`Claims without evidence: ${found.unverified.length}, marked UNVERIFIED.`);
  for (const name of METRIC_NAMES) {
    const { reason, warning } = facts.metrics[name];
    if (reason !== null) lines.push(`${name.replaceAll('_', ' ')} is unknown: ${md(reason)}.`);
    if (warning !== null) lines.push(`${name.replaceAll('_', ' ')}: ${md(warning)}.`);
  }
  const blind = ofKind(facts, 'health_snapshot').filter(
    (e) => Array.isArray(e.data?.sources_down) && e.data.sources_down.length > 0,
  );
  if (blind.length > 0) lines.push(`Sources did not answer in ${blind.length} snapshots. ${citeSome(blind)}`);
  const late = events.filter((e) => Date.parse(e.recorded_at) - Date.parse(e.occurred_at) > LATE_MS);
  if (late.length > 0)
    lines.push(
      `Events written down more than ${formatDuration(LATE_MS)} after they happened: ${late.length}. ${citeSome(late)}`,
    );
  const undelivered = ofKind(facts, 'notification').filter(failed);
  if (undelivered.length > 0)
    lines.push(`Notifications that could not be delivered: ${undelivered.length}. ${citeSome(undelivered)}`);
  for (const a of facts.approvals.filter((one) => one.status === 'outcome_unknown')) {
    lines.push(
      cited(
        `What became of ${a.plan.action} of ${md(a.plan.target, 100)} is unknown (${a.approval_id}).`,
        ofApproval(facts, a.approval_id, 'command_finished', 'command_started'),
      ),
    );
  }
  const bare = incident.action_items.filter((item) => !item.done && (item.owner === null || item.due === null));
  if (bare.length > 0) lines.push(`Action items without owner or due date: ${bare.map((item) => item.id).join(', ')}.`);
  if (incident.action_items.length > 0 && !incident.action_items.some((item) => item.kind === 'prevent'))
    lines.push('No action item prevents a recurrence.');
  if (found.shown < events.length)
    lines.push(`${events.length - found.shown} of ${events.length} events are left out of the timeline above.`);
  return lines.length > 0 ? bullets(lines) : 'None found.';
}
