import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fold } from '../../src/domain/fold.ts';
import type { Incident } from '../../src/domain/incident.ts';
import { HOUR, MINUTE } from '../../src/domain/instant.ts';
import { impactOf, METRIC_NAMES, metricsOf, summarizeMetrics } from '../../src/domain/metrics.ts';
import type { IncidentChange, TimelineEvent } from '../../src/domain/timeline.ts';
import { GENESIS_HASH } from '../../src/domain/timeline.ts';

const at = (minute: number): string => new Date(Date.UTC(2026, 2, 1, 14, minute)).toISOString();

type Step = Partial<TimelineEvent> & { minute: number; change?: IncidentChange };

/** A record: declared at 14:10, detected at 14:05, impact from 14:00 unless said otherwise; then the steps. */
function record(
  declared: Partial<NonNullable<IncidentChange['declared']>>,
  ...steps: Step[]
): { incident: Incident; events: TimelineEvent[] } {
  const first: Step = {
    minute: 10,
    kind: 'declared',
    change: {
      declared: {
        id: 'INC-0007',
        title: 'Agents drop',
        severity: 'SEV2',
        environment: 'prod',
        summary: null,
        components: [],
        drill: false,
        declared_at: at(10),
        detected_at: at(5),
        detected_by: null,
        impact_started_at: at(0),
        ...declared,
      },
    },
  };
  const events = [first, ...steps].map(
    ({ minute, ...more }, i): TimelineEvent => ({
      id: `E${i + 1}`,
      seq: i + 1,
      kind: 'updated',
      message: 'm',
      actor: { type: 'system', name: 'incident-mcp' },
      occurred_at: at(minute),
      recorded_at: at(minute),
      evidence: [],
      prev_hash: GENESIS_HASH,
      hash: GENESIS_HASH,
      ...more,
    }),
  );
  return { incident: fold(events) as Incident, events };
}

const status = (minute: number, to: Incident['status']): Step => ({
  minute,
  kind: 'status_changed',
  change: { status: to },
});
const human = (minute: number, known_by: 'terminal' | 'claimed_by_assistant' = 'terminal'): Step => ({
  minute,
  change: { human_response: { by: 'Ada', known_by } },
});
const page = (minute: number, sent: 'sent' | 'failed' = 'sent'): Step => ({
  minute,
  kind: 'notification',
  data: { deliveries: [{ channel: 'pagerduty', status: sent }] },
});
const measure = (...args: Parameters<typeof record>) => {
  const { incident, events } = record(...args);
  return metricsOf(incident, events);
};

