import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Incident } from '../../src/domain/incident.ts';
import { MINUTE } from '../../src/domain/instant.ts';
import { clockOf, type ResponseRules, stateLine } from '../../src/domain/response-clock.ts';
import { SEVERITIES, type Severity } from '../../src/domain/severity.ts';
import { at, incident, MATRIX, min } from './builders.ts';

const RULES: ResponseRules = {
  matrix: MATRIX,
  calendar: { time_zone: 'UTC', business_hours: { start: '09:00', end: '17:00', days: [1, 2, 3, 4, 5] }, holidays: [] },
  update_intervals: { SEV1: 20 * MINUTE, SEV2: 20 * MINUTE, SEV3: 60 * MINUTE, SEV4: null },
};
/** An incident that had these severities from these minutes on. */
const changing = (spans: [Severity, number][], over: Partial<Incident> = {}): Incident => {
  const first = spans[0]?.[0] ?? 'SEV2';
  return incident({
    severity: spans.at(-1)?.[0] ?? first,
    severity_first: first,
    severity_history: spans.map(([severity, minute]) => ({ severity, from: min(minute) })),
    ...over,
  });
};
const response = (minute: number): Incident['first_response'] => ({
  at: min(minute),
  by: 'Ada',
  known_by: 'terminal',
  event_id: 'E5',
});
const clock = (i: Incident, minute: number) => clockOf(i, RULES, at(minute));
const line = (i: Incident, minute: number): string => stateLine(i, clock(i, minute), at(minute));

describe('first response', () => {
  it.each([
    ['immediate', [['SEV1', 0]], 0],
    ['15 minutes', [['SEV2', 0]], 15],
    ['one hour', [['SEV3', 0]], 60],
    ['next business day', [['SEV4', 0]], 21 * 60],
    [
      'raised: counted from the raise',
      [
        ['SEV3', 0],
        ['SEV2', 30],
      ],
      45,
    ],
    [
      'raised late: the old deadline is the earlier one',
      [
        ['SEV3', 0],
        ['SEV2', 55],
      ],
      60,
    ],
    [
      'raised to immediate',
      [
        ['SEV2', 0],
        ['SEV1', 5],
      ],
      5,
    ],
    [
      'lowered in time: the milder row from the declaration',
      [
        ['SEV2', 0],
        ['SEV3', 10],
      ],
      60,
    ],
    [
      'lowered after it was missed: stays',
      [
        ['SEV2', 0],
        ['SEV3', 20],
      ],
      15,
    ],
    [
      'raised and lowered again',
      [
        ['SEV3', 0],
        ['SEV2', 30],
        ['SEV3', 40],
      ],
      60,
    ],
    [
      'lowering never makes it earlier',
      [
        ['SEV4', 0],
        ['SEV2', 120],
        ['SEV3', 125],
      ],
      135,
    ],
  ] as [string, [Severity, number][], number][])('%s', (_name, spans, due) => {
    expect(clock(changing(spans), 0).first_response.due_at).toBe(min(due));
  });

  it.each([
    ['pending', null, 14, 'pending', 1],
    ['at the deadline', null, 15, 'pending', 0],
    ['missed', null, 16, 'breached', -1],
    ['met', 10, 40, 'met', 5],
    ['late', 20, 40, 'breached', -5],
  ] as const)('state: %s', (_name, responded, now, state, left) => {
    const i = incident(responded === null ? {} : { first_response: response(responded) });
    expect(clock(i, now).first_response).toMatchObject({
      state,
      remaining_ms: left * MINUTE,
      by: responded === null ? null : 'Ada',
    });
  });

  it('is not changed by what happens after the response', () => {
    const i = changing(
      [
        ['SEV2', 0],
        ['SEV1', 30],
      ],
      { first_response: response(10) },
    );
    expect(clock(i, 40).first_response).toMatchObject({ due_at: min(15), state: 'met' });
  });
  it('names a missed deadline until it is on record, also a late one', () => {
    expect(clock(incident(), 16).breaches_due).toEqual([{ kind: 'first_response', due_at: min(15) }]);
    expect(clock(incident({ first_response: response(20) }), 19.5).breaches_due).toEqual([
      { kind: 'first_response', due_at: min(15) },
    ]);
    const known = incident({ breaches: [{ kind: 'first_response', due_at: min(15), event_id: 'E9' }] });
    expect(clock(known, 16).breaches_due).toEqual([]);
    expect(clock(known, 16).first_response.state).toBe('breached');
  });
  it('stands still once the incident is resolved', () => {
    const resolved = incident({
      status: 'resolved',
      status_history: [
        { status: 'investigating', from: min(0) },
        { status: 'resolved', from: min(10) },
      ],
    });
    expect(clock(resolved, 500)).toMatchObject({
      first_response: { state: 'pending', remaining_ms: 5 * MINUTE },
      next_update: { due_at: null, state: 'none' },
      breaches_due: [],
    });
  });
});

