import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MINUTE } from '../../domain/instant.ts';
import { type Entry, entrySchema } from './schema.ts';

/** The queue of one channel as files, oldest name first. All changes are atomic and flushed. Not for two writers at once but for `add`. */
export interface Spool {
  /** Writes a new entry behind all others; resolves with its name when it is on disk. */
  add(entry: Entry, now: number): Promise<string>;
  /** Names of the queued entries, oldest first. */
  names(): Promise<string[]>;
  /** null: there is none of that name; `damaged`: it does not parse. */
  read(name: string): Promise<Entry | 'damaged' | null>;
  update(name: string, entry: Entry): Promise<void>;
  remove(name: string): Promise<void>;
  /** Moves it out of the queue; with `entry`, its newest state is written along. */
  setAside(name: string, entry?: Entry): Promise<void>;
  state(name: string): Promise<{ state: 'queued' | 'failed' | 'gone'; error: string | null }>;
  /** Removes what a crash left half written. */
  sweep(now: number): Promise<void>;
}

const missing = (error: unknown): boolean => (error as { code?: unknown }).code === 'ENOENT';

async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Some file systems cannot flush a folder; the rename is atomic all the same.
  }
}

async function writeDurably(folder: string, name: string, text: string): Promise<void> {
  const temporary = join(folder, `.${name}.${randomBytes(4).toString('hex')}.tmp`);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(text, 'utf8');
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, join(folder, name));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

async function listJson(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => /^\d.*\.json$/.test(name)).sort();
  } catch (error) {
    if (missing(error)) return [];
    throw error;
  }
}

async function readEntry(path: string): Promise<Entry | 'damaged' | null> {
  try {
    const parsed = entrySchema.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data : 'damaged';
  } catch (error) {
    if (missing(error)) return null;
    if (error instanceof SyntaxError) return 'damaged';
    throw error;
  }
}

export function createSpool(folder: string): Spool {
  const aside = join(folder, 'failed');
  const textOf = (entry: Entry): string => `${JSON.stringify(entry)}\n`;
  return {
    async add(entry, now) {
      await mkdir(aside, { recursive: true, mode: 0o700 });
      // Never before an entry that waits already, even when the clock was set back.
      const last = Number.parseInt((await listJson(folder)).at(-1) ?? '0', 10);
      const place = String(Math.max(now, last + 1)).padStart(16, '0');
      const name = `${place}-${randomBytes(4).toString('hex')}.json`;
      await writeDurably(folder, name, textOf(entry));
      return name;
    },
    names: () => listJson(folder),
    read: (name) => readEntry(join(folder, name)),
    update: (name, entry) => writeDurably(folder, name, textOf(entry)),
    async remove(name) {
      await rm(join(folder, name), { force: true });
      await syncFolder(folder);
    },
    async setAside(name, entry) {
      await mkdir(aside, { recursive: true, mode: 0o700 });
      if (entry) await writeDurably(folder, name, textOf(entry));
      await rename(join(folder, name), join(aside, name));
      await syncFolder(aside);
      await syncFolder(folder);
    },
    async state(name) {
      const errorOf = (entry: Entry | 'damaged'): string | null => (entry === 'damaged' ? null : entry.last_error);
      const queued = await readEntry(join(folder, name));
      if (queued) return { state: 'queued', error: errorOf(queued) };
      const failed = await readEntry(join(aside, name));
      return failed ? { state: 'failed', error: errorOf(failed) } : { state: 'gone', error: null };
    },
    async sweep(now) {
      const names = await readdir(folder);
      for (const name of names.filter((each) => each.endsWith('.tmp'))) {
        const path = join(folder, name);
        const age = now - (await stat(path).catch(() => ({ mtimeMs: now }))).mtimeMs;
        if (age > 10 * MINUTE) await rm(path, { force: true });
      }
    },
  };
}