describe('the five times', () => {
  test('of an incident that went straight through', () => {
    const m = measure({}, page(11), human(13), status(30, 'mitigated'), status(45, 'resolved'), status(90, 'closed'));
    expect(METRIC_NAMES.map((name) => m[name].ms)).toEqual([5, 5, 2, 30, 45].map((n) => n * MINUTE));
    expect(METRIC_NAMES.map((name) => m[name].reason)).toEqual([null, null, null, null, null]);
    expect(m.impact_ms).toBe(30 * MINUTE);
    expect(m.time_to_acknowledge).toMatchObject({ from: at(11), to: at(13), basis: expect.stringContaining('E2') });
  });

  test('days are not lost', () => {
    expect(measure({}, status(3 * 24 * 60 + 1, 'resolved')).time_to_resolve.ms).toBe(72 * HOUR + MINUTE);
  });

  test('without a start of impact, detection is the basis and says so', () => {
    const m = measure({ impact_started_at: null }, status(30, 'mitigated'), status(45, 'resolved'));
    expect(m.time_to_detect).toMatchObject({ ms: null, reason: 'the start of impact is unknown', warning: null });
    expect(m.time_to_mitigate).toMatchObject({ ms: 25 * MINUTE, from: at(5) });
    expect(m.time_to_mitigate.basis).toMatch(/detected.*start of impact unknown/);
    expect(m.time_to_resolve.ms).toBe(40 * MINUTE);
    expect(m.impact_ms).toBe(25 * MINUTE);
  });

  test('detected before the impact: proactive, null, no warning', () => {
    const m = measure({ impact_started_at: at(8) });
    expect(m.time_to_detect).toMatchObject({ ms: null, warning: null, reason: expect.stringMatching(/^proactive/) });
  });

  test('at the same instant it is 0 and known', () => {
    expect(measure({ impact_started_at: at(5) }).time_to_detect).toMatchObject({ ms: 0, reason: null });
  });

  test('an open incident has reasons, never 0', () => {
    const m = measure({});
    for (const name of ['time_to_acknowledge', 'time_to_mitigate', 'time_to_resolve'] as const) {
      expect(m[name]).toMatchObject({ ms: null, to: null, reason: expect.any(String), warning: null });
    }
    expect(m.impact_ms).toBeNull();
  });

  test.each<[string, Parameters<typeof record>, (typeof METRIC_NAMES)[number]]>([
    ['declared before detected', [{ detected_at: at(12) }], 'time_to_declare'],
    ['resolved before the impact', [{ impact_started_at: at(60) }, status(45, 'resolved')], 'time_to_resolve'],
    [
      'mitigated after resolved',
      [{}, status(45, 'resolved'), { minute: 50, change: { mitigated_at: at(48) } }],
      'time_to_mitigate',
    ],
  ])('%s: a warning and null', (_name, args, name) => {
    expect(measure(...args)[name]).toMatchObject({ ms: null, warning: expect.stringContaining('impossible order') });
  });
});

describe('acknowledgement', () => {
  test.each<[string, Step[], number | null, string]>([
    ['counts from the first page', [page(12), page(14), human(15)], 3, 'first page (E2)'],
    ['counts from the declaration without a page', [human(15)], 5, 'no page on record'],
    ['a page that failed is none', [page(12, 'failed'), human(15)], 5, 'no page on record'],
    ['a page after the human called nobody', [human(12), page(14)], 2, 'after the human acted'],
    ["an assistant's word does not count", [human(15, 'claimed_by_assistant')], null, 'declared'],
    [
      "an assistant's acts do not count",
      [{ minute: 12, kind: 'action', actor: { type: 'assistant', name: 'c' } }],
      null,
      'declared',
    ],
  ])('%s', (_name, steps, minutes, basis) => {
    const { time_to_acknowledge: m } = measure({}, ...steps);
    expect(m.ms).toBe(minutes === null ? null : minutes * MINUTE);
    expect(m.basis).toContain(basis);
  });
});

describe('detections in the timeline', () => {
  const early: Step = { minute: 2, kind: 'detection' };
  test('an earlier one counts, a corrected one does not', () => {
    expect(measure({}, early).time_to_detect.ms).toBe(2 * MINUTE);
    expect(measure({}, early, { minute: 20, kind: 'note', supersedes: 'E2' }).time_to_detect.ms).toBe(5 * MINUTE);
  });
  test("nobody can correct the server's own page away", () => {
    const m = measure({}, page(12), human(15), { minute: 20, kind: 'note', supersedes: 'E2' });
    expect(m.time_to_acknowledge.ms).toBe(3 * MINUTE);
  });
});

