/**
 * The error codes of the contract.
 *
 * - `INVALID_INPUT`  the caller's arguments or configuration cannot be used
 * - `NOT_FOUND`      the thing named does not exist
 * - `UNAVAILABLE`    a source is down or answered nonsense
 * - `TIMEOUT`        a source did not answer within its deadline
 * - `CONFLICT`       the world moved, or the step does not follow from the present state
 * - `NOT_CONFIGURED` the configuration does not name what the call needs
 * - `FORBIDDEN`      credentials, policy or mode do not allow it
 * - `STORE`          the record could not be written; nothing was done
 */
export const ERROR_CODES = [
  'INVALID_INPUT',
  'NOT_FOUND',
  'UNAVAILABLE',
  'TIMEOUT',
  'CONFLICT',
  'NOT_CONFIGURED',
  'FORBIDDEN',
  'STORE',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** An error whose cause is known: a code, what went wrong, and the next move of whoever reads it. Formatting is elsewhere. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly next: string;

  constructor(code: ErrorCode, message: string, next: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'AppError';
    this.code = code;
    this.next = next;
  }
}

export const invalidInput = (message: string, next: string): AppError => new AppError('INVALID_INPUT', message, next);
export const notFound = (message: string, next: string): AppError => new AppError('NOT_FOUND', message, next);
export const unavailable = (message: string, next: string, cause?: unknown): AppError =>
  new AppError('UNAVAILABLE', message, next, { cause });
export const timedOut = (message: string, next: string): AppError => new AppError('TIMEOUT', message, next);
export const conflict = (message: string, next: string): AppError => new AppError('CONFLICT', message, next);
export const notConfigured = (message: string, next: string): AppError => new AppError('NOT_CONFIGURED', message, next);
export const forbidden = (message: string, next: string): AppError => new AppError('FORBIDDEN', message, next);
export const storeFailed = (message: string, next: string, cause?: unknown): AppError =>
  new AppError('STORE', message, next, { cause });
