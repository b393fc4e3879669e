import { formatDuration, shortInstant } from '../instant.ts';
import { impactOf } from '../metrics.ts';
import type { TimelineEvent } from '../timeline.ts';
import {
  approvalRefs,
  byHand,
  declaredRef,
  type Facts,
  figureOf,
  impactRef,
  lasting,
  mitigatedRef,
  ofKind,
  quoted,
  quotedAll,
  rootCauseRef,
  setBy,
} from './facts.ts';
import { selectRows } from './select.ts';
import { bullets, md, plural, refs } from './words.ts';

/** The sections that tell what happened, from summary to root cause. Every line ends in the ids of the events that show it. */

export function summary(facts: Facts): string {
  const { incident, metrics } = facts;
  const kind = incident.drill ? 'This was a drill: ' : '';
  const lines = [
    `${kind}${md(incident.id)} "${md(incident.title, 200)}" was declared in ${md(incident.environment)} at ${shortInstant(incident.declared_at)} ${declaredRef(facts)}.`,
  ];
  if (incident.summary !== null && incident.summary.trim() !== '') {
    lines.push(`${md(incident.summary)} ${setBy(facts, (c) => c.summary !== undefined || c.declared !== undefined)}`);
  }
  if (incident.components.length > 0) {
    lines.push(`Components: ${incident.components.map((c) => md(c, 100)).join(', ')} ${declaredRef(facts)}.`);
  }
  if (incident.status === 'false_alarm') {
    lines.push(`It was a false alarm ${setBy(facts, (c) => c.status === 'false_alarm')}.`);
  } else {
    if (metrics.impact_ms !== null) {
      lines.push(`The impact lasted ${formatDuration(metrics.impact_ms)} ${impactEnds(facts)}.`);
    }
    lines.push(
      incident.resolved_at
        ? `It was resolved at ${shortInstant(incident.resolved_at)} ${setBy(facts, (c) => c.status === 'resolved', 'first')}.`
        : `It is not resolved; the status is ${incident.status} ${statusRef(facts)}.`,
    );
  }
  return bullets(lines);
}

const statusRef = (facts: Facts): string =>
  facts.incident.status_history.length > 1
    ? setBy(facts, (c) => c.status === facts.incident.status)
    : declaredRef(facts);

const impactEnds = (facts: Facts): string => {
  const from = facts.incident.impact_started_at ? impactRef(facts) : declaredRef(facts);
  const to = facts.incident.mitigated_at ? mitigatedRef(facts) : setBy(facts, (c) => c.status === 'resolved', 'first');
  return [...new Set([from, to])].join(' ');
};

/** The most of a figure that the server saw in its snapshots, with the event that shows it. */
function peak(events: readonly TimelineEvent[], name: string): { value: number; event: TimelineEvent } | null {
  let best: { value: number; event: TimelineEvent } | null = null;
  for (const event of events) {
    const value = figureOf(event, name);
    if (value !== null && (best === null || value > best.value)) best = { value, event };
  }
  return best;
}

export function impact(facts: Facts): string {
  const { incident, metrics } = facts;
  const lines: string[] = [];
  lines.push(
    incident.impact_started_at
      ? `Start of impact: ${shortInstant(incident.impact_started_at)} ${impactRef(facts)}.`
      : `The start of impact is unknown; durations are counted from detection ${declaredRef(facts)}.`,
  );
  const { intervals, reason, basis } = impactOf(incident, facts.events);
  if (metrics.impact_ms === null) {
    lines.push(`Length of impact: unknown, ${md(reason ?? 'no reason is on record')} ${facts.whole}.`);
  } else {
    lines.push(`Length of impact: ${formatDuration(metrics.impact_ms)} (${md(basis)}) ${impactEnds(facts)}.`);
  }
  if (intervals.length > 1) {
    const parts = intervals.map(
      ({ from, to }) =>
        `${shortInstant(from)} to ${to === null ? 'an unknown end' : `${shortInstant(to)} (${lasting(from, to)})`}`,
    );
    const steps = facts.events.filter((e) => e.change?.status !== undefined).map((e) => e.id);
    lines.push(`Intervals of impact: ${parts.join('; ')} ${refs(steps.slice(0, 20)) || facts.whole}.`);
  }
  const customers = peak(facts.events, 'customers_affected');
  if (customers) {
    const total = figureOf(customers.event, 'customers_total');
    const share = figureOf(customers.event, 'affected_percent');
    lines.push(
      `Most customers affected at once, as measured: ${customers.value}${total === null ? '' : ` of ${total}`}${share === null ? '' : ` (${share} %)`} ${refs([customers.event.id])}.`,
    );
  } else {
    lines.push(`How many customers were affected is unknown ${facts.whole}.`);
  }
  const low = fewestAgents(facts.events);
  if (low) lines.push(low);
  return bullets(lines);
}

