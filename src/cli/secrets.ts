import { readFileSync } from 'node:fs';
import { AppError, notConfigured } from '../errors.ts';

export interface SecretRef {
  env?: string | undefined;
  file?: string | undefined;
}

/**
 * A secret by environment variable or file, never inline. null where neither is named. Errors: `NOT_CONFIGURED` that names variable or
 * file, never the value.
 */
export function readSecret(
  what: string,
  ref: SecretRef,
  env: Readonly<Record<string, string | undefined>>,
): string | null {
  if (ref.env !== undefined) {
    const value = env[ref.env]?.trim();
    if (!value)
      throw notConfigured(
        `${what}: the environment variable ${ref.env} is empty.`,
        'set it for the server, or name another one.',
      );
    return value;
  }
  if (ref.file === undefined) return null;
  try {
    const value = readFileSync(ref.file, 'utf8').trim();
    if (value === '') throw notConfigured(`${what}: the file ${ref.file} is empty.`, 'write the secret into it.');
    return value;
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw notConfigured(
      `${what}: the file ${ref.file} cannot be read (${(cause as NodeJS.ErrnoException).code}).`,
      'check path and permissions.',
    );
  }
}
