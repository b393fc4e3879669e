import { AppError, storeFailed } from '../../errors.ts';

const NEXT: Record<string, string> = {
  ENOSPC: 'free space on that disk, then call again.',
  EDQUOT: 'free space within the quota of that disk, then call again.',
  EFBIG: 'raise the limit on file sizes (`ulimit -f`), then call again.',
  EROFS: 'the file system is read-only: remount it or give another folder with --data-dir.',
  EACCES: 'give this user the right to write there, or another folder with --data-dir.',
  EPERM: 'give this user the right to write there, or another folder with --data-dir.',
  EMFILE: 'too many files are open: raise `ulimit -n` or restart the server, then call again.',
  ENFILE: 'the machine has too many files open: close some, then call again.',
  ELOOP: 'a symbolic link stands in the data folder: replace it by the real file or folder.',
  ENOTDIR: 'a file stands where a folder should be: move it away or give another folder with --data-dir.',
  EEXIST: 'a file stands where a folder should be: move it away or give another folder with --data-dir.',
  EISDIR: 'a folder stands where a file should be: move it away.',
  ENOTSUP: 'the file system lacks hard links: give a folder on another one with --data-dir.',
  EIO: 'the disk reports an error: check it, or give a folder on another one with --data-dir.',
};

/** The errno name of an error of the file system, or null for any other. */
export function errnoOf(cause: unknown): string | null {
  const code = cause instanceof Error && 'syscall' in cause ? (cause as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : null;
}

export const isErrno = (cause: unknown, ...codes: string[]): boolean => codes.includes(errnoOf(cause) ?? '');

/** `STORE` with the next move for an error of the file system; any other error is returned as it is. */
export function asStoreError(cause: unknown, what: string): unknown {
  if (cause instanceof AppError) return cause;
  const code = errnoOf(cause);
  if (code === null) return cause;
  const { path, message } = cause as NodeJS.ErrnoException;
  return storeFailed(
    `${what}: ${message.split(', ')[0]}${path === undefined ? '' : ` (${path})`}.`,
    NEXT[code] ?? 'check the data folder with `incident-mcp doctor`.',
    cause,
  );
}

/** Runs `work` and gives errors of the file system their code and next move. */
export async function guarded<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw asStoreError(cause, what);
  }
}
