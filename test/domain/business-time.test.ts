import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BusinessCalendar, nextBusinessDayStart } from '../../src/domain/business-time.ts';

const calendar = (time_zone: string, over: Partial<BusinessCalendar> = {}): BusinessCalendar => ({
  time_zone,
  business_hours: { start: '09:00', end: '17:00', days: [1, 2, 3, 4, 5] },
  holidays: [],
  ...over,
});

describe('nextBusinessDayStart', () => {
  it.each([
    ['Monday noon', 'UTC', '2026-03-02T12:00:00Z', '2026-03-03T09:00:00.000Z'],
    ['early Monday, before business', 'UTC', '2026-03-02T01:00:00Z', '2026-03-03T09:00:00.000Z'],
    ['Friday', 'UTC', '2026-03-06T18:00:00Z', '2026-03-09T09:00:00.000Z'],
    ['Saturday', 'UTC', '2026-03-07T00:00:00Z', '2026-03-09T09:00:00.000Z'],
    ['local Sunday that is Monday in UTC', 'America/New_York', '2026-03-02T03:00:00Z', '2026-03-02T14:00:00.000Z'],
    ['over the change to summer time', 'Europe/Zurich', '2026-03-27T12:00:00Z', '2026-03-30T07:00:00.000Z'],
    ['over the change to winter time', 'Europe/Zurich', '2026-10-23T12:00:00Z', '2026-10-26T08:00:00.000Z'],
    ['half-hour offset', 'Asia/Kolkata', '2026-03-02T12:00:00Z', '2026-03-03T03:30:00.000Z'],
    ['a day that the zone skipped', 'Pacific/Apia', '2011-12-30T02:00:00Z', '2012-01-01T19:00:00.000Z'],
  ])('%s', (_name, zone, from, expected) => {
    expect(nextBusinessDayStart(new Date(from), calendar(zone)).toISOString()).toBe(expected);
  });

  it('passes over holidays, also several in a row, and keeps other weeks', () => {
    const holidays = ['2026-03-03', '2026-03-04'];
    expect(nextBusinessDayStart(new Date('2026-03-02T12:00:00Z'), calendar('UTC', { holidays })).toISOString()).toBe(
      '2026-03-05T09:00:00.000Z',
    );
    const sunday = { start: '08:30', end: '16:00', days: [7] };
    expect(
      nextBusinessDayStart(new Date('2026-03-02T12:00:00Z'), calendar('UTC', { business_hours: sunday })).toISOString(),
    ).toBe('2026-03-08T08:30:00.000Z');
  });

  it.each([
    ['does not occur: moved by the gap', '02:30', '2026-03-28T12:00:00Z', '2026-03-29T01:30:00.000Z'],
    ['occurs twice: the first', '02:30', '2026-10-24T12:00:00Z', '2026-10-25T00:30:00.000Z'],
  ])('a start that %s', (_name, start, from, expected) => {
    const business_hours = { start, end: '17:00', days: [7] };
    expect(nextBusinessDayStart(new Date(from), calendar('Europe/Zurich', { business_hours })).toISOString()).toBe(
      expected,
    );
  });

  it('refuses a calendar without business days', () => {
    const business_hours = { start: '09:00', end: '17:00', days: [] };
    expect(() => nextBusinessDayStart(new Date(), calendar('UTC', { business_hours }))).toThrow(/no business day/);
  });

  it('is always later, on a business day, at the local start', () => {
    const zones = fc.constantFrom(
      'UTC',
      'Europe/Zurich',
      'America/New_York',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
      'America/St_Johns',
    );
    const date = fc.date({ min: new Date('2015-01-01'), max: new Date('2035-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(zones, date, (zone, from) => {
        const next = nextBusinessDayStart(from, calendar(zone));
        expect(next.getTime()).toBeGreaterThan(from.getTime());
        expect(next.getTime() - from.getTime()).toBeLessThan(5 * 86_400_000);
        const local = new Intl.DateTimeFormat('en-GB', {
          timeZone: zone,
          weekday: 'short',
          hour: '2-digit',
          minute: '2-digit',
        }).format(next);
        expect(local).toMatch(/^(Mon|Tue|Wed|Thu|Fri)\W+09:00$/);
      }),
      { numRuns: 300 },
    );
  });
});
