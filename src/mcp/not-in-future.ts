import { type Instant, MINUTE, toInstant } from '../domain/instant.ts';
import { invalidInput } from '../errors.ts';

/** Clocks of people and machines differ a little; an instant of next week is a mistake. */
const TOLERANCE_MS = 5 * MINUTE;

/** Throws `INVALID_INPUT` for an instant that has not come yet; `name` is the argument's. */
export function notInFuture(name: string, instant: Instant | undefined, now: Date): void {
  if (instant === undefined || Date.parse(instant) <= now.getTime() + TOLERANCE_MS) return;
  throw invalidInput(
    `${name} ${instant} is in the future; it is ${toInstant(now)}.`,
    'give the instant at which it happened.',
  );
}
