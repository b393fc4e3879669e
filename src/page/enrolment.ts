import { randomBytes, timingSafeEqual } from 'node:crypto';
import { MINUTE } from '../domain/instant.ts';
import type { Passkey } from '../domain/passkey.ts';
import { forbidden } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';

const LIFETIME_MS = 10 * MINUTE;

/** One invitation to enrol a passkey. Whoever holds the ticket enrols: it is shown only where the secret was given. */
export class Enrolment {
  readonly ticket = randomBytes(24).toString('base64url');
  /** Resolves with the passkey that was enrolled. */
  readonly enrolled: Promise<Passkey>;
  readonly #person: string;
  readonly #clock: Clock;
  readonly #until: number;
  #done: ((passkey: Passkey) => void) | null = null;
  #taken = false;

  constructor(person: string, clock: Clock) {
    this.#person = person;
    this.#clock = clock;
    this.#until = clock.now().getTime() + LIFETIME_MS;
    this.enrolled = new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  /** Whose passkey it will be. Errors: `FORBIDDEN` (wrong ticket, used, too late). */
  person(ticket: string): string {
    const [given, own] = [Buffer.from(ticket), Buffer.from(this.ticket)];
    const right = given.length === own.length && timingSafeEqual(given, own);
    if (!right || this.#done === null || this.#clock.now().getTime() >= this.#until)
      throw forbidden('this invitation is not valid, or is over.', 'run `incident-mcp passkey add` again.');
    return this.#person;
  }

  /** Uses the ticket: `make` runs once at a time, and never again once it has made a passkey. Errors: as `person`. */
  async use(ticket: string, make: (person: string) => Promise<Passkey>): Promise<Passkey> {
    const person = this.person(ticket);
    if (this.#taken) throw forbidden('this invitation is being used by another request.', 'look at the other window.');
    this.#taken = true;
    try {
      const made = await make(person);
      this.#done?.(made);
      this.#done = null;
      return made;
    } finally {
      this.#taken = false;
    }
  }

  view(): { open: boolean } {
    return { open: this.#done !== null };
  }
}
