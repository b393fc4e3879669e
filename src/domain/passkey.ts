import { createHash } from 'node:crypto';
import type { Instant } from './instant.ts';

/** A person's key in an authenticator (WebAuthn Level 3); only its public half is known here. */
export interface Passkey {
  /** Credential id, base64url. */
  id: string;
  /** COSE key, base64url. */
  public_key: string;
  /** Whose it is, fixed when it was enrolled: who approves with it is that person and nobody else. */
  person: string;
  transports: string[];
  /** Signature counter that was last seen; 0 where the authenticator has none. */
  counter: number;
  added_at: Instant;
}

/**
 * What an authenticator signed when a person approved, kept with the approval so that anybody can check it later: the challenge in
 * `client_data` must be `challengeFor` of these values, and `signature` must hold for `public_key`.
 */
export interface PasskeyProof {
  kind: 'passkey';
  /** `thumbprint` of the passkey. */
  passkey: string;
  public_key: string;
  /** Random, base64url: makes the challenge one that nobody can know before. */
  nonce: string;
  /** All base64url, as the browser gave them. */
  credential_id: string;
  authenticator_data: string;
  client_data: string;
  signature: string;
  /** Where the browser said that it was asked, such as `http://localhost:40123`. */
  origin: string;
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Names a passkey by what cannot be changed about it, whoever it is said to belong to. Hex. */
export const thumbprint = (passkey: Pick<Passkey, 'id' | 'public_key' | 'person'>): string =>
  sha256(JSON.stringify([passkey.id, passkey.public_key, passkey.person])).toString('hex');

/** What an assertion is about. */
export interface Asserted {
  nonce: string;
  approval_id: string;
  /** Of the plan that was shown. */
  digest: string;
  decision: 'approve' | 'reject';
}

/** The challenge that an authenticator signs: bound to one approval, one plan and one decision. Base64url of SHA-256. */
export const challengeFor = ({ nonce, approval_id, digest, decision }: Asserted): string =>
  sha256(JSON.stringify(['incident-mcp approval', nonce, approval_id, digest, decision])).toString('base64url');
