import type { Approval, Decision, Outcome } from '../domain/approval.ts';
import { formatDuration, MINUTE, toInstant } from '../domain/instant.ts';
import { conflict, forbidden, invalidInput } from '../errors.ts';
import { nameIsProven, personKey, samePerson } from './people.ts';

export { personKey } from './people.ts';

/**
 * The transitions of an approval, as pure functions for `Store.updateApproval`. Each returns the approval to be stored, which
 * may have become `expired` or `stale` instead of what was asked for: the caller looks at `status`. A step that the present
 * status does not allow throws `CONFLICT` and changes nothing. Source: the product's contract, "Approval".
 */

/** A clock that reads earlier than the approval's own making by more than this was set back: lifetimes cannot be measured by it. */
const CLOCK_TOLERANCE_MS = MINUTE;

/** Whether it comes from the person whose assistant asked: by name, or through the form of that person's own client, whatever name is typed there. */
const isRequesters = ({ requested_for }: Approval, { way, approver }: Pick<Decision, 'way' | 'approver'>): boolean =>
  way === 'client_form' || (requested_for !== undefined && samePerson(approver, requested_for));

/** Whether an approval counts at all under the policy that the plan was made under. */
const counts = (approval: Approval, decision: Decision): boolean =>
  decision.decision === 'approve' &&
  !(approval.exclude_requester === true && isRequesters(approval, decision)) &&
  !(approval.proven_names === true && !nameIsProven(decision));

/**
 * How many different people have approved. All that came through the client's form is one person at most: whoever sits there can type
 * two names, and the client could too.
 */
export function approversOf(approval: Approval): number {
  const approvals = approval.decisions.filter((decision) => counts(approval, decision));
  const people = new Set(approvals.filter((d) => d.way !== 'client_form').map((d) => personKey(d.approver)));
  const form = approvals.some((d) => d.way === 'client_form' && !people.has(personKey(d.approver)));
  return people.size + (form ? 1 : 0);
}

/** Whether the client's form can still bring this plan forward. */
export const takesForm = (approval: Approval): boolean =>
  approval.ways.includes('client_form') &&
  approval.exclude_requester !== true &&
  approval.proven_names !== true &&
  !approval.decisions.some((d) => d.decision === 'approve' && d.way === 'client_form');

function isDue(approval: Approval, now: Date): boolean {
  const at = now.getTime();
  const expires = Date.parse(approval.expires_at);
  // An instant that does not parse must not make an approval eternal.
  if (Number.isNaN(expires) || at >= expires) return true;
  return at < Date.parse(approval.created_at) - CLOCK_TOLERANCE_MS;
}

/**
 * The approval, `expired` if its lifetime is over and it has not begun to run. `expired` is final and stored, so a clock that is
 * set back later revives nothing; one set back to before the approval was made expires it too.
 */
export function expireIfDue(approval: Approval, now: Date): Approval {
  if (approval.status !== 'pending' && approval.status !== 'approved') return approval;
  return isDue(approval, now) ? { ...approval, status: 'expired' } : approval;
}

/**
 * Adds a human's decision to a pending approval. One rejection declines it for good; it becomes `approved` when enough different
 * people have approved. Returns it `expired` when its lifetime is over.
 * Throws `CONFLICT` (not pending; the same person twice), `FORBIDDEN` (policy does not accept the way, the person or a name that is only typed),
 * `INVALID_INPUT` (no name).
 */
