import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyEvent, fold } from '../../src/domain/fold.ts';
import type { Incident, IncidentStatus } from '../../src/domain/incident.ts';
import { mayFollow, STATUSES } from '../../src/domain/incident.ts';
import { SEVERITIES } from '../../src/domain/severity.ts';
import type { IncidentChange, TimelineEvent } from '../../src/domain/timeline.ts';
import { GENESIS_HASH } from '../../src/domain/timeline.ts';

const at = (minute: number): string => new Date(Date.UTC(2026, 2, 1, 14, minute)).toISOString();

/** The event with number `seq`, at minute `seq` past 14:00. */
function event(seq: number, change?: IncidentChange, more: Partial<TimelineEvent> = {}): TimelineEvent {
  const plain: TimelineEvent = {
    id: `E${seq}`,
    seq,
    kind: 'updated',
    message: 'm',
    actor: { type: 'system', name: 'incident-mcp' },
    occurred_at: at(seq),
    recorded_at: at(seq),
    evidence: [],
    prev_hash: GENESIS_HASH,
    hash: GENESIS_HASH,
    ...more,
  };
  if (change) plain.change = change;
  return plain;
}

const declaration = (severity: Incident['severity'] = 'SEV3'): TimelineEvent =>
  event(1, {
    declared: {
      id: 'INC-0007',
      title: 'Agents drop',
      severity,
      environment: 'prod',
      summary: null,
      components: ['pulsestream-agent'],
      drill: false,
      declared_at: at(1),
      detected_at: at(0),
      detected_by: { source: 'slo', reference: 'agents-99' },
      impact_started_at: null,
    },
  });

const having = (...changes: IncidentChange[]): Incident =>
  fold([declaration(), ...changes.map((change, i) => event(i + 2, change))]) as Incident;

const statuses = (...list: IncidentStatus[]): Incident => having(...list.map((status) => ({ status })));

describe('a declaration', () => {
  test('gives a whole incident', () => {
    expect(fold([declaration()])).toEqual({
      id: 'INC-0007',
      title: 'Agents drop',
      severity: 'SEV3',
      severity_first: 'SEV3',
      severity_peak: 'SEV3',
      status: 'investigating',
      environment: 'prod',
      summary: null,
      root_cause: null,
      components: ['pulsestream-agent'],
      drill: false,
      declared_at: at(1),
      detected_at: at(0),
      detected_by: { source: 'slo', reference: 'agents-99' },
      impact_started_at: null,
      mitigated_at: null,
      resolved_at: null,
      closed_at: null,
      reopened: 0,
      status_history: [{ status: 'investigating', from: at(1) }],
      severity_history: [{ severity: 'SEV3', from: at(1) }],
      roles: {},
      first_response: null,
      last_update_at: null,
      updates: [],
      action_items: [],
      breaches: [],
      postmortem: null,
      seq: 1,
    });
  });

  test('may bring its commander with it', () => {
    const first = declaration();
    const change = { ...first.change, role: { role: 'commander', person: 'Ada', known_by: 'terminal' } } as const;
    expect(fold([{ ...first, change }])?.roles.commander).toEqual({
      person: 'Ada',
      since: at(1),
      known_by: 'terminal',
    });
  });

  test('is needed first, and a second one wipes nothing', () => {
    expect(() => applyEvent(null, event(1))).toThrow(expect.objectContaining({ code: 'STORE' }));
    const twice = fold([declaration('SEV2'), event(2, { status: 'identified' }), { ...declaration('SEV4'), seq: 3 }]);
    expect(twice).toMatchObject({ status: 'identified', severity: 'SEV2', seq: 3 });
    expect(fold([])).toBeNull();
  });
});

