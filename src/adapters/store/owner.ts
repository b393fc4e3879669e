import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { z } from 'zod';

/** Who holds a lock. */
export const ownerSchema = z.object({
  pid: z.number().int().positive(),
  /** Boot and start time of the process where the system tells; without it a reused pid looks alive. */
  start: z.string().nullable(),
  /** Host and pid namespace: a pid says something only there. */
  host: z.string(),
  nonce: z.string().regex(/^[0-9a-f]{16}$/),
});
export type Owner = z.infer<typeof ownerSchema>;

/** This process, without the nonce of one acquisition. */
export async function thisProcess(): Promise<Omit<Owner, 'nonce'>> {
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '');
  const now = await processState(process.pid);
  return { pid: process.pid, start: now?.start ?? null, host: `${hostname()}${namespace}` };
}

/**
 * Whether the process of `owner` is certainly gone. One that is stopped, or that runs on another host or in another pid
 * namespace, is not: what cannot be known must not be robbed.
 */
export async function isGone(owner: Owner, here: Omit<Owner, 'nonce'>): Promise<boolean> {
  if (owner.host !== here.host) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'ESRCH';
  }
  const now = await processState(owner.pid);
  if (now === null) return false;
  // A zombie holds nothing any more: it only waits for its parent to read the exit code.
  if (now.state === 'Z' || now.state === 'X') return true;
  return owner.start !== null && owner.start !== now.start;
}

/** From /proc/<pid>/stat (proc(5): field 3 is the state, field 22 the start in ticks since boot); null where there is none. */
async function processState(pid: number): Promise<{ state: string; start: string } | null> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    ]);
    // The name in field 2 may hold spaces and brackets; the fields after the last bracket are plain.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', start: `${boot.trim()}:${fields[19] ?? ''}` };
  } catch {
    return null;
  }
}
