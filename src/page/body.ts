import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { invalidInput } from '../errors.ts';

const MOST_BYTES = 32 * 1024;

/** Reads and checks a JSON body. Errors: `INVALID_INPUT` (too long, not JSON, not what is asked for). */
export async function bodyOf<T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw invalidInput('the request is too long.', 'shorten the note.');
    chunks.push(chunk);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw invalidInput('the request is not JSON.', 'reload the page.');
  }
  const checked = schema.safeParse(parsed);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    throw invalidInput(
      `${issue?.path.join('.') || 'the request'}: ${issue?.message ?? 'not usable'}.`,
      'reload the page.',
    );
  }
  return checked.data;
}

const base64url = z
  .string()
  .max(8_192)
  .regex(/^[\w-]*$/);

/** What `navigator.credentials.get` gives, as JSON. */
export const assertionSchema = z.object({
  id: base64url,
  rawId: base64url,
  type: z.literal('public-key'),
  clientExtensionResults: z.record(z.string(), z.unknown()).default({}),
  authenticatorAttachment: z.enum(['platform', 'cross-platform']).optional(),
  response: z.object({
    clientDataJSON: base64url,
    authenticatorData: base64url,
    signature: base64url,
    userHandle: base64url.optional(),
  }),
});

/** What `navigator.credentials.create` gives, as JSON. */
export const registrationSchema = z.object({
  id: base64url,
  rawId: base64url,
  type: z.literal('public-key'),
  clientExtensionResults: z.record(z.string(), z.unknown()).default({}),
  authenticatorAttachment: z.enum(['platform', 'cross-platform']).optional(),
  response: z.object({
    clientDataJSON: base64url,
    attestationObject: base64url,
    authenticatorData: base64url.optional(),
    transports: z.array(z.string().max(40)).max(10).optional(),
    publicKeyAlgorithm: z.number().optional(),
    publicKey: base64url.optional(),
  }),
});
