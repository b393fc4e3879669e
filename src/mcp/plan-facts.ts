import type { EnvironmentReaders, ReadContext } from './context.ts';
import { readSource } from './sources.ts';

/** Facts that every plan shows. */

/** Deadline of one source, in milliseconds. */
export const deadline = (context: Pick<ReadContext, 'config'>): number => context.config.source_deadline;

/** How many customers the environment serves, which is whom a change can reach; null when the fleet cannot be read. */
export async function affectedCustomers(env: EnvironmentReaders, context: ReadContext): Promise<number | null> {
  const read = await readSource('fleet', deadline(context), context.signal, async (options) => {
    const port = await env.fleet();
    return port ? port.read(options) : null;
  });
  return read.value ? read.value.customers.length : null;
}
