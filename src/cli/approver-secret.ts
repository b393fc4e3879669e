import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { oneLine } from '../domain/text.ts';
import { notConfigured } from '../errors.ts';
import { personKey } from '../policy/people.ts';

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);

/** Cost by RFC 7914 and OWASP's recommendation for interactive use. */
const COST = { N: 2 ** 16, r: 8, p: 1 };
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const FORM = /^scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([\w-]{16,128})\$([\w-]{32,128})$/;
/** `NAME scrypt$...`, or the hash alone. */
const LINE = /^(?:(\S.*?)[ \t]+)?(scrypt\$\S+)$/;
const MIN_N = 2 ** 14;
const MAX_N = 2 ** 20;
/** Each secret is tried against every line: more people would make an approval slow. */
export const MOST_SECRETS = 10;
/** Lines tried side by side, 64 MB each. */
const AT_ONCE = 2;
const MAX_NAME = 100;

const maxmem = (N: number, r: number): number => 256 * N * r;

/** A secret that may approve, as its file holds it. */
export interface ApproverSecret {
  /** Whose it is; null for the shared one, with which people type their names. */
  person: string | null;
  /** The whole line. */
  line: string;
  /** Tells one set secret from another without telling anything about it: a hash of the line. */
  id: string;
}

/** One line `scrypt$N$r$p$salt$hash`, salt and hash in base64url. */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(secret.normalize('NFC'), salt, KEY_BYTES, { ...COST, maxmem: maxmem(COST.N, COST.r) });
  return `scrypt$${COST.N}$${COST.r}$${COST.p}$${salt.toString('base64url')}$${key.toString('base64url')}`;
}

/** The name as the file may hold it; null for one that cannot be told from a hash, or is none. */
export function nameForFile(name: string): string | null {
  const clean = oneLine(name, MAX_NAME);
  return personKey(clean) === '' || name.trim().length > MAX_NAME || /scrypt\$|^#/.test(clean) ? null : clean;
}

/**
 * The lines of the file: one a person, `NAME scrypt$...`, and at most one without a name. Errors: `NOT_CONFIGURED` where there is none or it is damaged:
 * a file that says two things about a person lets nobody in.
 */
export async function approverSecrets(file: string): Promise<ApproverSecret[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw notConfigured(
      `no approver's secret is set (${file}: ${(cause as NodeJS.ErrnoException).code}).`,
      'set it with `incident-mcp init`.',
    );
  }
  const found: ApproverSecret[] = [];
  for (const [at, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '') continue;
    const [, name, hash = ''] = LINE.exec(line) ?? [];
    const person = name === undefined ? null : nameForFile(name);
    if (!costOf(hash) || (name !== undefined && person === null)) throw damaged(file, at + 1, 'it is no hash');
    const key = person === null ? null : personKey(person);
    if (found.some((other) => (other.person === null ? null : personKey(other.person)) === key))
      throw damaged(file, at + 1, person === null ? 'a second line has no name' : 'a second line has that name');
    found.push({ person, line, id: createHash('sha256').update(line).digest('hex') });
  }
  if (found.length === 0) throw damaged(file, 1, 'it is empty');
  if (found.length > MOST_SECRETS) throw damaged(file, MOST_SECRETS + 1, `it has more than ${MOST_SECRETS} lines`);
  return found;
}

const damaged = (file: string, line: number, why: string) =>
  notConfigured(
    `the file of the approver's secret, ${file}, is damaged at line ${line}: ${why}.`,
    'mend or delete that line, then set that secret anew with `incident-mcp init --secret-only`.',
  );

/** Which secrets are set: their ids, joined by commas, in an order that does not depend on the file's. null while none can be used. */
export async function secretId(file: string): Promise<string | null> {
  const secrets = await approverSecrets(file).catch(() => []);
  return secrets.length === 0
    ? null
    : secrets
        .map(({ id }) => id)
        .sort()
        .join(',');
}

/**
 * Which secret this is; null for none of them. Every line is tried, two at a time. Errors: `NOT_CONFIGURED` where none is set, the file is damaged, or
 * two people have the same secret.
 */
export async function whichSecret(secret: string, file: string): Promise<ApproverSecret | null> {
  const all = await approverSecrets(file);
  const right: ApproverSecret[] = [];
  for (let at = 0; at < all.length; at += AT_ONCE) {
    const some = all.slice(at, at + AT_ONCE);
    const match = await Promise.all(some.map(({ line }) => matches(secret, line)));
    right.push(...some.filter((_one, i) => match[i]));
  }
  if (right.length > 1)
    throw notConfigured(
      `${right.length} lines of ${file} have this very secret, so it does not say who you are; nothing was written.`,
      'give each person a secret of their own.',
    );
  return right[0] ?? null;
}

/** Whether `secret` is an approver's. Errors: as `whichSecret`. */
export const checkSecret = async (secret: string, file: string): Promise<boolean> =>
  (await whichSecret(secret, file)) !== null;

interface Cost {
  N: number;
  r: number;
  p: number;
  salt: Buffer;
  key: Buffer;
}

function costOf(hash: string): Cost | null {
  const match = FORM.exec(hash);
  const [N, r, p] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3])];
  // A cost below the least one would make guessing cheap; RFC 7914 allows only powers of two.
  if (!match || N < MIN_N || N > MAX_N || (N & (N - 1)) !== 0 || r < 1 || r > 32 || p < 1 || p > 16) return null;
  return {
    N,
    r,
    p,
    salt: Buffer.from(match[4] as string, 'base64url'),
    key: Buffer.from(match[5] as string, 'base64url'),
  };
}

async function matches(secret: string, line: string): Promise<boolean> {
  const cost = costOf(LINE.exec(line)?.[2] ?? '');
  if (cost === null) return false;
  const { N, r, p, salt, key } = cost;
  return timingSafeEqual(
    await derive(secret.normalize('NFC'), salt, key.length, { N, r, p, maxmem: maxmem(N, r) }),
    key,
  );
}
