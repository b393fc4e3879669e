import { formatDuration, type Instant, MINUTE, shortInstant } from '../instant.ts';
import { METRIC_NAMES } from '../metrics.ts';
import type { TimelineEvent } from '../timeline.ts';
import { approvalRefs, declaredRef, type Facts, impactRef } from './facts.ts';
import { bullets, md, plural, refs } from './words.ts';

/** Without an event for longer than this, a phase of an active incident is a gap. */
export const QUIET_MS = 15 * MINUTE;
const MOST = 10;

/** What the record does not show. `unverified` is how many claims rest on no event. */
export function gaps(facts: Facts, unverified: number): string {
  const { incident } = facts;
  const lines: string[] = [];
  if (incident.impact_started_at === null && incident.status !== 'false_alarm') {
    lines.push(`The start of impact is unknown ${facts.whole}.`);
  }
  if (incident.detected_by === null) lines.push(`What detected it is unknown ${declaredRef(facts)}.`);
  if (incident.first_response === null) lines.push(`No act of a human is proven ${facts.whole}.`);
  if (incident.mitigated_at === null && incident.status !== 'false_alarm') {
    lines.push(`When the impact stopped is unknown ${facts.whole}.`);
  }
  if (incident.resolved_at === null && incident.status !== 'false_alarm') {
    lines.push(`A verified recovery is not on record; the status is ${incident.status} ${facts.whole}.`);
  }
  for (const name of METRIC_NAMES) {
    const { warning } = facts.metrics[name];
    if (warning) lines.push(`${name.replaceAll('_', ' ')}: ${md(warning)} ${facts.whole}.`);
  }
  lines.push(...quiet(facts), ...sourcesDown(facts), ...plansWithoutOutcome(facts), ...holes(facts));
  lines.push(...corrections(facts), ...evidenceMissing(facts));
  if (!facts.events.some((e) => typeof e.data?.customers_affected === 'number')) {
    lines.push(`No snapshot tells how many customers were affected ${facts.whole}.`);
  }
  if (unverified > 0)
    lines.push(`${plural(unverified, 'claim')} without evidence, marked **UNVERIFIED** above ${facts.whole}.`);
  if (lines.length === 0) lines.push(`None found ${facts.whole}.`);
  return bullets(lines);
}

interface Stretch {
  from: number;
  to: number;
}

/** When the incident was active: from the first sign, or a reopening, until resolved, closed or called a false alarm. */
function activeStretches(facts: Facts): Stretch[] {
  const { incident, now } = facts;
  const first = [incident.impact_started_at, incident.detected_at, incident.declared_at]
    .flatMap((at) => (at === null ? [] : [Date.parse(at)]))
    .reduce((a, b) => Math.min(a, b));
  const stretches: Stretch[] = [];
  let from: number | null = first;
  for (const { status, from: at } of incident.status_history) {
    const over = status === 'resolved' || status === 'closed' || status === 'false_alarm';
    if (over && from !== null) {
      stretches.push({ from, to: Date.parse(at) });
      from = null;
    } else if (!over && from === null) from = Date.parse(at);
  }
  if (from !== null) stretches.push({ from, to: now.getTime() });
  return stretches;
}

function quiet(facts: Facts): string[] {
  const { incident } = facts;
  const startRef = incident.impact_started_at ? impactRef(facts) : declaredRef(facts);
  const found: { from: number; to: number; cite: string }[] = [];
  const at = (event: TimelineEvent): number => Date.parse(event.occurred_at);
  for (const { from, to } of activeStretches(facts)) {
    let before = { at: from, ref: startRef };
    for (const event of facts.valid) {
      if (at(event) < from || at(event) > to) continue;
      const here = { at: at(event), ref: refs([event.id]) };
      if (here.at - before.at > QUIET_MS)
        found.push({ from: before.at, to: here.at, cite: join(before.ref, here.ref) });
      before = here;
    }
    if (to - before.at > QUIET_MS) found.push({ from: before.at, to, cite: before.ref });
  }
  const longest = [...found].sort((a, b) => b.to - b.from - (a.to - a.from)).slice(0, MOST);
  const lines = found
    .filter((gap) => longest.includes(gap))
    .map((g) => `No event for ${formatDuration(g.to - g.from)}, from ${show(g.from)} to ${show(g.to)} ${g.cite}.`);
  if (found.length > MOST) {
    lines.push(
      `${plural(found.length - MOST, 'shorter phase')} of more than 15 minutes without an event ${facts.whole}.`,
    );
  }
  return lines;
}