function fewestAgents(events: readonly TimelineEvent[]): string | null {
  let worst: { connected: number; expected: number; id: string } | null = null;
  for (const event of events) {
    const connected = figureOf(event, 'agents_connected');
    const expected = figureOf(event, 'agents_expected');
    if (connected === null || expected === null) continue;
    if (worst === null || expected - connected > worst.expected - worst.connected)
      worst = { connected, expected, id: event.id };
  }
  return worst && `Fewest agents connected, as measured: ${worst.connected} of ${worst.expected} ${refs([worst.id])}.`;
}

interface Deploy {
  text: string;
  at: number;
  onset: number;
  event: TimelineEvent;
}

/** Deploys that the server noted in its own snapshots, newest first, at most one line for each. */
function deploys(facts: Facts): Deploy[] {
  const onset = Date.parse(facts.incident.impact_started_at ?? facts.incident.detected_at);
  const found = new Map<string, Deploy>();
  for (const event of facts.events) {
    const list = event.actor.type === 'system' ? event.data?.deploys : undefined;
    if (!Array.isArray(list)) continue;
    for (const item of list as unknown[]) {
      if (typeof item !== 'object' || item === null) continue;
      const { release, revision, status, deployed_at } = item as Record<string, unknown>;
      if (typeof release !== 'string' || typeof revision !== 'number' || typeof deployed_at !== 'string') continue;
      const at = Date.parse(deployed_at);
      if (Number.isNaN(at) || at > onset) continue;
      const text = `${md(release, 80)} revision ${revision} (${md(String(status ?? 'status unknown'), 40)}) was deployed at ${shortInstant(new Date(at).toISOString())}`;
      if (!found.has(text)) found.set(text, { text, at, onset, event });
    }
  }
  return [...found.values()].sort((a, b) => b.at - a.at);
}

export function leadUp(facts: Facts): string {
  const { incident } = facts;
  const onset = Date.parse(incident.impact_started_at ?? incident.detected_at);
  const what = incident.impact_started_at ? 'the start of impact' : 'detection';
  const lines = deploys(facts)
    .slice(0, 8)
    .map((d) => `${d.text}, ${formatDuration(d.onset - d.at)} before ${what} ${refs([d.event.id])}.`);
  const before = facts.valid.filter((event) => Date.parse(event.occurred_at) < onset && event.kind !== 'declared');
  lines.push(...quotedAll(before, 8));
  if (lines.length === 0) lines.push(`Nothing before ${what} is on record ${facts.whole}.`);
  return bullets(lines);
}

export function trigger(facts: Facts): string {
  const lines: string[] = [];
  if (known(facts.incident.root_cause)) {
    lines.push(`The root cause on record says what set it off; see that section ${rootCauseRef(facts)}.`);
  } else {
    lines.push(`What set it off is not on record ${facts.whole}.`);
  }
  const nearest = deploys(facts)[0];
  if (nearest) {
    lines.push(
      `Nearest change before it, which proves no connection: ${nearest.text}, ${formatDuration(nearest.onset - nearest.at)} before ${refs([nearest.event.id])}.`,
    );
  }
  return bullets(lines);
}

const known = (text: string | null): boolean => text !== null && text.trim() !== '';

const SOURCES: Record<string, string> = {
  grafana: 'a Grafana alert',
  health_check: 'a health check',
  slo: 'a service level objective',
  support_ticket: 'a support ticket',
  investigation: 'an investigation',
  other: 'another source',
};

export function detection(facts: Facts): string {
  const { incident, metrics } = facts;
  const by = incident.detected_by;
  const source = by
    ? ` by ${SOURCES[by.source] ?? md(by.source)}${by.reference ? ` (${md(by.reference, 300)})` : ''}`
    : '; by what is not on record';
  const lines = [`Detected at ${shortInstant(incident.detected_at)}${source} ${declaredRef(facts)}.`];
  const { ms, reason } = metrics.time_to_detect;
  const cite = [...new Set([declaredRef(facts), impactRef(facts)])].join(' ');
  if (ms !== null) lines.push(`It was found ${formatDuration(ms)} after the start of impact ${cite}.`);
  else if (reason) lines.push(`Time to detect: unknown, ${md(reason)} ${cite}.`);
  lines.push(...quotedAll(ofKind(facts, 'detection')));
  return bullets(lines);
}

