import { randomBytes } from 'node:crypto';
import { open, readFile, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { z } from 'zod';
import { MINUTE, SECOND } from '../../domain/instant.ts';

const ownerSchema = z.object({
  token: z.string(),
  pid: z.number().int().positive(),
  host: z.string(),
  /** Start of the process: tells apart two processes that got the same pid. */
  started: z.number(),
});
type Owner = z.infer<typeof ownerSchema>;

export interface Lock {
  /** True while it is still ours; also tells the others that we live. False after a long sleep in which somebody took it. */
  refresh(): Promise<boolean>;
  release(): Promise<void>;
}

/** A holder refreshes before every try, and a try is far shorter: a lock this old has no living holder, whatever its pid says. */
const ABANDONED_AFTER = MINUTE;
/** Between creating the file and writing the owner lies an instant; an empty file this old is a crash. */
const UNFINISHED_AFTER = 5 * SECOND;

async function readOwner(path: string): Promise<{ owner: Owner | null; age: number } | null> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    let owner: Owner | null = null;
    try {
      owner = ownerSchema.parse(JSON.parse(text));
    } catch {
      // Half written or damaged: only its age counts.
    }
    return { owner, age: Date.now() - mtimeMs };
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return null;
    throw error;
  }
}

function lives(owner: Owner): boolean {
  // The pid of another machine or container says nothing here.
  if (owner.host !== hostname()) return true;
  if (owner.pid === process.pid) return owner.started === performance.timeOrigin;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM';
  }
}

function isStale({ owner, age }: { owner: Owner | null; age: number }): boolean {
  if (age > ABANDONED_AFTER) return true;
  return owner ? !lives(owner) : age > UNFINISHED_AFTER;
}

/** Creates the file with O_EXCL; false when it exists. */
async function create(path: string, text: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx', 0o600);
    try {
      await handle.writeFile(text, 'utf8');
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a stale lock. A second file guards this, or two who both saw it stale could remove each other's new one. */
async function breakStale(path: string): Promise<void> {
  const guard = `${path}.break`;
  if (!(await create(guard, ''))) {
    const left = await readOwner(guard);
    if (left && left.age > ABANDONED_AFTER) await rm(guard, { force: true });
    return;
  }
  try {
    const found = await readOwner(path);
    if (found && isStale(found)) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

/** Takes the lock file across processes; null when a living process holds it. Does not wait. The folder must exist. */
export async function tryLock(path: string): Promise<Lock | null> {
  const token = randomBytes(12).toString('hex');
  const owner: Owner = { token, pid: process.pid, host: hostname(), started: performance.timeOrigin };
  if (!(await create(path, JSON.stringify(owner)))) {
    const found = await readOwner(path);
    if (found && !isStale(found)) return null;
    if (found) await breakStale(path);
    if (!(await create(path, JSON.stringify(owner)))) return null;
  }
  const ours = async (): Promise<boolean> => (await readOwner(path))?.owner?.token === token;
  return {
    async refresh() {
      if (!(await ours())) return false;
      const now = new Date();
      await utimes(path, now, now);
      return true;
    },
    async release() {
      if (await ours()) await rm(path, { force: true });
    },
  };
}
