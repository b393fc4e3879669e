import { formatDuration, shortInstant } from '../instant.ts';
import { approvalRefs, declaredRef, type Facts, lasting, ofKind, quotedAll, setBy } from './facts.ts';
import { bullets, md, plural, refs } from './words.ts';

/** The sections that judge nothing and nobody: facts of the record that people will want to talk about. */

const OUTCOMES: Record<string, string> = {
  pending: 'nobody decided yet',
  approved: 'approved and not run',
  running: 'started; no outcome is on record',
  executed: 'approved and executed',
  failed: 'approved and run; it failed',
  outcome_unknown: 'approved and run; whether it took effect is unknown',
  declined: 'declined',
  expired: 'expired before it ran',
  stale: 'stale: the world moved before it ran; nothing was run',
};
const MOST = 20;

export function decisions(facts: Facts): string {
  const lines = quotedAll(ofKind(facts, 'decision'));
  for (const a of facts.approvals.slice(0, MOST)) {
    const { action, target, from, to, reason, risk } = a.plan;
    const notes = a.decisions.map(
      (d) =>
        `${md(d.approver, 80)} ${d.decision === 'approve' ? 'approved' : 'rejected'} through ${d.way}${d.note ? ` ("${md(d.note, 200)}")` : ''}`,
    );
    lines.push(
      `${md(a.approval_id)}: ${action} ${md(target, 100)} from ${md(String(from), 80)} to ${md(String(to), 80)} (${risk} risk); reason given: ${md(reason, 300)}; ${notes.length > 0 ? `${notes.join(', ')}; ` : ''}${OUTCOMES[a.status] ?? md(a.status)} ${approvalRefs(facts, a.approval_id)}.`,
    );
  }
  if (facts.approvals.length > MOST) {
    lines.push(`${plural(facts.approvals.length - MOST, 'more plan')} on record ${facts.whole}.`);
  }
  if (lines.length === 0) lines.push(`No decision and no plan is on record ${facts.whole}.`);
  return bullets(lines);
}

export function wentWell(facts: Facts): string {
  const { incident, metrics } = facts;
  const lines: string[] = [];
  if (metrics.time_to_detect.reason?.startsWith('proactive')) {
    lines.push(`It was found before the impact began ${declaredRef(facts)}.`);
  }
  const first = incident.first_response;
  if (first && !incident.breaches.some((b) => b.kind === 'first_response')) {
    lines.push(
      `No deadline of the first response was missed; a human acted ${lasting(incident.declared_at, first.at)} after the declaration ${refs([first.event_id])}.`,
    );
  }
  if (incident.updates.length > 0 && !incident.breaches.some((b) => b.kind === 'update')) {
    lines.push(
      `No update was late; ${plural(incident.updates.length, 'message')} went out ${refs(updateEvents(facts).slice(0, MOST)) || facts.whole}.`,
    );
  }
  for (const a of facts.approvals.filter((a) => a.status === 'executed').slice(0, 5)) {
    lines.push(
      `${md(a.approval_id)} ran once, as approved ${approvalRefs(facts, a.approval_id, 'approval_decided', 'command_finished')}.`,
    );
  }
  if (lines.length === 0) lines.push(`Nothing that the server can tell from the record ${facts.whole}.`);
  return bullets(lines);
}

const updateEvents = (facts: Facts): string[] =>
  facts.events.flatMap((event) => (event.change?.update_sent ? [event.id] : []));

export function wentPoorly(facts: Facts): string {
  const { incident } = facts;
  const lines: string[] = [];
  for (const breach of incident.breaches.slice(0, MOST)) {
    const what = breach.kind === 'first_response' ? 'first response' : 'next update';
    lines.push(`The deadline of the ${what}, ${shortInstant(breach.due_at)}, passed ${refs([breach.event_id])}.`);
  }
  for (const a of facts.approvals
    .filter((a) => a.status === 'failed' || a.status === 'outcome_unknown')
    .slice(0, MOST)) {
    lines.push(
      `${md(a.approval_id)} ${a.status === 'failed' ? 'failed' : 'has an unknown outcome'}: ${md(a.outcome?.summary ?? 'no summary', 300)} ${approvalRefs(facts, a.approval_id)}.`,
    );
  }
  if (incident.reopened > 0) {
    const again = facts.events.filter((e) => e.kind !== 'declared' && e.change?.status === 'investigating');
    lines.push(
      `It was reopened ${plural(incident.reopened, 'time')} ${refs(again.map((e) => e.id).slice(0, MOST)) || facts.whole}.`,
    );
  }
  if (incident.severity_peak !== incident.severity_first) {
    lines.push(
      `The severity had to be raised from ${incident.severity_first} to ${incident.severity_peak} ${setBy(facts, (c) => c.severity === incident.severity_peak, 'first')}.`,
    );
  }
  const unsent = ofKind(facts, 'notification').filter((e) => / failed\b/.test(e.message));
  lines.push(...quotedAll(unsent, 5));
  if (lines.length === 0) lines.push(`Nothing that the server can tell from the record ${facts.whole}.`);
  return bullets(lines);
}

export const lucky = (facts: Facts): string => bullets([`The record does not say; only people can ${facts.whole}.`]);

const QUESTIONS: Record<string, string> = {
  impact: 'When did the impact start?',
  trigger: 'What set it off?',
  detection: 'What noticed it first?',
  mitigation: 'What stopped the impact, and when?',
  root_cause: 'What is the root cause?',
  action_items: 'What will prevent it, or find it sooner?',
};

export function openQuestions(facts: Facts, missing: readonly string[]): string {
  const lines = missing.flatMap((id) => (QUESTIONS[id] ? [`${QUESTIONS[id]} Not on record ${facts.whole}.`] : []));
  for (const a of facts.approvals.filter((a) => a.status === 'outcome_unknown' || a.status === 'running')) {
    lines.push(`Did ${md(a.approval_id)} take effect? Not on record ${approvalRefs(facts, a.approval_id)}.`);
  }
  if (lines.length === 0) lines.push(`None that follows from the record ${facts.whole}.`);
  return bullets(lines);
}

export function seenBefore(facts: Facts): string {
  const { incident, similar } = facts;
  const lines = similar.slice(0, 10).map((other) => {
    const shared = other.components.filter((c) => incident.components.includes(c)).map((c) => md(c, 100));
    const length = other.resolved_at
      ? `resolved after ${lasting(other.declared_at, other.resolved_at)}`
      : 'not resolved';
    const cause = other.root_cause?.trim() ? `root cause: ${md(other.root_cause, 300)}` : 'root cause not on record';
    return `${md(other.id)} "${md(other.title, 200)}" (${other.severity_peak}, ${shortInstant(other.declared_at)}, ${length}; ${cause}); ${shared.length > 0 ? `the same components: ${shared.join(', ')}` : 'similar'}, see incident://${md(other.id)} ${declaredRef(facts)}.`;
  });
  if (lines.length === 0) lines.push(`No similar incident is on record ${declaredRef(facts)}.`);
  return bullets(lines);
}

/** How long ago, for a due date that passed. */
export const overdueBy = (due: string, now: Date): string | null =>
  Date.parse(due) < now.getTime() ? formatDuration(now.getTime() - Date.parse(due)) : null;
