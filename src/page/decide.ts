import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import { z } from 'zod';
import type { Approval } from '../domain/approval.ts';
import { maskText } from '../domain/mask.ts';
import { type Passkey, thumbprint } from '../domain/passkey.ts';
import { oneLine } from '../domain/text.ts';
import { conflict, forbidden, invalidInput } from '../errors.ts';
import { currentApproval, recordDecision } from '../mcp/gate/decide.ts';
import { type Decider, deciderOf, secretWasKnown } from '../policy/people.ts';
import type { Humans } from '../ports/humans.ts';
import { assertionSchema } from './body.ts';
import type { Challenges } from './challenges.ts';
import type { PageDeps } from './deps.ts';
import type { Session } from './sessions.ts';
import { assertionOptions, checkAssertion } from './webauthn.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

export const optionsSchema = z.strictObject({ digest, decision: z.enum(['approve', 'reject']) });

export const decisionSchema = z.strictObject({
  /** Of the plan that was shown. */
  digest,
  decision: z.enum(['approve', 'reject']),
  /** Who decides by secret; a passkey knows its person. */
  approver: z.string().max(100).optional(),
  /** The plan's target, typed; needed to approve a high risk. */
  target: z.string().max(300).optional(),
  note: z.string().max(500).optional(),
  secret: z.string().max(1_000).optional(),
  passkey: assertionSchema.optional(),
});
export type DecisionBody = z.output<typeof decisionSchema>;

/** The plan as it is now, if it is the one that was shown and can still be decided. Errors: `NOT_FOUND`, `CONFLICT`. */
async function shown(deps: PageDeps, id: string, digestShown: string): Promise<Approval> {
  const approval = await currentApproval(deps, id);
  if (approval.plan.digest !== digestShown) throw conflict(`${id} is not the plan that was shown.`, 'reload the page.');
  if (approval.status !== 'pending')
    throw conflict(
      `${id} is ${approval.status}; there is nothing to decide.`,
      'make a new plan if the change is still wanted.',
    );
  return approval;
}

/** Passkeys that may decide this plan: enrolled here now, and known to the server when it made the plan. */
async function trusted(humans: Humans, approval: Approval): Promise<Passkey[]> {
  const known = new Set(approval.passkeys ?? []);
  return (await humans.passkeys()).filter((passkey) => known.has(thumbprint(passkey)));
}

/** Asks for a passkey's word on this very plan and decision. Errors: `NOT_FOUND`, `CONFLICT`, `FORBIDDEN` (no passkey may decide it). */
export async function askPasskey(
  deps: PageDeps,
  challenges: Challenges,
  id: string,
  asked: z.output<typeof optionsSchema>,
) {
  const approval = await shown(deps, id, asked.digest);
  const passkeys = await trusted(deps.humans, approval);
  if (passkeys.length === 0) {
    throw forbidden(
      `no passkey may decide ${id}: none was enrolled when it was planned.`,
      'enrol one with `incident-mcp passkey add` and make a new plan, or use another way.',
    );
  }
  return assertionOptions(challenges.give({ kind: 'decide', approval_id: id, ...asked }), passkeys);
}

/** Who decides with this secret. Errors: `FORBIDDEN` (wrong, or not known to the server that made the plan), as `Humans.bySecret`. */
async function bySecret(humans: Humans, approval: Approval, secret: string, typed: string): Promise<Decider> {
  // Or a server with another configuration on the same record could decide with a secret of its own.
  const mustBeKnown = (ids: string | null): void => {
    if (secretWasKnown(approval, ids)) return;
    throw forbidden(
      `${approval.approval_id} was planned by a server that did not know this approver's secret; nothing was decided.`,
      'open the page of that server; if the secret was set meanwhile, make a new plan.',
    );
  };
  // Nobody types a secret in vain, and a line that was added since counts no more than a strange file.
  mustBeKnown(await humans.secretId());
  const known = await humans.bySecret(secret);
  mustBeKnown(known.id);
  return deciderOf(known.person, typed, await humans.named());
}

/**
 * Takes a decision. Approving needs the secret or a passkey at this moment, whoever is signed in; whoever is signed in may reject.
 * Errors: as `recordDecision`, and `FORBIDDEN`, `INVALID_INPUT`.
 */
export async function decideOnPage(
  deps: PageDeps,
  challenges: Challenges,
  session: Session,
  id: string,
  body: DecisionBody,
  origin: string,
): Promise<Approval> {
  const approval = await shown(deps, id, body.digest);
  const note = body.note ? maskText(oneLine(body.note, 500)) || null : null;
  if (body.decision === 'approve' && approval.plan.risk === 'high' && body.target !== approval.plan.target) {
    throw invalidInput(
      `${id} is of high risk and the target typed is not its target.`,
      `type ${approval.plan.target} to approve it.`,
    );
  }
  if (body.passkey) {
    const { challenge, nonce } = challenges.take(
      body.passkey.response.clientDataJSON,
      (purpose) =>
        purpose.kind === 'decide' &&
        purpose.approval_id === id &&
        purpose.digest === body.digest &&
        purpose.decision === body.decision,
    );
    const { passkey, counter, proof } = await checkAssertion(
      body.passkey as AuthenticationResponseJSON,
      { challenge, nonce, origin },
      await trusted(deps.humans, approval),
    );
    await deps.humans.usedPasskey(passkey.id, counter);
    return recordDecision(deps, id, { decision: body.decision, way: 'passkey', approver: passkey.person, note, proof });
  }
  // Without a secret the word is that of whoever signed in: a passkey knows its person.
  const named = body.secret === undefined ? (session.person ?? body.approver) : (body.approver ?? session.person);
  const typed = maskText(oneLine(named ?? '', 100));
  if (body.secret === undefined && body.decision === 'approve')
    throw forbidden('approving needs the secret or a passkey now.', 'give one of them.');
  const who =
    body.secret === undefined
      ? { approver: typed, name_proven: false }
      : await bySecret(deps.humans, approval, body.secret, typed);
  if (who.approver === '') throw invalidInput('nobody is named as deciding.', 'fill in your name.');
  return recordDecision(deps, id, { decision: body.decision, way: 'page_secret', ...who, note });
}