const RESPONDING: ReadonlySet<string> = new Set(['role_assigned', 'acknowledged', 'action', 'observation']);
const MOST_TOLD = 24;
const changesCourse = ({ change }: TimelineEvent): boolean =>
  change?.severity !== undefined || change?.status !== undefined;

export function response(facts: Facts): string {
  const { incident } = facts;
  const first = incident.first_response;
  const lines = [`Declared ${incident.severity_first} at ${shortInstant(incident.declared_at)} ${declaredRef(facts)}.`];
  lines.push(
    first
      ? `First act of a human: ${md(first.by, 80)} at ${shortInstant(first.at)}, known by ${first.known_by} ${refs([first.event_id])}.`
      : `No act of a human is on record that more than the assistant's word shows ${facts.whole}.`,
  );
  const told = facts.valid.filter((e) => e.kind !== 'declared' && (RESPONDING.has(e.kind) || changesCourse(e)));
  const shown = selectRows(told, MOST_TOLD);
  lines.push(...shown.map(quoted));
  if (shown.length < told.length) {
    const ends = refs([told[0]?.id ?? '', told.at(-1)?.id ?? '']);
    lines.push(`${plural(told.length - shown.length, 'more event')} of the response between ${ends}.`);
  }
  return bullets(lines);
}

export function mitigation(facts: Facts): string {
  const { incident } = facts;
  const lines = [
    incident.mitigated_at
      ? `The impact stopped at ${shortInstant(incident.mitigated_at)} ${mitigatedRef(facts)}.`
      : `When the impact stopped is not on record ${facts.whole}.`,
  ];
  for (const a of facts.approvals) {
    if (!a.outcome) continue;
    const approvers = a.decisions
      .filter((d) => d.decision === 'approve')
      .map((d) => `${md(d.approver, 80)} (${d.way})`);
    const { action, target, from, to, command } = a.plan;
    lines.push(
      `${md(a.approval_id)}: ${action} ${md(target, 100)} from ${md(String(from), 80)} to ${md(String(to), 80)}, approved by ${approvers.join(', ') || 'nobody on record'}${brokenGlass(facts, a.approval_id)}; ${a.outcome.status}: ${md(a.outcome.summary, 300)}; command: ${md(command.join(' '), 300)} ${approvalRefs(facts, a.approval_id)}.`,
    );
  }
  lines.push(...quotedAll(ofKind(facts, 'mitigation', 'recovery', 'verification')));
  const fixes = incident.action_items.filter((item) => item.kind === 'prevent');
  lines.push(
    fixes.length > 0
      ? `Permanent fix: ${plural(fixes.length, 'action item')} that prevent${fixes.length === 1 ? 's' : ''} it, ${fixes.filter((f) => f.done).length} done ${
          refs(
            facts.events
              .flatMap((e) => (fixes.some((f) => f.id === e.change?.action_item?.id) ? [e.id] : []))
              .slice(0, 20),
          ) || facts.whole
        }.`
      : `No permanent fix is on record ${facts.whole}.`,
  );
  return bullets(lines);
}

/** Who ran it at a terminal because no client could; empty where a client's call did. */
function brokenGlass(facts: Facts, id: string): string {
  const run = byHand(facts, id);
  return run ? `, run at a terminal by ${md(run.person, 80)} without a client (break glass)` : '';
}

export function rootCause(facts: Facts): string {
  const { root_cause: cause } = facts.incident;
  const lines = [
    cause !== null && known(cause)
      ? `${md(cause)} ${rootCauseRef(facts)}`
      : `The root cause is not on record ${facts.whole}.`,
  ];
  const hypotheses = ofKind(facts, 'hypothesis');
  if (hypotheses.length > 0) {
    lines.push(
      `Hypotheses on record, each as it stood then ${refs([hypotheses[0]?.id ?? '', hypotheses.at(-1)?.id ?? ''])}:`,
    );
    lines.push(...quotedAll(hypotheses));
  }
  return bullets(lines);
}