describe('next update', () => {
  it.each([
    ['from the declaration', incident(), 20],
    ['from the last message', incident({ last_update_at: min(12) }), 32],
    ['none for SEV4', incident({ severity: 'SEV4' }), null],
    [
      'raised from none: from the raise',
      changing([
        ['SEV4', 0],
        ['SEV2', 300],
      ]),
      320,
    ],
    [
      'lowered in time',
      changing([
        ['SEV2', 0],
        ['SEV3', 10],
      ]),
      60,
    ],
    [
      'lowered after it was missed: stays',
      changing([
        ['SEV2', 0],
        ['SEV3', 30],
      ]),
      20,
    ],
    [
      'from the reopening',
      incident({
        reopened: 1,
        status_history: [
          { status: 'investigating', from: min(0) },
          { status: 'resolved', from: min(30) },
          { status: 'investigating', from: min(90) },
        ],
      }),
      110,
    ],
  ] as [string, Incident, number | null][])('%s', (_name, i, due) => {
    expect(clock(i, 1).next_update.due_at).toBe(due === null ? null : min(due));
  });
  it('names each missed one once', () => {
    const missed = incident({ first_response: response(1) });
    expect(clock(missed, 20).next_update.state).toBe('pending');
    expect(clock(missed, 21)).toMatchObject({
      next_update: { state: 'overdue' },
      breaches_due: [{ kind: 'update', due_at: min(20) }],
    });
    const known = { ...missed, breaches: [{ kind: 'update' as const, due_at: min(20), event_id: 'E9' }] };
    expect(clock(known, 21).breaches_due).toEqual([]);
  });
});

describe('stateLine', () => {
  const led = { roles: { commander: { person: 'Grace', since: min(1), known_by: 'terminal' as const } } };
  it.each([
    [
      'pending',
      incident(),
      11.8,
      'INC-0007 SEV2 investigating | first response due in 3m12s | next update due 12:20Z | commander: nobody',
    ],
    [
      'overdue',
      incident(led),
      25,
      'INC-0007 SEV2 investigating | first response overdue by 10m00s | next update overdue by 5m00s | commander: Grace',
    ],
    [
      'met',
      incident({ first_response: response(2) }),
      5,
      'INC-0007 SEV2 investigating | first response by Ada after 2m00s | next update due 12:20Z | commander: nobody',
    ],
    [
      'late',
      incident({ first_response: response(20), last_update_at: min(20) }),
      21,
      'INC-0007 SEV2 investigating | first response by Ada after 20m00s, 5m00s late | next update due 12:40Z | commander: nobody',
    ],
    [
      'immediate',
      incident({ severity: 'SEV1' }),
      0.5,
      'INC-0007 SEV1 investigating | first response due now | next update due 12:20Z | commander: nobody',
    ],
    [
      'immediate, late',
      incident({ severity: 'SEV1' }),
      4,
      'INC-0007 SEV1 investigating | first response overdue by 4m00s | next update due 12:20Z | commander: nobody',
    ],
    [
      'drill, tomorrow',
      incident({ severity: 'SEV4', drill: true }),
      1,
      'INC-0007 SEV4 investigating DRILL | first response due in 20h59m | no update due | commander: nobody',
    ],
  ] as [string, Incident, number, string][])('%s', (_name, i, now, expected) => {
    expect(line(i, now)).toBe(expected);
  });

  it('stays one line of four fields, whatever a name holds', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom(...SEVERITIES),
        fc.integer({ min: 0, max: 5_000 }),
        (name, severity, now) => {
          const person = `${name}\n| x\u2028`;
          const i = incident({
            severity,
            roles: { commander: { person, since: min(1), known_by: 'terminal' } },
            first_response: { ...response(1)!, by: person },
          });
          const text = line(i, now);
          expect(text.split('|')).toHaveLength(4);
          expect(text).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
          expect(text.length).toBeLessThan(300);
        },
      ),
    );
  });
});
