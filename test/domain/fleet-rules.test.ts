import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeFleet } from '../../src/domain/fleet-rules.ts';
import type { CustomerAgents, FleetReading } from '../../src/domain/observe.ts';

const customer = (
  name: string,
  connected: number | null,
  expected: number | null = 10,
  error_ratio: number | null = null,
): CustomerAgents => ({
  customer: name,
  expected,
  connected,
  error_ratio,
});
const fleet = (...customers: CustomerAgents[]): FleetReading => ({ customers, versions: [], gaps: [] });
const some = (n: number, sick: number): FleetReading =>
  fleet(...Array.from({ length: n }, (_, i) => customer(`c${i}`, i < sick ? 0 : 10)));

describe('judgeFleet', () => {
  it.each([
    ['all agents', customer('a', 10), false],
    ['at the threshold', customer('a', 9), false],
    ['below it', customer('a', 8), true],
    ['gone', customer('a', 0), true],
    ['too many errors', customer('a', 10, 10, 0.05), true],
    ['few errors', customer('a', 10, 10, 0.01), false],
    ['errors, agents unknown', customer('a', null, null, 0.5), true],
    ['connected unknown', customer('a', null), null],
    ['expected unknown', customer('a', 10, null), null],
    ['expects none', customer('a', 0, 0), false],
  ] as const)('affected: %s', (_name, c, affected) => {
    expect(judgeFleet(fleet(c)).customers[0]?.affected).toBe(affected);
  });

  it.each([
    ['none', 40, 0, 'none', 0],
    ['some', 40, 1, 'some', 2.5],
    ['just not many', 100, 19, 'some', 19],
    ['many', 40, 8, 'many', 20],
    ['just not all', 100, 94, 'many', 94],
    ['all', 40, 38, 'all', 95],
    ['one decimal', 7, 1, 'some', 14.3],
  ] as const)('scope: %s', (_name, n, sick, scope, percent) => {
    expect(judgeFleet(some(n, sick))).toMatchObject({
      scope,
      affected_percent: percent,
      customers_total: n,
      customers_affected: sick,
    });
  });

  it('sums agents and judges the objective where both figures are known', () => {
    const judged = judgeFleet(fleet(customer('a', 99, 100), customer('b', 100, 100), customer('c', null, 50)), {
      slo_target: 0.99,
    });
    expect(judged).toMatchObject({
      agents_expected: 250,
      agents_connected: 199,
      agents_unknown: 50,
      // Were all of c's agents connected it would be kept, were none it would be breached.
      slo: { target: 0.99, current: 0.995, breached: null },
    });
    const lost = judgeFleet(fleet(customer('a', 50, 100), customer('c', null, 50)), { slo_target: 0.9 });
    expect(lost.slo).toEqual({ target: 0.9, current: 0.5, breached: true });
    const kept = judgeFleet(fleet(customer('a', 100, 100), customer('c', null, 5)), { slo_target: 0.9 });
    expect(kept.slo).toEqual({ target: 0.9, current: 1, breached: false });
    expect(judgeFleet(fleet(customer('a', 98, 100))).slo).toEqual({ target: 0.99, current: 0.98, breached: true });
    expect(judgeFleet(fleet(customer('a', 0, 0))).slo).toMatchObject({ current: null, breached: null });
  });

  it.each([
    ['not read', null],
    ['no customer in it', fleet()],
    ['nothing known of any', fleet(customer('a', null, null))],
  ])('unknown is never 0: %s', (_name, reading) => {
    const judged = judgeFleet(reading);
    expect(judged).toMatchObject({
      customers_affected: null,
      affected_percent: null,
      scope: null,
      agents_connected: null,
    });
    expect(judged.gaps.length).toBeGreaterThan(0);
  });

  it('does not call the fleet well while it knows nothing of one customer', () => {
    const judged = judgeFleet(fleet(customer('a', 10), customer('b', null)));
    expect(judged).toMatchObject({ customers_affected: 0, customers_unknown: 1, scope: null });
    expect(judged.gaps[0]).toContain('1 of 2 customers');
  });

  it('lists the worst first', () => {
    const judged = judgeFleet(
      fleet(
        customer('well', 10),
        customer('?', null),
        customer('half', 5),
        customer('errors', 10, 10, 0.9),
        customer('gone', 0),
      ),
    );
    expect(judged.customers.map((c) => c.customer)).toEqual(['gone', 'half', 'errors', '?', 'well']);
  });

  it('never counts more affected than there are, and one more loss never lowers the count', () => {
    const any = fc.tuple(
      fc.option(fc.nat(10)),
      fc.option(fc.nat(10)),
      fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    );
    fc.assert(
      fc.property(fc.array(any, { minLength: 1, maxLength: 20 }), (list) => {
        const customers = list.map(([connected, expected, ratio], i) => customer(`c${i}`, connected, expected, ratio));
        const {
          customers_affected: affected,
          customers_total: total,
          affected_percent: percent,
          scope,
        } = judgeFleet(fleet(...customers));
        expect(total).toBe(list.length);
        if (affected === null) expect([percent, scope]).toEqual([null, null]);
        else {
          expect(affected).toBeLessThanOrEqual(list.length);
          const worse = judgeFleet(fleet(...customers.map((c) => (c.connected === null ? c : { ...c, connected: 0 }))));
          expect(worse.customers_affected).toBeGreaterThanOrEqual(affected);
        }
      }),
    );
  });
});
