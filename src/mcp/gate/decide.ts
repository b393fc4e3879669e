import type { Approval, Decision, Way } from '../../domain/approval.ts';
import { toInstant } from '../../domain/instant.ts';
import type { PasskeyProof } from '../../domain/passkey.ts';
import type { NewEvent } from '../../domain/timeline.ts';
import { conflict, notFound } from '../../errors.ts';
import { approversOf, decide, expireIfDue } from '../../policy/approval-state.ts';
import { JOURNAL } from '../../ports/store.ts';
import { appendTo, decider, type GateDeps, SYSTEM } from './deps.ts';

export interface DecisionInput {
  decision: 'approve' | 'reject';
  way: Way;
  approver: string;
  /** True where a secret of that person's own said who it is. */
  name_proven?: boolean;
  note: string | null;
  proof?: PasskeyProof;
}

const WAY_WORDS: Record<Way, string> = {
  client_form: "the client's form (the client's word that a human filled it in)",
  terminal: "the terminal, with the approver's secret",
  page_secret: "the approval page, with the approver's secret",
  passkey: 'the approval page, with a passkey',
};

const wayWords = ({ way, name_proven }: DecisionInput): string =>
  name_proven === true && way !== 'passkey'
    ? WAY_WORDS[way].replace("the approver's secret", 'a secret of their own')
    : WAY_WORDS[way];

/** Reads one approval, storing its expiry where it is due. Errors: `NOT_FOUND`. */
export async function currentApproval(deps: Pick<GateDeps, 'store' | 'clock'>, id: string): Promise<Approval> {
  const found = await deps.store.approval(id);
  if (!found)
    throw notFound(`there is no approval ${id}.`, 'list the pending ones with get_approval, or make a new plan.');
  const now = deps.clock.now();
  if (expireIfDue(found, now).status === found.status) return found;
  return deps.store.updateApproval(id, (approval) => expireIfDue(approval, now));
}

/**
 * Writes down what a human decided, whichever way it came. A decision is final: it is refused for anything but a pending
 * plan, and for a way that policy does not accept. A human's approval is also the first response to its incident.
 * Errors: `NOT_FOUND`, `CONFLICT`, `FORBIDDEN`, `STORE`.
 */
export async function recordDecision(
  deps: Pick<GateDeps, 'store' | 'clock'>,
  id: string,
  input: DecisionInput,
): Promise<Approval> {
  const before = await currentApproval(deps, id);
  if (before.status !== 'pending') {
    throw conflict(
      `${id} is ${before.status} and can no longer be decided.`,
      'make a new plan if the change is still wanted.',
    );
  }
  const decision: Decision = { ...input, at: toInstant(deps.clock.now()) };
  const after = await deps.store.updateApproval(id, (approval) => decide(approval, decision, deps.clock.now()));
  if (after.status === 'expired') {
    throw conflict(`${id} expired before it was decided.`, 'make a new plan if the change is still wanted.');
  }
  await tellDecision(deps, after, after.decisions.length - 1);
  return after;
}

/**
 * Writes the events of all decisions that the record may lack: a server that died right after it stored a decision did not get to its event, and nothing may
 * run on a decision that the timeline does not show. Errors: `STORE`.
 */
export async function settleDecisions(deps: Pick<GateDeps, 'store'>, approval: Approval): Promise<void> {
  for (const index of approval.decisions.keys()) await tellDecision(deps, approval, index);
}

/** The event of one decision, under a key of its own: whoever finds it missing writes it, and it is there once. */
async function tellDecision(deps: Pick<GateDeps, 'store'>, approval: Approval, index: number): Promise<void> {
  const decision = approval.decisions[index];
  if (!decision) return;
  const id = approval.approval_id;
  const known = { ...approval, decisions: approval.decisions.slice(0, index + 1) };
  const missing = approval.approvers_needed - approversOf(known);
  const verdict =
    decision.decision === 'reject' ? 'rejected' : missing > 0 ? `approved (${missing} more needed)` : 'approved';
  const event: NewEvent = {
    kind: 'approval_decided',
    message: `${id} ${verdict} by ${decision.approver} through ${wayWords(decision)}${decision.note ? `: ${decision.note}` : ''}`,
    actor: decider(decision),
    approval_id: id,
    // A passkey's proof is in the chain: whoever rewrites the record cannot make another one.
    data: {
      decision: decision.decision,
      way: decision.way,
      ...(decision.name_proven ? { name_proven: true } : {}),
      ...(decision.proof ? { proof: decision.proof } : {}),
    },
    // A decision through the client's form is the client's word; policy accepted that way, so it counts, and known_by says how.
    change: { human_response: { by: decision.approver, known_by: decision.way } },
  };
  await deps.store.append(approval.incident_id ?? JOURNAL, () => [event], `decided:${id}:${index}`);
}

/** The client says its user declined without filling in the form: final, and recorded as the client's word. */
export async function recordDecline(
  deps: Pick<GateDeps, 'store' | 'clock'>,
  id: string,
  client: string,
): Promise<Approval> {
  const decision: Decision = {
    decision: 'reject',
    way: 'client_form',
    approver: client,
    note: 'the client declined',
    at: toInstant(deps.clock.now()),
  };
  const after = await deps.store.updateApproval(id, (approval) => decide(approval, decision, deps.clock.now()));
  await appendTo(deps.store, after.incident_id, {
    kind: 'approval_decided',
    message: `${id} declined: the client (${client}) declined the form`,
    actor: SYSTEM,
    approval_id: id,
    data: { decision: 'reject', way: 'client_form' },
  });
  return after;
}