export function decide(approval: Approval, decision: Decision, now: Date): Approval {
  const current = expireIfDue(approval, now);
  if (current.status !== 'pending') {
    if (current !== approval) return current;
    throw notPossible(current, decision.decision === 'approve' ? 'approved' : 'rejected');
  }
  const person = personKey(decision.approver);
  if (person === '') throw invalidInput('the approver has no name.', 'say who decides, in `approver`.');
  // Whoever can stop a change may stop it: only an approval needs a way that policy finds strong enough.
  if (decision.decision === 'reject') {
    return { ...current, status: 'declined', decisions: [...current.decisions, decision] };
  }
  const id = current.approval_id;
  if (!current.ways.includes(decision.way)) {
    throw forbidden(
      `policy does not accept the way ${decision.way} for ${id}.`,
      `approve it by one of: ${current.ways.join(', ')}.`,
    );
  }
  if (current.exclude_requester && isRequesters(current, decision)) {
    const who = current.requested_for ?? 'the one whose assistant asked';
    throw forbidden(
      decision.way === 'client_form'
        ? `${id} was asked for at this client, so its form does not count here.`
        : `${who} asked for ${id} and may not approve it too.`,
      `somebody else must approve it, by one of: ${current.ways.filter((way) => way !== 'client_form').join(', ')}.`,
    );
  }
  if (current.proven_names && !nameIsProven(decision)) {
    throw forbidden(
      `policy wants to know for certain who approves ${id}; a typed name does not count.`,
      'use a passkey, or a secret of your own (`incident-mcp init --secret-only --approver NAME`).',
    );
  }
  if (current.decisions.some((d) => d.decision === 'approve' && personKey(d.approver) === person)) {
    throw conflict(
      `${decision.approver.slice(0, 80)} has approved ${current.approval_id} already; it needs ${current.approvers_needed} different people.`,
      'another person must approve it.',
    );
  }
  if (decision.way === 'client_form' && !takesForm(current)) {
    throw conflict(
      `${current.approval_id} was approved through the client's form already, which counts as one person.`,
      'another person must approve it in another way.',
    );
  }
  const next: Approval = { ...current, decisions: [...current.decisions, decision] };
  return approversOf(next) >= next.approvers_needed ? { ...next, status: 'approved' } : next;
}

/**
 * The one step into `running`. Returns it `running` with its runner, `stale` when the plan made again has another digest, or
 * `expired`. Throws `CONFLICT` when it is not approved, when the arguments are other ones than those that were approved, or when
 * it was consumed before: it never returns another caller's `running`, so `running` means that this caller runs it.
 */
export function consume(
  approval: Approval,
  by: { digest: string; arguments_hash: string; runner: { pid: number; token: string } },
  now: Date,
): Approval {
  const current = expireIfDue(approval, now);
  if (current.status !== 'approved') {
    if (current !== approval) return current;
    throw notPossible(current, 'run');
  }
  if (current.arguments_hash !== by.arguments_hash) {
    throw conflict(
      `the arguments are not those that ${current.approval_id} was asked for.`,
      'call again with the same arguments, or without approval_id for a new plan.',
    );
  }
  if (approversOf(current) < current.approvers_needed || current.decisions.some((d) => d.decision === 'reject')) {
    throw conflict(`${current.approval_id} lacks approvals.`, 'call again without approval_id for a new plan.');
  }
  if (current.plan.digest !== by.digest) return { ...current, status: 'stale' };
  const { pid, token } = by.runner;
  return { ...current, status: 'running', runner: { pid, token, started_at: toInstant(now) } };
}

/** Marks a plan as overtaken by the world before it ran; unchanged once it runs or is final, so that the caller sees what it became. */
export function markStale(approval: Approval): Approval {
  if (approval.status !== 'pending' && approval.status !== 'approved') return approval;
  return { ...approval, status: 'stale' };
}

/** Records what became of a running one; nothing leaves a final state. Throws `CONFLICT` when it does not run. */
export function finish(approval: Approval, outcome: Outcome): Approval {
  if (approval.status !== 'running') throw notPossible(approval, 'finished');
  return { ...approval, status: outcome.status, outcome };
}

function notPossible(approval: Approval, verb: string) {
  const id = approval.approval_id;
  const again = 'call the tool again without approval_id for a new plan.';
  const lifetime = formatDuration(Date.parse(approval.expires_at) - Date.parse(approval.created_at));
  switch (approval.status) {
    case 'pending':
      return conflict(
        `${id} is not approved yet (${approversOf(approval)} of ${approval.approvers_needed}), so it cannot be ${verb}.`,
        'wait for the human, then call again with the same arguments and approval_id.',
      );
    case 'approved':
      return conflict(
        `${id} is approved already.`,
        'call the tool again with the same arguments and approval_id to run it.',
      );
    case 'running':
      return conflict(`${id} runs already.`, 'ask get_approval for its outcome.');
    case 'expired':
      return conflict(`${id} expired after ${lifetime}; it cannot be ${verb}.`, again);
    case 'declined':
      return conflict(`${id} was declined; it cannot be ${verb}.`, 'ask the human what to do instead.');
    case 'stale':
      return conflict(`${id} is stale: the world moved since it was planned.`, again);
    default:
      return conflict(`${id} was used already (${approval.status}); it cannot be ${verb}.`, again);
  }
}
