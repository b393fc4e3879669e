import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { IncidentStatus } from '../../src/domain/incident.ts';
import { following, isActive, isOpen, mayFollow, STATUSES } from '../../src/domain/incident.ts';

/** The contract's sentence as a table: row is from, column is to, in the order of `STATUSES`. */
const ALLOWED: Record<IncidentStatus, string> = {
  //                inv ide mit res clo fal
  investigating: '.   x   x   x   x   x',
  identified: '.   .   x   x   x   x',
  mitigated: 'x   .   .   x   x   x',
  resolved: 'x   .   .   .   x   x',
  closed: '.   .   .   .   .   .',
  false_alarm: '.   .   .   .   .   .',
};

describe('steps of the status', () => {
  test.each(STATUSES)('from %s', (from) => {
    const allowed = ALLOWED[from].split(/ +/).map((mark) => mark === 'x');
    expect(STATUSES.map((to) => mayFollow(from, to))).toEqual(allowed);
    expect(following(from)).toEqual(STATUSES.filter((_to, i) => allowed[i]));
  });

  test('what is not open has no way on; what is active is open', () => {
    for (const status of STATUSES) {
      expect(following(status).length > 0).toBe(isOpen({ status }));
      if (isActive({ status })) expect(isOpen({ status })).toBe(true);
    }
    expect(isActive({ status: 'resolved' })).toBe(false);
  });

  test('no path goes round without a reopening', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...STATUSES), { maxLength: 40 }), (wishes) => {
        let status: IncidentStatus = 'investigating';
        const since = new Set<IncidentStatus>([status]);
        for (const wish of wishes) {
          if (!mayFollow(status, wish)) continue;
          if (wish === 'investigating') since.clear();
          expect(since.has(wish)).toBe(false);
          since.add(wish);
          status = wish;
        }
      }),
    );
  });
});
