import { invalidInput } from '../errors.ts';
import { DAY, MINUTE } from './instant.ts';

/** The working week of the people who respond. Source: the configuration's `response`. */
export interface BusinessCalendar {
  /** IANA name such as `Europe/Zurich`. */
  time_zone: string;
  /** Local wall-clock times `HH:MM`; `days` are ISO weekdays, 1 is Monday. */
  business_hours: { start: string; end: string; days: readonly number[] };
  /** Local dates `YYYY-MM-DD`. */
  holidays: readonly string[];
}

/** Two years: more non-business days in a row than that is a mistake in the calendar. */
const LONGEST_SEARCH_DAYS = 731;

/** Wall-clock reading in a zone, held as if it were UTC: milliseconds that only compare with each other. */
function wallClockOf(zone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (at) => {
    const parts: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(at)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second);
  };
}

/**
 * The instant at which the zone's clocks show `wall`. A reading that occurs twice (clocks set back) gives the first; one that does
 * not occur (clocks set forward) gives the reading moved by the gap.
 */
function instantOf(wall: number, wallClock: (at: number) => number): number {
  // Offsets change at most once within two days, so those a day before and after are the only candidates.
  const offsets = [wall - DAY, wall + DAY].map((at) => wallClock(at) - at);
  const exact = offsets.map((offset) => wall - offset).filter((at) => wallClock(at) === wall);
  return exact.length > 0 ? Math.min(...exact) : wall - (offsets[0] ?? 0);
}

/**
 * The start of business of the next business day after the local day of `from`, right over changes of daylight-saving time.
 * Throws `INVALID_INPUT` when the calendar has no business day within two years. Source: the runbook, "Severity levels" (SEV4).
 */
export function nextBusinessDayStart(from: Date, calendar: BusinessCalendar): Date {
  const wallClock = wallClockOf(calendar.time_zone);
  const [hour = 0, minute = 0] = calendar.business_hours.start.split(':').map(Number);
  const today = Math.floor(wallClock(from.getTime()) / DAY) * DAY;
  const holidays = new Set(calendar.holidays);
  for (let step = 1; step <= LONGEST_SEARCH_DAYS; step++) {
    const day = today + step * DAY;
    const weekday = new Date(day).getUTCDay() || 7;
    const date = new Date(day).toISOString().slice(0, 10);
    if (!calendar.business_hours.days.includes(weekday) || holidays.has(date)) continue;
    const at = instantOf(day + (hour * 60 + minute) * MINUTE, wallClock);
    // A zone that crossed the date line skipped this day altogether.
    if (Math.floor(wallClock(at) / DAY) * DAY === day) return new Date(at);
  }
  throw invalidInput(
    'the response calendar has no business day within two years.',
    'mend response.business_hours.days and response.holidays in the configuration.',
  );
}
