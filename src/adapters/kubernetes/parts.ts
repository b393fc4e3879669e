import { AppError } from '../../errors.ts';
import type { ReadOptions } from '../../ports/kubernetes.ts';

/**
 * What the credentials allow of a list that comes in parts, which run at once; each part that they do not is told to `options.forbidden`.
 * Throws the first error of another kind; the first FORBIDDEN where nobody is told, or where no part is allowed.
 */
export async function allowedParts<T>(
  parts: readonly Promise<T>[],
  options: Pick<ReadOptions, 'forbidden'>,
): Promise<T[]> {
  const { forbidden } = options;
  if (!forbidden) return Promise.all(parts);
  const refused: AppError[] = [];
  const answers = await Promise.all(
    parts.map((part) =>
      part.then(
        (value) => [value],
        (error: unknown): T[] => {
          if (!(error instanceof AppError) || error.code !== 'FORBIDDEN') throw error;
          refused.push(error);
          return [];
        },
      ),
    ),
  );
  if (refused[0] && refused.length === parts.length) throw refused[0];
  for (const error of refused) forbidden(error);
  return answers.flat();
}
