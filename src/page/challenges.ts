import { randomBytes } from 'node:crypto';
import { MINUTE } from '../domain/instant.ts';
import { challengeFor } from '../domain/passkey.ts';
import { forbidden } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';

const LIFETIME_MS = 2 * MINUTE;
/** Of each kind: who asks for sign-ins without end must not push out the question that a human is answering. */
const MOST = 200;

/** What an assertion is asked for. */
export type Purpose =
  | { kind: 'sign_in' }
  | { kind: 'enrol' }
  | { kind: 'decide'; approval_id: string; digest: string; decision: 'approve' | 'reject' };

interface Open {
  purpose: Purpose;
  nonce: string;
  expires_at: number;
}

/** Challenges that were given out; each is taken once, for the purpose that it was made for. */
export class Challenges {
  readonly #clock: Clock;
  readonly #open = new Map<string, Open>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Base64url. */
  give(purpose: Purpose): string {
    const now = this.#clock.now().getTime();
    for (const [key, open] of this.#open) if (open.expires_at <= now) this.#open.delete(key);
    const alike = [...this.#open].filter(([, open]) => open.purpose.kind === purpose.kind);
    if (alike.length >= MOST) this.#open.delete(alike[0]?.[0] ?? '');
    const nonce = randomBytes(32).toString('base64url');
    const challenge = purpose.kind === 'decide' ? challengeFor({ nonce, ...purpose }) : nonce;
    this.#open.set(challenge, { purpose, nonce, expires_at: now + LIFETIME_MS });
    return challenge;
  }

  /** Takes the challenge that is in a browser's `clientDataJSON` (base64url). Errors: `FORBIDDEN` where it was not given, was used, or was for something else. */
  take(clientData: string, isMeant: (purpose: Purpose) => boolean): { challenge: string; nonce: string } {
    const challenge = challengeIn(clientData);
    const open = this.#open.get(challenge);
    this.#open.delete(challenge);
    if (!open || open.expires_at <= this.#clock.now().getTime() || !isMeant(open.purpose)) {
      throw forbidden('the passkey answered another question, or too late; nothing was decided.', 'try again.');
    }
    return { challenge, nonce: open.nonce };
  }
}

function challengeIn(clientData: string): string {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(clientData, 'base64url').toString('utf8'));
    const challenge = typeof parsed === 'object' && parsed !== null && 'challenge' in parsed ? parsed.challenge : '';
    return typeof challenge === 'string' ? challenge : '';
  } catch {
    return '';
  }
}
