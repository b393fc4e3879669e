import { invalidInput } from '../errors.ts';

/** An instant on the wire and in the record: ISO 8601 in UTC with `Z`, millisecond precision or coarser. */
export type Instant = string;

// RFC 3339 section 5.6: the offset is mandatory, which is what makes it an instant and not a wall-clock reading.
const WITH_OFFSET = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})$/;
const DURATION = /^(\d{1,6})(s|m|h|d)$/;
const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export const SECOND = UNIT_MS.s;
export const MINUTE = UNIT_MS.m;
export const HOUR = UNIT_MS.h;
export const DAY = UNIT_MS.d;

/** True for an ISO 8601 instant that carries its offset and names a real date. */
export function isInstant(text: string): boolean {
  if (!WITH_OFFSET.test(text)) return false;
  if (Number.isNaN(Date.parse(text))) return false;
  // Date.parse rolls 31 February over into March; the calendar day must be the one that was written.
  const [year, month, day] = text.slice(0, 10).split('-').map(Number) as [number, number, number];
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

export const toInstant = (date: Date): Instant => date.toISOString();

/** Milliseconds of `90s`, `15m`, `24h`, `7d`; throws `INVALID_INPUT`. */
export function parseDuration(text: string, name: string): number {
  const match = DURATION.exec(text);
  if (!match) {
    throw invalidInput(`${name} is not a duration: "${text.slice(0, 40)}".`, 'give it like 90s, 15m, 24h or 7d.');
  }
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}

/** `3m12s`, `2h05m`, `4d3h`: two units at the most, never dropping whole days. Negative durations show as their amount. */
export function formatDuration(ms: number): string {
  const total = Math.floor(Math.abs(ms) / 1000);
  const d = Math.floor(total / 86_400);
  const h = Math.floor((total % 86_400) / 3_600);
  const m = Math.floor((total % 3_600) / 60);
  const s = total % 60;
  if (d > 0) return h > 0 ? `${d}d${h}h` : `${d}d`;
  if (h > 0) return `${h}h${String(m).padStart(2, '0')}m`;
  if (m > 0) return `${m}m${String(s).padStart(2, '0')}s`;
  return `${s}s`;
}

/** `14:20Z`, for a line of state; with the day when it is not the same UTC day as `now`. */
export function clockTime(instant: Instant, now: Date): string {
  const time = `${instant.slice(11, 16)}Z`;
  return instant.slice(0, 10) === toInstant(now).slice(0, 10) ? time : `${instant.slice(0, 10)} ${time}`;
}

/** The instant without milliseconds, for people. */
export const shortInstant = (instant: Instant): string => `${instant.slice(0, 19)}Z`;
