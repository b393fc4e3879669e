import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { link, lstat, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { storeFailed } from '../../errors.ts';
import { isErrno } from './failure.ts';

/** Neither exists on Windows; there the flag is left out. */
const NOFOLLOW = constants.O_NOFOLLOW ?? 0;
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

export const READ = constants.O_RDONLY | NOFOLLOW;
export const UPDATE = constants.O_RDWR | NOFOLLOW;
export const CREATE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | NOFOLLOW;

/** Opens without following a symbolic link (ELOOP), readable by the owner alone. */
export const openFile = (path: string, flags: number): Promise<FileHandle> => open(path, flags, FILE_MODE);

/** As `openFile`, null when there is none. */
export async function openIfThere(path: string, flags: number): Promise<FileHandle | null> {
  try {
    return await openFile(path, flags);
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return null;
    throw cause;
  }
}

/** The whole text, null when there is none. Refuses symbolic links. */
export async function readIfThere(path: string): Promise<string | null> {
  const handle = await openIfThere(path, READ);
  if (!handle) return null;
  try {
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/** The entries of a folder, sorted; none when there is no such folder. */
export async function entriesOf(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return [];
    throw cause;
  }
}

/** Writes all of `bytes` at `position`; a write may be cut short by a full disk or a limit, then the rest fails with its reason. */
export async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0)
      throw storeFailed('The disk took no more bytes.', 'free space on that disk, then call again.');
    done += bytesWritten;
  }
}

/** Makes the entries of a folder durable. Not every system can (Windows cannot open a folder): there it is left out. */
export async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(folder, constants.O_RDONLY);
  } catch (cause) {
    if (isErrno(cause, 'EISDIR', 'EPERM', 'EACCES') && process.platform === 'win32') return;
    throw cause;
  }
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The folder, made if it is missing (mode 0700, durable). A symbolic link or a file in its place is refused with `STORE`. */
export async function ensureFolder(folder: string): Promise<void> {
  if (await isRealFolder(folder)) return;
  try {
    await mkdir(folder, { mode: FOLDER_MODE });
  } catch (cause) {
    if (!isErrno(cause, 'EEXIST')) throw cause;
  }
  await syncFolder(dirname(folder));
}

/** True for a folder, false for nothing; throws `STORE` for a symbolic link or a file. */
export async function isRealFolder(folder: string): Promise<boolean> {
  try {
    const stat = await lstat(folder);
    if (stat.isDirectory()) return true;
    const is = stat.isSymbolicLink() ? 'a symbolic link' : 'a file';
    throw storeFailed(`${folder} is ${is}, not a folder.`, 'move it away; links in the data folder are refused.');
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return false;
    throw cause;
  }
}

/**
 * Replaces a file in one step: temporary file, (fsync), rename, (fsync of the folder). A crash leaves the old text or the new one.
 * `durable: false` is for what can be rebuilt.
 */
export async function replaceFile(path: string, content: string, options: { durable: boolean }): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const handle = await openFile(temporary, CREATE);
    try {
      await writeAt(handle, Buffer.from(content), 0);
      if (options.durable) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await removeIfThere(temporary).catch(() => undefined);
    throw cause;
  }
  if (options.durable) await syncFolder(dirname(path));
}

export async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (cause) {
    if (!isErrno(cause, 'ENOENT')) throw cause;
  }
}

/** Gives `path` a second name `<folder>/<stem>-<n><end>` that was free, so that it survives what happens to the first one. */
export async function keepAs(path: string, stem: string, end: string): Promise<string> {
  const folder = dirname(path);
  for (let n = 1; ; n += 1) {
    const name = `${stem}-${n}${end}`;
    try {
      await link(path, join(folder, name));
      return name;
    } catch (cause) {
      if (!isErrno(cause, 'EEXIST')) throw cause;
    }
  }
}

/** Writes `bytes` durably to the first free `<folder>/<stem>-<n><end>`. */
export async function saveAs(folder: string, stem: string, end: string, bytes: Uint8Array): Promise<string> {
  for (let n = 1; ; n += 1) {
    const name = `${stem}-${n}${end}`;
    let handle: FileHandle;
    try {
      handle = await openFile(join(folder, name), CREATE);
    } catch (cause) {
      if (isErrno(cause, 'EEXIST')) continue;
      throw cause;
    }
    try {
      await writeAt(handle, bytes, 0);
      await handle.sync();
    } catch (cause) {
      await removeIfThere(join(folder, name)).catch(() => undefined);
      throw cause;
    } finally {
      await handle.close();
    }
    await syncFolder(folder);
    return name;
  }
}

/** Removes the temporary files that a killed process left in a folder; younger ones may still be in use. */
export async function sweepTemporary(folder: string, olderThanMs = 60_000): Promise<void> {
  for (const name of await entriesOf(folder)) {
    if (!name.endsWith('.tmp')) continue;
    const path = join(folder, name);
    const stat = await lstat(path).catch(() => null);
    if (stat && Date.now() - stat.mtimeMs > olderThanMs) await removeIfThere(path).catch(() => undefined);
  }
}
