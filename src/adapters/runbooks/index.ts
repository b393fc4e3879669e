import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { notConfigured } from '../../errors.ts';
import type { Runbooks } from '../../ports/runbooks.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,78}$/;
const MAX_BYTES = 256 * 1024;

/** Runbooks as `<folder>/<name>.md`. Names are checked, so that none can leave the folder. */
export function createRunbooks(folder: string): Runbooks {
  const pathOf = (name: string): string => join(folder, `${name}.md`);
  const read = async (name: string): Promise<string | null> => {
    if (!NAME.test(name) || name.includes('..')) return null;
    try {
      const { size } = await stat(pathOf(name));
      const text = await readFile(pathOf(name), 'utf8');
      return size > MAX_BYTES ? `${text.slice(0, MAX_BYTES)}\n\n(cut: the file has ${size} bytes)\n` : text;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  };
  return {
    read,
    list: async () => {
      let files: string[];
      try {
        files = await readdir(folder);
      } catch (cause) {
        throw notConfigured(
          `the folder of runbooks ${folder} cannot be read (${(cause as NodeJS.ErrnoException).code}).`,
          'correct runbooks.folder in the configuration.',
        );
      }
      const names = files
        .filter((file) => file.endsWith('.md'))
        .map((file) => file.slice(0, -3))
        .filter((name) => NAME.test(name))
        .sort();
      return Promise.all(
        names.map(async (name) => {
          const heading = /^#\s+(.+)$/m.exec((await read(name)) ?? '')?.[1];
          return { name, title: heading?.trim().slice(0, 120) ?? name };
        }),
      );
    },
  };
}
