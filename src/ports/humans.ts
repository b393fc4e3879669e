import type { Passkey } from '../domain/passkey.ts';

/** What proves that a human is there: the approver's secret and the passkeys that were enrolled. Neither is in the data folder. */
export interface Humans {
  /** Throws `FORBIDDEN` while wrong secrets have locked it, so that nobody types one in vain. */
  mayTry(): Promise<void>;
  /**
   * Takes the approver's secret. Errors: `FORBIDDEN` (wrong, or locked after wrong ones), `INVALID_INPUT` (empty), `NOT_CONFIGURED` (none set).
   */
  bySecret(secret: string): Promise<void>;
  /** Which secret is set, without telling anything about it; null while none is. */
  secretId(): Promise<string | null>;
  /** Errors: `NOT_CONFIGURED` where the file is damaged. */
  passkeys(): Promise<Passkey[]>;
  addPasskey(passkey: Passkey): Promise<void>;
  /** Remembers the counter of an authenticator after a use. */
  usedPasskey(id: string, counter: number): Promise<void>;
}
