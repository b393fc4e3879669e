import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_RUNBOOK_BYTES } from '../../domain/runbook-section.ts';
import { conflict, notConfigured, storeFailed } from '../../errors.ts';
import type { Runbooks, RunbookWriter } from '../../ports/runbooks.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,78}$/;

export interface RunbookFolders {
  /** Where changes are written, and what is looked at first. */
  own: string;
  /** Read where `own` has no runbook of that name; null: nothing beside `own`. */
  shipped: string | null;
}

/** Runbooks as `<folder>/<name>.md`. Names are checked, so that none can leave the folder. */
export function createRunbooks({ own, shipped }: RunbookFolders): Runbooks & RunbookWriter {
  const folders = shipped === null ? [own] : [own, shipped];
  const fileOf = (folder: string, name: string): string => join(folder, `${name}.md`);
  const read = async (name: string): Promise<string | null> => {
    if (!isName(name)) return null;
    for (const folder of folders) {
      const text = await readFrom(fileOf(folder, name));
      if (text !== null) return text;
    }
    return null;
  };
  return {
    read,
    pathOf: (name) => fileOf(own, name),
    list: async () => {
      const found = await Promise.all(folders.map((folder) => filesOf(folder, folder === own && shipped !== null)));
      const names = [...new Set(found.flat())].sort();
      return Promise.all(
        names.map(async (name) => {
          const heading = /^#\s+(.+)$/m.exec((await read(name)) ?? '')?.[1];
          return { name, title: heading?.trim().slice(0, 120) ?? name };
        }),
      );
    },
    write: async (name, text) => {
      if (!isName(name))
        throw notConfigured(`"${name}" is not the name of a runbook.`, 'use letters, digits, "-", "_" and ".".');
      // Also the guard of a file that was read in part: what is left of it is too long by its note about the cut.
      if (Buffer.byteLength(text) > MAX_RUNBOOK_BYTES)
        throw conflict(`the runbook ${name} would be too long to be read back.`, 'split it.');
      try {
        await replace(own, fileOf(own, name), text);
      } catch (cause) {
        throw storeFailed(
          `the runbook ${name} could not be written (${(cause as NodeJS.ErrnoException).code}).`,
          'make the folder of runbooks writable.',
          cause,
        );
      }
    },
  };
}

const isName = (name: string): boolean => NAME.test(name) && !name.includes('..');

async function readFrom(file: string): Promise<string | null> {
  try {
    const { size } = await stat(file);
    const text = await readFile(file, 'utf8');
    return size > MAX_RUNBOOK_BYTES
      ? `${text.slice(0, MAX_RUNBOOK_BYTES)}\n\n(cut: the file has ${size} bytes)\n`
      : text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function filesOf(folder: string, mayBeAbsent: boolean): Promise<string[]> {
  try {
    const files = await readdir(folder);
    return files
      .filter((file) => file.endsWith('.md'))
      .map((file) => file.slice(0, -3))
      .filter(isName);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (mayBeAbsent && (code === 'ENOENT' || code === 'ENOTDIR')) return [];
    throw notConfigured(
      `the folder of runbooks ${folder} cannot be read (${code}).`,
      'correct runbooks.folder in the configuration.',
    );
  }
}

/** Written beside, flushed, renamed: a reader sees the old text or the new one. */
async function replace(folder: string, file: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const draft = `${file}.${randomBytes(4).toString('hex')}`;
  const handle = await open(draft, 'wx', 0o644);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