describe('reopened', () => {
  const again = [
    status(30, 'mitigated'),
    status(40, 'resolved'),
    status(60, 'investigating'),
    status(70, 'mitigated'),
    status(80, 'resolved'),
  ];
  test('the first resolution stays and impact is the sum of the intervals', () => {
    const { incident, events } = record({}, ...again);
    const m = metricsOf(incident, events);
    expect(m.time_to_resolve).toMatchObject({ ms: 40 * MINUTE, basis: expect.stringContaining('reopened 1 times') });
    expect(m.time_to_mitigate.ms).toBe(30 * MINUTE);
    expect(m.impact_ms).toBe(40 * MINUTE);
    expect(impactOf(incident, events).intervals).toEqual([
      { from: at(0), to: at(30) },
      { from: at(60), to: at(70) },
    ]);
  });
  test.each<[string, Step[]]>([
    ['and still going on', again.slice(0, 3)],
    ['and closed without a second mitigation', [...again.slice(0, 3), status(90, 'closed')]],
  ])('%s: unknown, not the first interval alone', (_name, steps) => {
    expect(measure({}, ...steps).impact_ms).toBeNull();
  });
  test('a stated end of impact goes before the step that noted it', () => {
    expect(measure({}, status(30, 'mitigated'), { minute: 35, change: { mitigated_at: at(25) } }).impact_ms).toBe(
      25 * MINUTE,
    );
  });
  test('a false alarm had no impact', () => {
    expect(measure({}, status(20, 'false_alarm')).impact_ms).toBeNull();
  });
});

test('a figure is null with a reason, or not negative without one; impact is never more than the whole time', () => {
  const steps = fc.array(
    fc.record({
      minute: fc.integer({ min: 0, max: 300 }),
      to: fc.constantFrom<Incident['status']>('investigating', 'identified', 'mitigated', 'resolved', 'closed'),
    }),
    { maxLength: 8 },
  );
  const start = fc.option(fc.integer({ min: 0, max: 60 }));
  fc.assert(
    fc.property(steps, start, (list, impact) => {
      const ordered = [...list].sort((a, b) => a.minute - b.minute).map((s) => status(s.minute + 10, s.to));
      const m = measure({ impact_started_at: impact === null ? null : at(impact) }, ...ordered);
      for (const name of METRIC_NAMES) {
        expect(m[name].ms === null).toBe(m[name].reason !== null);
        expect(m[name].ms ?? 0).toBeGreaterThanOrEqual(0);
      }
      expect(m.impact_ms ?? 0).toBeLessThanOrEqual(310 * MINUTE);
    }),
  );
});

describe('statistics', () => {
  const resolvedAfter = (
    minutes: number,
    more: Partial<NonNullable<IncidentChange['declared']>> = {},
    ...steps: Step[]
  ) => {
    const { incident, events } = record(more, ...steps, status(minutes, 'resolved'));
    return { incident, metrics: metricsOf(incident, events) };
  };

  test('median and 90th percentile by nearest rank, per severity at its peak; no mean', () => {
    const list = Array.from({ length: 10 }, (_, i) => resolvedAfter(20 + i));
    const raised = resolvedAfter(1000, {}, { minute: 12, kind: 'severity_changed', change: { severity: 'SEV1' } });
    const summary = summarizeMetrics([...list, raised]);
    expect(summary.SEV2.time_to_resolve).toEqual({ n: 10, median_ms: 24.5 * MINUTE, p90_ms: 28 * MINUTE });
    expect(summary.SEV1.time_to_resolve).toEqual({ n: 1, median_ms: 1000 * MINUTE, p90_ms: 1000 * MINUTE });
    expect(summary.all.time_to_resolve).toEqual({ n: 11, median_ms: 25 * MINUTE, p90_ms: 29 * MINUTE });
    expect(summary.SEV3.time_to_resolve).toEqual({ n: 0, median_ms: null, p90_ms: null });
  });

  test('drills, false alarms and unknown values are left out', () => {
    const alarm = record({}, status(20, 'false_alarm'));
    const open = record({});
    const of = ({ incident, events }: typeof open) => ({ incident, metrics: metricsOf(incident, events) });
    const summary = summarizeMetrics([resolvedAfter(30), resolvedAfter(99, { drill: true }), of(alarm), of(open)]);
    expect(summary.all.time_to_resolve).toMatchObject({ n: 1, median_ms: 30 * MINUTE });
    expect(summary.all.time_to_detect.n).toBe(2);
  });
});