describe('status', () => {
  test('the way through, with its instants', () => {
    const incident = statuses('identified', 'mitigated', 'resolved', 'closed');
    expect(incident).toMatchObject({ mitigated_at: at(3), resolved_at: at(4), closed_at: at(5), reopened: 0 });
    expect(incident.status_history).toEqual([
      { status: 'investigating', from: at(1) },
      { status: 'identified', from: at(2) },
      { status: 'mitigated', from: at(3) },
      { status: 'resolved', from: at(4) },
      { status: 'closed', from: at(5) },
    ]);
  });

  test.each<[IncidentStatus[], Partial<Incident>]>([
    [['resolved'], { mitigated_at: null, resolved_at: at(2), closed_at: null }],
    [['resolved', 'investigating'], { status: 'investigating', reopened: 1, resolved_at: at(2) }],
    [['resolved', 'investigating', 'resolved'], { reopened: 1, resolved_at: at(2) }],
    [['mitigated', 'investigating', 'mitigated', 'investigating'], { reopened: 2, mitigated_at: at(2) }],
    [['identified', 'investigating'], { reopened: 0 }],
    [['false_alarm'], { status: 'false_alarm', resolved_at: null, closed_at: null }],
  ])('%j', (list, expected) => {
    expect(statuses(...list)).toMatchObject(expected);
  });

  test('a given instant of mitigation wins over the one of the step, before and after it', () => {
    expect(having({ status: 'mitigated', mitigated_at: at(0) }).mitigated_at).toBe(at(0));
    expect(having({ mitigated_at: at(0) }, { status: 'mitigated' }).mitigated_at).toBe(at(0));
    expect(having({ status: 'mitigated' }, { mitigated_at: at(1) }).mitigated_at).toBe(at(1));
  });

  test('counts from when it happened, not from when it was recorded', () => {
    const late = event(2, { status: 'mitigated' }, { recorded_at: at(50) });
    expect(fold([declaration(), late])?.status_history.at(-1)).toEqual({ status: 'mitigated', from: at(2) });
  });
});

describe('severity', () => {
  test('keeps first, peak and each change', () => {
    const incident = having({ severity: 'SEV1' }, { severity: 'SEV1' }, { severity: 'SEV4' });
    expect(incident).toMatchObject({ severity: 'SEV4', severity_first: 'SEV3', severity_peak: 'SEV1' });
    expect(incident.severity_history.map((span) => span.severity)).toEqual(['SEV3', 'SEV1', 'SEV4']);
  });
});

describe('people', () => {
  test('the first proven act of a human is the first response; the word of an assistant is none', () => {
    const incident = having(
      { human_response: { by: 'Bob', known_by: 'claimed_by_assistant' } },
      { role: { role: 'commander', person: 'Bob', known_by: 'claimed_by_assistant' } },
      { human_response: { by: 'Ada', known_by: 'client_form' } },
      { human_response: { by: 'Eve', known_by: 'passkey' } },
    );
    expect(incident.first_response).toEqual({ at: at(4), by: 'Ada', known_by: 'client_form', event_id: 'E4' });
    expect(incident.roles).toEqual({ commander: { person: 'Bob', since: at(3), known_by: 'claimed_by_assistant' } });
  });

  test('a role passes on, and the others stay', () => {
    const role = (person: string, name: 'commander' | 'scribe') =>
      ({ role: { role: name, person, known_by: 'terminal' } }) as const;
    const { roles } = having(role('Ada', 'commander'), role('Bob', 'scribe'), role('Eve', 'commander'));
    expect([roles.commander?.person, roles.commander?.since, roles.scribe?.person]).toEqual(['Eve', at(4), 'Bob']);
  });
});

describe('what gathers', () => {
  const item = { id: 'A1', title: 't', kind: 'prevent', owner: null, due: null, ticket: null, done: false } as const;

  test('action items by their id', () => {
    const incident = having(
      { action_item: { ...item, created_at: at(2) } },
      { action_item: { ...item, id: 'A2', created_at: at(3) } },
      { action_item: { ...item, done: true, owner: 'Ada', created_at: at(2) } },
    );
    expect(incident.action_items.map(({ id, done }) => [id, done])).toEqual([
      ['A1', true],
      ['A2', false],
    ]);
  });

  test('updates, and the instant of the latest', () => {
    const update = (id: string) => ({ update_sent: { id, audience: 'internal', message: id } }) as const;
    const early = event(4, update('U3'), { occurred_at: at(0) });
    const incident = fold([declaration(), event(2, update('U1')), event(3, update('U2')), early]);
    expect(incident?.updates.map(({ id, at: when }) => [id, when])).toEqual([
      ['U1', at(2)],
      ['U2', at(3)],
      ['U3', at(0)],
    ]);
    expect(incident?.last_update_at).toBe(at(3));
  });

  test('breaches: one deadline is missed once, and a lower severity erases none', () => {
    const breach = { breach: { kind: 'first_response', due_at: at(2) } } as const;
    const other = { breach: { kind: 'update', due_at: at(2) } } as const;
    expect(having(breach, breach, other, { severity: 'SEV4' }).breaches).toEqual([
      { kind: 'first_response', due_at: at(2), event_id: 'E2' },
      { kind: 'update', due_at: at(2), event_id: 'E4' },
    ]);
  });

  test('texts and the post-mortem', () => {
    const incident = having(
      { title: 'T', summary: 'S', root_cause: 'R', impact_started_at: at(0) },
      { postmortem: { missing: ['root_cause'] } },
      { postmortem: { missing: [] } },
    );
    expect(incident).toMatchObject({ title: 'T', summary: 'S', root_cause: 'R', impact_started_at: at(0) });
    expect(incident.postmortem).toEqual({ drafted_at: at(4), missing: [] });
  });
});

