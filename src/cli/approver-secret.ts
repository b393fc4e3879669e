import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { notConfigured } from '../errors.ts';

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);

/** Cost by RFC 7914 and OWASP's recommendation for interactive use. */
const COST = { N: 2 ** 16, r: 8, p: 1 };
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const FORM = /^scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([\w-]{16,128})\$([\w-]{32,128})$/;
const MIN_N = 2 ** 14;
const MAX_N = 2 ** 20;

const maxmem = (N: number, r: number): number => 256 * N * r;

/** One line `scrypt$N$r$p$salt$hash`, salt and hash in base64url. */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(secret.normalize('NFC'), salt, KEY_BYTES, { ...COST, maxmem: maxmem(COST.N, COST.r) });
  return `scrypt$${COST.N}$${COST.r}$${COST.p}$${salt.toString('base64url')}$${key.toString('base64url')}`;
}

/** Tells one set secret from another without telling anything about it: a hash of its salted hash. null while none is set. */
export async function secretId(file: string): Promise<string | null> {
  const line = await readFile(file, 'utf8').catch(() => null);
  return line === null ? null : createHash('sha256').update(line.trim()).digest('hex');
}

/** Whether `secret` is the approver's. Errors: `NOT_CONFIGURED` where none is set or the file is damaged. */
export async function checkSecret(secret: string, file: string): Promise<boolean> {
  let line: string;
  try {
    line = (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw notConfigured(
      `no approver's secret is set (${file}: ${(cause as NodeJS.ErrnoException).code}).`,
      'set it with `incident-mcp init`.',
    );
  }
  const match = FORM.exec(line);
  const [N, r, p] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3])];
  // A cost below the least one would make guessing cheap; RFC 7914 allows only powers of two.
  if (!match || N < MIN_N || N > MAX_N || (N & (N - 1)) !== 0 || r < 1 || r > 32 || p < 1 || p > 16) {
    throw notConfigured(
      `the hash of the approver's secret in ${file} is damaged.`,
      'set the secret again with `incident-mcp init --force`.',
    );
  }
  const expected = Buffer.from(match[5] as string, 'base64url');
  const key = await derive(secret.normalize('NFC'), Buffer.from(match[4] as string, 'base64url'), expected.length, {
    N,
    r,
    p,
    maxmem: maxmem(N, r),
  });
  return timingSafeEqual(key, expected);
}
