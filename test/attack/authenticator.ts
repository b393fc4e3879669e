import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { Passkey } from '../../src/domain/passkey.ts';

/** What an assertion says; what is absent is as an honest authenticator has it. */
export interface Claim {
  challenge: string;
  origin: string;
  /** The relying party's name that is signed. */
  rp?: string;
  /** Whether a person was verified, and whether one was there. */
  verified?: boolean;
  present?: boolean;
  counter?: number;
  /** `webauthn.get` in an honest assertion. */
  type?: string;
  crossOrigin?: boolean;
  /** Another key than the enrolled one signs. */
  key?: KeyObject;
}

export interface Assertion {
  id: string;
  rawId: string;
  type: 'public-key';
  clientExtensionResults: Record<string, never>;
  response: { clientDataJSON: string; authenticatorData: string; signature: string };
}

const sha256 = (bytes: string | Buffer): Buffer => createHash('sha256').update(bytes).digest();

/** An authenticator in software (WebAuthn Level 3, ES256): it signs whatever it is told to, as no real one would. */
export class Authenticator {
  readonly id = randomBytes(16).toString('base64url');
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  counter = 0;

  /** As the file of passkeys has it. */
  enrolled(person: string, counter = 0): Passkey {
    return {
      id: this.id,
      public_key: this.#cose().toString('base64url'),
      person,
      transports: ['internal'],
      counter,
      added_at: '2026-01-01T00:00:00.000Z',
    };
  }

  assert(claim: Claim): Assertion {
    const client = Buffer.from(
      JSON.stringify({
        type: claim.type ?? 'webauthn.get',
        challenge: claim.challenge,
        origin: claim.origin,
        crossOrigin: claim.crossOrigin ?? false,
      }),
    );
    const data = this.#data(claim, Buffer.alloc(0));
    const signature = sign('sha256', Buffer.concat([data, sha256(client)]), claim.key ?? this.#keys.privateKey);
    return {
      id: this.id,
      rawId: this.id,
      type: 'public-key',
      clientExtensionResults: {},
      response: {
        clientDataJSON: client.toString('base64url'),
        authenticatorData: data.toString('base64url'),
        signature: signature.toString('base64url'),
      },
    };
  }

  /** A registration without attestation. */
  register(claim: Claim): object {
    const client = Buffer.from(
      JSON.stringify({ type: claim.type ?? 'webauthn.create', challenge: claim.challenge, origin: claim.origin }),
    );
    const id = Buffer.from(this.id, 'base64url');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(id.length);
    const data = this.#data(claim, Buffer.concat([Buffer.alloc(16), length, id, this.#cose()]));
    const attestation = Buffer.concat([
      Buffer.from([0xa3]),
      cborText('fmt'),
      cborText('none'),
      cborText('attStmt'),
      Buffer.from([0xa0]),
      cborText('authData'),
      Buffer.from([0x58, data.length]),
      data,
    ]);
    return {
      id: this.id,
      rawId: this.id,
      type: 'public-key',
      clientExtensionResults: {},
      response: {
        clientDataJSON: client.toString('base64url'),
        attestationObject: attestation.toString('base64url'),
        transports: ['internal'],
      },
    };
  }

  #data({ rp = 'localhost', verified = true, present = true, counter = 0 }: Claim, attested: Buffer): Buffer {
    const flags = (present ? 1 : 0) | (verified ? 4 : 0) | (attested.length > 0 ? 0x40 : 0);
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter);
    return Buffer.concat([sha256(rp), Buffer.from([flags]), count, attested]);
  }

  /** The public key as COSE (RFC 9053): EC2, ES256, P-256. */
  #cose(): Buffer {
    const { x, y } = this.#keys.publicKey.export({ format: 'jwk' });
    const coordinate = (value: string | undefined): Buffer => Buffer.from(value ?? '', 'base64url');
    return Buffer.concat([
      Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]),
      coordinate(x),
      Buffer.from([0x22, 0x58, 0x20]),
      coordinate(y),
    ]);
  }
}

const cborText = (text: string): Buffer => Buffer.concat([Buffer.from([0x60 + text.length]), Buffer.from(text)]);

/** A key of somebody else. */
export const otherKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
