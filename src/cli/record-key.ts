import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { storeFailed } from '../errors.ts';

const BYTES = 32;

/**
 * The key of the record's chain: 32 random bytes, in the user's private configuration and not beside the data, made on first use.
 * Two processes that make it at once agree on one, since a link never replaces a file.
 */
export function recordKey(file: string): Uint8Array {
  const present = read(file);
  if (present) return present;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
    writeFileSync(draft, `${randomBytes(BYTES).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
    try {
      linkSync(draft, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      unlinkSync(draft);
    }
  } catch (cause) {
    throw storeFailed(
      `the key of the record cannot be written to ${file} (${(cause as NodeJS.ErrnoException).code}).`,
      'make that folder writable, or name another place with store.key_file.',
      cause,
    );
  }
  const made = read(file);
  if (!made)
    throw storeFailed(
      `the key of the record in ${file} is damaged.`,
      'restore it from a backup; without it the old chain cannot be verified.',
    );
  return made;
}

function read(file: string): Uint8Array | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw storeFailed(`the key of the record in ${file} cannot be read.`, 'check its permissions.', error);
  }
  const key = Buffer.from(text, 'base64url');
  if (key.length < BYTES)
    throw storeFailed(
      `the key of the record in ${file} is damaged.`,
      'restore it from a backup; without it the old chain cannot be verified.',
    );
  return key;
}
