import { access, readdir } from 'node:fs/promises';
import type { Config } from '../config.ts';
import { storeFailed } from '../errors.ts';
import type { Store } from '../ports/store.ts';
import { openStore, systemClock } from './compose.ts';
import { complain } from './output.ts';

const PARTS = ['incidents', 'journal', 'approvals', 'heads'];

/**
 * The record for a command that only reads; null where nothing was ever written. No key is made: a new one beside an old record would turn
 * "the key is missing" into "everything was altered". Errors: `STORE` where there is a record without its key.
 */
export async function existingRecord(config: Config): Promise<Store | null> {
  const keyed = await access(config.key_file).then(
    () => true,
    () => false,
  );
  if (keyed) return openStore(config, systemClock, (message) => complain(message));
  const names = await readdir(config.data_dir).catch(() => [] as string[]);
  if (!names.some((name) => PARTS.includes(name))) return null;
  throw storeFailed(
    `the key of the record in ${config.data_dir} is missing (${config.key_file}).`,
    'restore it from a backup, or name its place with store.key_file; without it the chain cannot be verified.',
  );
}
