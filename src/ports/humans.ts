import type { Passkey } from '../domain/passkey.ts';

/** A right secret. */
export interface KnownSecret {
  person: string | null;
  /** Tells it from the others, without telling anything about it. */
  id: string;
}

/** What proves that a human is there: the approver's secret and the passkeys that were enrolled. Neither is in the data folder. */
export interface Humans {
  /** Throws `FORBIDDEN` while wrong secrets have locked it, so that nobody types one in vain. */
  mayTry(): Promise<void>;
  /**
   * Takes an approver's secret and says whose it is: null for the one that all share. Errors: `FORBIDDEN` (wrong, or locked after wrong ones),
   * `INVALID_INPUT` (empty), `NOT_CONFIGURED` (none set).
   */
  bySecret(secret: string): Promise<KnownSecret>;
  /** Which secrets are set, without telling anything about them: their ids joined by commas; null while none is. */
  secretId(): Promise<string | null>;
  /** People who have a secret of their own. Errors: `NOT_CONFIGURED` where the file is damaged. */
  named(): Promise<string[]>;
  /** Errors: `NOT_CONFIGURED` where the file is damaged. */
  passkeys(): Promise<Passkey[]>;
  addPasskey(passkey: Passkey): Promise<void>;
  /** Remembers the counter of an authenticator after a use. */
  usedPasskey(id: string, counter: number): Promise<void>;
}