const show = (at: number): Instant => shortInstant(new Date(at).toISOString());
const join = (a: string, b: string): string => (a === b ? a : `${a} ${b}`);

/** Sources that a health snapshot of the server itself could not read. */
function sourcesDown(facts: Facts): string[] {
  const down = new Map<string, string[]>();
  for (const event of facts.events) {
    if (event.kind !== 'health_snapshot' || event.actor.type !== 'system') continue;
    const named = event.data?.sources_down;
    const names = Array.isArray(named) ? named.filter((n): n is string => typeof n === 'string') : [];
    if (event.data?.deploys === null) names.push('recent deploys');
    else if (Array.isArray(event.data?.unknown) && event.data.unknown.length > 0) names.push('some recent deploys');
    for (const name of names) down.set(name, [...(down.get(name) ?? []), event.id]);
  }
  return [...down].slice(0, MOST).map(([name, ids]) => {
    const more = ids.length > 5 ? ` and ${plural(ids.length - 5, 'more snapshot')}` : '';
    return `Source that did not answer: ${md(name, 80)} ${refs(ids.slice(0, 5))}${more}.`;
  });
}

/** Plans and commands of which the record does not say what became of them. */
function plansWithoutOutcome(facts: Facts): string[] {
  const ids = new Set<string>(facts.approvals.map((a) => a.approval_id));
  const seen = new Map<string, Set<string>>();
  for (const { approval_id: id, kind } of facts.events) {
    if (id === undefined) continue;
    ids.add(id);
    seen.set(id, (seen.get(id) ?? new Set()).add(kind));
  }
  const lines: string[] = [];
  for (const id of ids) {
    const status = facts.approvals.find((a) => a.approval_id === id)?.status;
    const kinds = seen.get(id) ?? new Set();
    const cite = approvalRefs(facts, id);
    if (status === 'outcome_unknown') lines.push(`${md(id, 40)} ran; whether it took effect is unknown ${cite}.`);
    else if (status === 'running' || (kinds.has('command_started') && !kinds.has('command_finished'))) {
      lines.push(`${md(id, 40)} was started and has no outcome on record ${cite}.`);
    } else if (status === 'approved') lines.push(`${md(id, 40)} was approved and has not run ${cite}.`);
    else if (status === 'expired') lines.push(`${md(id, 40)} expired without an outcome ${cite}.`);
    else if (status === 'pending' || (status === undefined && kinds.has('plan_proposed') && kinds.size === 1)) {
      lines.push(`${md(id, 40)} was planned; no decision and no outcome are on record ${cite}.`);
    }
  }
  return lines.slice(0, 2 * MOST);
}

/** Numbers that are not there: the record was handed over in part. */
function holes(facts: Facts): string[] {
  const seqs = facts.events.map((e) => e.seq).sort((a, b) => a - b);
  let missing = 0;
  let before = 0;
  for (const seq of seqs) {
    missing += Math.max(0, seq - before - 1);
    before = seq;
  }
  missing += Math.max(0, facts.incident.seq - before);
  return missing > 0 ? [`${plural(missing, 'event')} of the record could not be read ${facts.whole}.`] : [];
}

function corrections(facts: Facts): string[] {
  const pairs = [...facts.corrected];
  const lines = pairs.slice(0, MOST).map(([old, by]) => `[${old}] was corrected by [${by}] and is not used.`);
  if (pairs.length > MOST) lines.push(`${plural(pairs.length - MOST, 'more corrected event')} ${facts.whole}.`);
  for (const [old, by] of [...facts.disputed].slice(0, MOST)) {
    lines.push(`[${by}] disagrees with [${old}], which the server wrote itself and which stands.`);
  }
  return lines;
}

function evidenceMissing(facts: Facts): string[] {
  const ids = new Set(facts.events.map((e) => e.id));
  const bad = facts.valid.flatMap((e) =>
    e.evidence.filter((x) => /^E\d+$/.test(x) && !ids.has(x)).map((x) => ({ e, x })),
  );
  return bad.slice(0, MOST).map(({ e, x }) => `${refs([e.id])} names ${x} as evidence, which is not in the record.`);
}
