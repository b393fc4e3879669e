import type { z } from 'zod';
import { maskText } from '../../domain/mask.ts';
import { oneLine } from '../../domain/text.ts';
import { type AppError, unavailable } from '../../errors.ts';

const LONGEST = 64 * 1024;

/** Text of a source made fit for a field or an error: one line, no secrets, bounded. Masked before it is cut: half a token is a leak too. */
export const foreign = (text: string, max = 300): string => oneLine(maskText(oneLine(text.slice(0, LONGEST))), max);

/** The error for an answer that is JSON but not of the expected shape; names the place, never the content. */
export function unexpectedShape(source: string, error: z.ZodError): AppError {
  const issue = error.issues[0];
  const place = issue && issue.path.length > 0 ? foreign(issue.path.join('.'), 80) : 'the top level';
  return unavailable(
    `${source} answered JSON of an unexpected shape (at ${place}).`,
    'check that the configured address belongs to this kind of source.',
  );
}
