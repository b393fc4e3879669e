import { AppError, type ErrorCode } from '../errors.ts';
import type { RunResult } from './context.ts';

/** Answers by which a server says that it did not do it; all else leaves open what became of the request. */
const REFUSED: ReadonlySet<ErrorCode> = new Set([
  'CONFLICT',
  'INVALID_INPUT',
  'FORBIDDEN',
  'NOT_FOUND',
  'NOT_CONFIGURED',
]);

/** Whether the error says that the request was refused and changed nothing. */
export const isRefusal = (error: unknown): error is AppError => error instanceof AppError && REFUSED.has(error.code);

/** The outcome of a single write that was refused, for it changed nothing. Throws every other error on. */
export function refusal(error: unknown): RunResult {
  if (!isRefusal(error)) throw error;
  return {
    status: 'failed',
    summary: `refused, nothing was changed: ${error.message}${error.code === 'FORBIDDEN' ? ` Next: ${error.next}` : ''}`,
    details: {},
  };
}
