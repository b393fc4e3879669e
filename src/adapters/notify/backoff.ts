import { DAY, HOUR, MINUTE, SECOND } from '../../domain/instant.ts';

export const GIVE_UP_AFTER = DAY;
export const LONGEST_BACKOFF = 5 * MINUTE;
export const LONGEST_RETRY_AFTER = HOUR;

/** Milliseconds until the next try after `attempts` failed ones: 1 s, doubled each time up to 5 min, of which a random half (`random` in 0..1). */
export function backoff(attempts: number, random: number, first: number = SECOND): number {
  const full = Math.min(LONGEST_BACKOFF, first * 2 ** Math.min(30, Math.max(0, attempts - 1)));
  return Math.round(full / 2 + (full / 2) * random);
}

/** Milliseconds of a `Retry-After` header (RFC 9110 section 10.2.3: seconds or an HTTP date), at most 1 h; 0 when absent or unreadable. */
export function retryAfter(header: string | undefined, now: Date): number {
  if (header === undefined) return 0;
  const text = header.trim();
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * SECOND : Date.parse(text) - now.getTime();
  return Number.isFinite(ms) ? Math.min(LONGEST_RETRY_AFTER, Math.max(0, ms)) : 0;
}

/** Milliseconds until an entry may be tried; 0 when it is due. A clock that was set back cannot hold it longer than the longest wait. */
export function waitFor(entry: { next_attempt_at: number; not_before: number }, now: number, hurry: boolean): number {
  const due = hurry ? entry.not_before : Math.max(entry.next_attempt_at, entry.not_before);
  const wait = due - now;
  return wait > LONGEST_RETRY_AFTER ? 0 : Math.max(0, wait);
}
