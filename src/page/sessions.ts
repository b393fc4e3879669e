import { createHash, randomBytes } from 'node:crypto';
import { MINUTE } from '../domain/instant.ts';
import { forbidden } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';

export const SESSION_MS = 15 * MINUTE;
const MOST = 20;

/** Who looks at the page. Who has only the shared secret is not known by name. */
export interface Session {
  person: string | null;
  expires_at: Date;
}

const tokenIn = (header: string | undefined): string | undefined => /^Session ([\w-]{43})$/.exec(header ?? '')?.[1];
const keyOf = (token: string): string => createHash('sha256').update(token).digest('hex');

/**
 * Sign-ins that allow to look and to reject, never to approve. The token travels in a header that the page's own script sets, and not in a cookie:
 * cookies go to every port of localhost, and with requests of other pages.
 */
export class Sessions {
  readonly #clock: Clock;
  readonly #open = new Map<string, Session>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(person: string | null): { token: string; expires_at: Date } {
    this.#forgetOld();
    // The oldest goes: who signs in must never be kept out by others who did.
    if (this.#open.size >= MOST) this.#open.delete(this.#open.keys().next().value ?? '');
    const token = randomBytes(32).toString('base64url');
    const expires_at = new Date(this.#clock.now().getTime() + SESSION_MS);
    this.#open.set(keyOf(token), { person, expires_at });
    return { token, expires_at };
  }

  /** The session of an `Authorization: Session TOKEN` header. Errors: `FORBIDDEN`. */
  of(header: string | undefined): Session {
    this.#forgetOld();
    const token = tokenIn(header);
    const session = token === undefined ? undefined : this.#open.get(keyOf(token));
    if (!session) throw forbidden('nobody is signed in, or the sign-in is over.', 'sign in again.');
    return session;
  }

  has(header: string | undefined): boolean {
    this.#forgetOld();
    return this.#open.has(keyOf(tokenIn(header) ?? ''));
  }

  end(header: string | undefined): void {
    const token = tokenIn(header);
    if (token !== undefined) this.#open.delete(keyOf(token));
  }

  #forgetOld(): void {
    const now = this.#clock.now();
    for (const [key, session] of this.#open) if (session.expires_at <= now) this.#open.delete(key);
  }
}
