import type { PasskeyProof } from '../domain/passkey.ts';
import type { TimelineEvent } from '../domain/timeline.ts';
import { proofHolds } from '../page/webauthn.ts';
import { JOURNAL, type Store } from '../ports/store.ts';

export interface ProofProblem {
  stream: string;
  event_id: string;
  problem: string;
}

/**
 * Checks again what passkeys signed. Whoever holds the key of the record can write a chain that holds, but no signature: a decision that is said to
 * come from a passkey and has no proof for that very plan was forged.
 */
export async function checkProofs(
  store: Pick<Store, 'incidents' | 'timeline'>,
  stream?: string,
): Promise<{ passkey_proofs: number; problems: ProofProblem[] }> {
  const streams = stream === undefined ? [JOURNAL, ...(await store.incidents()).map(({ id }) => id)] : [stream];
  const found = { passkey_proofs: 0, problems: [] as ProofProblem[] };
  for (const name of streams) {
    const events = await store.timeline(name);
    const digests = new Map(
      events.filter((event) => event.kind === 'plan_proposed').map((event) => [event.approval_id, event.data?.digest]),
    );
    for (const event of events) {
      if (event.kind !== 'approval_decided' || event.data?.way !== 'passkey') continue;
      if (await holds(event, digests.get(event.approval_id))) found.passkey_proofs += 1;
      else
        found.problems.push({
          stream: name,
          event_id: event.id,
          problem: 'said to be decided by a passkey, but no passkey signed this decision about this plan',
        });
    }
  }
  return found;
}

async function holds(event: TimelineEvent, digest: unknown): Promise<boolean> {
  const { proof, decision } = event.data ?? {};
  if (typeof digest !== 'string' || event.approval_id === undefined || !isProof(proof)) return false;
  if (decision !== 'approve' && decision !== 'reject') return false;
  return proofHolds(proof, { nonce: proof.nonce, approval_id: event.approval_id, digest, decision });
}

const isProof = (value: unknown): value is PasskeyProof =>
  typeof value === 'object' &&
  value !== null &&
  ['public_key', 'nonce', 'credential_id', 'authenticator_data', 'client_data', 'signature', 'origin'].every(
    (key) => typeof (value as Record<string, unknown>)[key] === 'string',
  );
