import { constants } from 'node:fs';
import { access, chmod, copyFile, mkdir, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { replaceFile } from '../../adapters/store/files.ts';
import { invalidInput } from '../../errors.ts';

export const exists = (path: string): Promise<boolean> =>
  access(path, constants.F_OK).then(
    () => true,
    () => false,
  );

/**
 * Writes a file in one step. A new one is readable by its owner alone, an old one keeps its mode unless `private` is asked for; behind a link the
 * file itself is replaced. Errors: `INVALID_INPUT` that names the path.
 */
export async function writeWhole(path: string, text: string, options: { private: boolean }): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const target = await realpath(path).catch(() => path);
    const before = await stat(target).catch(() => null);
    await replaceFile(target, text, { durable: true });
    if (before !== null && !options.private) await chmod(target, before.mode & 0o777);
  } catch (error) {
    throw invalidInput(
      `${path} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'no code'}).`,
      'make its folder writable, or name another place.',
    );
  }
}

/** Keeps a copy beside a file that is going to be replaced; resolves with its path. */
export async function keepCopy(path: string, now: Date): Promise<string> {
  const copy = `${path}.bak-${now.toISOString().replace(/[-:.]/g, '')}`;
  await copyFile(path, copy, constants.COPYFILE_EXCL);
  return copy;
}
