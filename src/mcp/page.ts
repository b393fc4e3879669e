import { invalidInput } from '../errors.ts';

/**
 * One page of a list. The cursor names the last item shown and not a position, so that items that arrive in between are neither
 * skipped nor shown twice. Errors: `INVALID_INPUT` for a cursor that this list did not give.
 */
export function page<T>(
  items: readonly T[],
  limit: number,
  cursor: string | undefined,
  keyOf: (item: T) => string,
): { items: T[]; next_cursor: string | null } {
  let start = 0;
  if (cursor !== undefined) {
    const key = Buffer.from(cursor, 'base64url').toString('utf8');
    const at = items.findIndex((item) => keyOf(item) === key);
    if (at < 0) throw invalidInput('the cursor does not belong to this list.', 'leave cursor away to begin again.');
    start = at + 1;
  }
  const shown = items.slice(start, start + limit);
  const last = shown.at(-1);
  const more = start + limit < items.length && last !== undefined;
  return { items: shown, next_cursor: more ? Buffer.from(keyOf(last)).toString('base64url') : null };
}
