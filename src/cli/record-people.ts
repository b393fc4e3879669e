import type { Config } from '../config.ts';
import { appendTo, SYSTEM } from '../mcp/gate/deps.ts';
import { existingRecord } from './existing-record.ts';
import { complain } from './output.ts';

/**
 * Writes into the journal who may approve from now on: what is decided later rests on it. Where nothing was ever recorded there is nothing to write to, and
 * a record that cannot be written keeps nobody from setting a secret.
 */
export async function recordPeople(config: Config, what: string): Promise<void> {
  try {
    const store = await existingRecord(config);
    if (store !== null) await appendTo(store, null, { kind: 'note', message: `approvers: ${what}`, actor: SYSTEM });
  } catch (error) {
    complain(`It could not be written to the record: ${error instanceof Error ? error.message : String(error)}`);
  }
}