const anyChange: fc.Arbitrary<IncidentChange> = fc.oneof(
  fc.record({ status: fc.constantFrom(...STATUSES) }),
  fc.record({ severity: fc.constantFrom(...SEVERITIES) }),
  fc.record({
    human_response: fc.record({ by: fc.string(), known_by: fc.constantFrom('terminal', 'claimed_by_assistant') }),
  }),
  fc.record({ breach: fc.record({ kind: fc.constant('update' as const), due_at: fc.constantFrom(at(1), at(2)) }) }),
  fc.constant({ status: 'on_fire', severity: 'SEV0', brand_new: { x: 1 } } as unknown as IncidentChange),
  fc.constant({}),
) as fc.Arbitrary<IncidentChange>;

describe('for every sequence of events', () => {
  const sequences = fc.array(anyChange, { maxLength: 30 });
  const eventsOf = (changes: IncidentChange[]): TimelineEvent[] => [
    declaration(),
    ...changes.map((change, i) => event(i + 2, change, { kind: 'of_the_future' as 'note' })),
  ];

  test('the fold in parts is the fold of the whole, and changes none of its arguments', () => {
    fc.assert(
      fc.property(sequences, fc.nat(30), (changes, cut) => {
        const events = eventsOf(changes);
        const whole = fold(events);
        const head = fold(events.slice(0, cut + 1));
        const frozen = JSON.stringify(head);
        const parts = events.slice(cut + 1).reduce((incident, next) => applyEvent(incident, next), head);
        expect(parts).toEqual(whole);
        expect(JSON.stringify(head)).toBe(frozen);
      }),
    );
  });

  test('what must hold of an incident holds', () => {
    fc.assert(
      fc.property(sequences, (changes) => {
        const events = eventsOf(changes);
        let before = fold(events.slice(0, 1)) as Incident;
        for (const next of events.slice(1)) {
          const now = applyEvent(before, next);
          expect(now.seq).toBe(next.seq);
          expect(now.status_history.at(-1)?.status).toBe(now.status);
          expect(now.severity_history.at(-1)?.severity).toBe(now.severity);
          expect(now.severity_history.map((span) => span.severity)).toContain(now.severity_peak);
          expect(SEVERITIES.indexOf(now.severity_peak)).toBeLessThanOrEqual(SEVERITIES.indexOf(now.severity));
          expect(STATUSES).toContain(now.status);
          if (before.resolved_at !== null) expect(now.resolved_at).toBe(before.resolved_at);
          if (before.first_response !== null) expect(now.first_response).toEqual(before.first_response);
          expect(now.breaches.length).toBeGreaterThanOrEqual(before.breaches.length);
          expect(now.reopened).toBeGreaterThanOrEqual(before.reopened);
          before = now;
        }
      }),
    );
  });

  test('along allowed steps, each reopening is one that left mitigated or resolved', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...STATUSES), { maxLength: 30 }), (wishes) => {
        const path: IncidentStatus[] = [];
        for (const wish of wishes) if (mayFollow(path.at(-1) ?? 'investigating', wish)) path.push(wish);
        const incident = statuses(...path);
        expect(incident.status_history.length).toBe(path.length + 1);
        expect(incident.reopened).toBe(path.filter((status) => status === 'investigating').length);
      }),
    );
  });
});
