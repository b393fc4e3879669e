import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { toInstant } from '../domain/instant.ts';
import { type Asserted, challengeFor, type Passkey, type PasskeyProof, thumbprint } from '../domain/passkey.ts';
import { forbidden, invalidInput } from '../errors.ts';

/** WebAuthn knows names, not addresses: hence `localhost`, which browsers treat as secure also without TLS. */
export const RP_ID = 'localhost';
const RP_NAME = 'incident-mcp';
const TIMEOUT_MS = 120_000;

// Loaded when a passkey is used, and only then.
const library = () => import('@simplewebauthn/server');

/** Options for `navigator.credentials.get`, as JSON. */
export async function assertionOptions(challenge: string, passkeys: readonly Passkey[]) {
  const { generateAuthenticationOptions } = await library();
  return generateAuthenticationOptions({
    rpID: RP_ID,
    challenge: Buffer.from(challenge, 'base64url'),
    userVerification: 'required',
    timeout: TIMEOUT_MS,
    allowCredentials: passkeys.map(({ id, transports }) => ({ id, transports: [...transports] })),
  });
}

/**
 * Checks what an authenticator signed: a known passkey, our origin, the challenge, and that it verified the person (PIN, finger, face).
 * Errors: `FORBIDDEN`.
 */
export async function checkAssertion(
  response: AuthenticationResponseJSON,
  expected: { challenge: string; nonce: string; origin: string },
  passkeys: readonly Passkey[],
): Promise<{ passkey: Passkey; counter: number; proof: PasskeyProof }> {
  const passkey = passkeys.find((one) => one.id === response.id);
  if (!passkey) throw forbidden('this passkey is not enrolled here.', 'enrol it with `incident-mcp passkey add`.');
  const { verifyAuthenticationResponse } = await library();
  const checked = await verifyAuthenticationResponse({
    response,
    expectedChallenge: expected.challenge,
    expectedOrigin: expected.origin,
    expectedRPID: RP_ID,
    requireUserVerification: true,
    credential: {
      id: passkey.id,
      publicKey: new Uint8Array(Buffer.from(passkey.public_key, 'base64url')),
      counter: passkey.counter,
      transports: [...passkey.transports],
    },
  }).catch(() => null);
  if (!checked?.verified || !checked.authenticationInfo.userVerified) {
    throw forbidden('the passkey could not be verified; nothing was decided.', 'try again, or use another way.');
  }
  return {
    passkey,
    counter: checked.authenticationInfo.newCounter,
    proof: {
      kind: 'passkey',
      passkey: thumbprint(passkey),
      public_key: passkey.public_key,
      nonce: expected.nonce,
      credential_id: response.id,
      authenticator_data: response.response.authenticatorData,
      client_data: response.response.clientDataJSON,
      signature: response.response.signature,
      origin: expected.origin,
    },
  };
}

/** Whether a kept proof is what that passkey signed about that plan and decision, with its person verified. Never throws. */
export async function proofHolds(proof: PasskeyProof, about: Asserted): Promise<boolean> {
  const { verifyAuthenticationResponse } = await library();
  const checked = await verifyAuthenticationResponse({
    response: {
      id: proof.credential_id,
      rawId: proof.credential_id,
      type: 'public-key',
      clientExtensionResults: {},
      response: {
        clientDataJSON: proof.client_data,
        authenticatorData: proof.authenticator_data,
        signature: proof.signature,
      },
    },
    expectedChallenge: challengeFor(about),
    expectedOrigin: proof.origin,
    expectedRPID: RP_ID,
    requireUserVerification: true,
    // Counters are compared when a passkey is used; what is past cannot be replayed into a challenge of its own.
    credential: {
      id: proof.credential_id,
      publicKey: new Uint8Array(Buffer.from(proof.public_key, 'base64url')),
      counter: -1,
    },
  }).catch(() => null);
  return checked?.verified === true && checked.authenticationInfo.userVerified;
}

/** Options for `navigator.credentials.create`, as JSON. */
export async function registrationOptions(challenge: string, person: string, passkeys: readonly Passkey[]) {
  const { generateRegistrationOptions } = await library();
  return generateRegistrationOptions({
    rpName: RP_NAME,
    rpID: RP_ID,
    userName: person,
    userDisplayName: person,
    challenge: Buffer.from(challenge, 'base64url'),
    timeout: TIMEOUT_MS,
    attestationType: 'none',
    excludeCredentials: passkeys.map(({ id, transports }) => ({ id, transports: [...transports] })),
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
  });
}

/** The passkey that an authenticator made. Errors: `INVALID_INPUT` where it cannot be trusted. */
export async function checkRegistration(
  response: RegistrationResponseJSON,
  expected: { challenge: string; origin: string },
  person: string,
  now: Date,
): Promise<Passkey> {
  const { verifyRegistrationResponse } = await library();
  const checked = await verifyRegistrationResponse({
    response,
    expectedChallenge: expected.challenge,
    expectedOrigin: expected.origin,
    expectedRPID: RP_ID,
    requireUserVerification: true,
  }).catch(() => null);
  if (!checked?.verified || !checked.registrationInfo.userVerified) {
    throw invalidInput(
      'the new passkey could not be verified; nothing was enrolled.',
      'try again with an authenticator that asks for a PIN, a finger or a face.',
    );
  }
  const { credential } = checked.registrationInfo;
  return {
    id: credential.id,
    public_key: Buffer.from(credential.publicKey).toString('base64url'),
    person,
    transports: [...(credential.transports ?? [])],
    counter: credential.counter,
    added_at: toInstant(now),
  };
}
