import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AssessInput, assessSeverity } from '../../src/domain/assess.ts';
import type { ComponentHealth } from '../../src/domain/health-rules.ts';
import { HEALTH, type Health } from '../../src/domain/observe.ts';
import { compareSeverity } from '../../src/domain/severity.ts';
import { MATRIX } from './builders.ts';

const component = (name: string, status: Health): ComponentHealth => ({
  name,
  kind: 'Deployment',
  namespace: 'core',
  status,
  reason: '',
  ready: 0,
  desired: 1,
  restarts: 0,
});
const health = (status: Health, ...components: ComponentHealth[]) => ({
  status,
  reason: `it is ${status}`,
  components,
});
type Scope = NonNullable<AssessInput['fleet']>['scope'];
const fleet = (scope: Scope, breached = false): AssessInput['fleet'] => {
  const affected = { all: 40, many: 28, some: 1, none: 0 };
  const n = scope === null ? null : affected[scope];
  return {
    customers_total: scope === null ? null : 40,
    customers_affected: n,
    affected_percent: n === null ? null : (n / 40) * 100,
    slo: {
      target: 0.99,
      current: scope === null ? null : breached ? 0.9 : 1,
      breached: scope === null ? null : breached,
    },
    scope,
  };
};
const llm = (indicator: NonNullable<AssessInput['llm']>['indicator']) => ({ provider: 'P', indicator });
const assess = (over: Partial<AssessInput>) =>
  assessSeverity({
    health: health('healthy'),
    fleet: fleet('none'),
    llm: null,
    workaround: null,
    matrix: MATRIX,
    ...over,
  });

describe('assessSeverity', () => {
  it.each([
    ['all green', {}, 'SEV4', 'high', 'all signals are green'],
    [
      'all customers',
      { fleet: fleet('all'), health: health('down') },
      'SEV1',
      'high',
      'all customers are affected: 40 of 40',
    ],
    [
      'many customers',
      { fleet: fleet('many'), health: health('degraded') },
      'SEV2',
      'high',
      '28 of 40 customers (70 %)',
    ],
    ['some customers', { fleet: fleet('some') }, 'SEV3', 'high', '1 of 40'],
    ['degraded, nobody affected', { health: health('degraded') }, 'SEV3', 'high', 'partial degradation'],
    ['objective missed', { fleet: fleet('none', true) }, 'SEV3', 'high', '0.9 of 0.99'],
    ['provider out', { llm: llm('major') }, 'SEV3', 'high', 'provider P reports a major outage'],
    ['provider well', { llm: llm('none') }, 'SEV4', 'high', 'green'],
    ['provider unknown', { llm: llm('unknown') }, 'SEV4', 'medium', 'green'],
    ['down, customers unknown', { health: health('down'), fleet: null }, 'SEV1', 'low', 'in doubt the higher'],
    ['down, some customers', { health: health('down'), fleet: fleet('some') }, 'SEV2', 'low', 'in doubt the higher'],
    [
      'one down, customers unknown',
      { health: health('degraded', component('db', 'down')), fleet: fleet(null) },
      'SEV2',
      'low',
      'db down and how many',
    ],
    ['fleet unknown, else green', { fleet: null }, 'SEV3', 'low', 'how many customers are affected is unknown'],
    ['health unknown, else green', { health: health('unknown') }, 'SEV3', 'low', 'health is unknown'],
    ['health unknown, many customers', { health: null, fleet: fleet('many') }, 'SEV2', 'medium', '28 of 40'],
    ['nothing known', { health: null, fleet: null }, 'SEV2', 'low', 'neither health nor fleet'],
    [
      'a source unread, else green',
      { unread: ['alertmanager'] },
      'SEV4',
      'medium',
      'less sure: alertmanager could not',
    ],
    [
      'degraded, customers unread',
      {
        health: health('degraded', component('a', 'degraded'), component('b', 'healthy')),
        fleet: null,
        unread: ['fleet'],
      },
      'SEV2',
      'low',
      'in doubt the higher level',
    ],
    [
      'most degraded, customers unread',
      { health: health('degraded', component('a', 'degraded')), fleet: null, unread: ['kubernetes', 'fleet'] },
      'SEV1',
      'low',
      'in doubt the higher level',
    ],
    ['workaround', { fleet: fleet('some'), workaround: true }, 'SEV4', 'high', 'a workaround is available'],
    ['workaround denied', { fleet: fleet('some'), workaround: false }, 'SEV3', 'high', '1 of 40'],
    [
      'workaround for many',
      { fleet: fleet('many'), workaround: true },
      'SEV2',
      'high',
      'a workaround does not lower SEV2',
    ],
  ] as [string, Partial<AssessInput>, string, string, string][])('%s', (_name, over, severity, confidence, reason) => {
    const found = assess(over);
    expect(found).toMatchObject({ severity, confidence, row: { severity } });
    expect(found.reasons.join(' / ')).toContain(reason);
  });

  it('is less sure where it is unknown of some customers whether they are affected', () => {
    const seen = assess({ fleet: { ...(fleet('some') as object), customers_unknown: 4_999 } as AssessInput['fleet'] });
    expect(seen.confidence).toBe('medium');
    expect(seen.reasons.join()).toContain('4999 customers it is unknown whether they are affected');
    expect(assess({ fleet: fleet('some') }).confidence).toBe('high');
  });

  it('gives the figures that it rests on', () => {
    const found = assess({
      health: health('degraded', component('a', 'down'), component('b', 'degraded'), component('c', 'healthy')),
      fleet: fleet('many'),
    });
    expect(found.evidence).toMatchObject({
      health: 'degraded',
      components_down: ['a'],
      components_degraded: ['b'],
      affected_percent: 70,
      scope: 'many',
    });
  });

  const scopes: Scope[] = ['none', 'some', 'many', 'all', null];
  const any = fc.record({
    health: fc.constantFrom(...HEALTH, null).map((h) => (h === null ? null : health(h))),
    scope: fc.constantFrom(...scopes),
    llm: fc.constantFrom(null, llm('none'), llm('major'), llm('unknown')),
    workaround: fc.constantFrom(null, true, false),
  });
  it('is never lowered by a source that becomes unknown where all was green, nor by more customers', () => {
    fc.assert(
      fc.property(any, (input) => {
        const of = (over: object): ReturnType<typeof assess> =>
          assess({ ...input, fleet: fleet(input.scope), workaround: null, ...over });
        const green = of({ health: health('healthy'), fleet: fleet('none') }).severity;
        for (const over of [
          { health: null, fleet: fleet('none') },
          { health: health('healthy'), fleet: null },
          { health: null, fleet: null },
        ]) {
          expect(compareSeverity(of(over).severity, green)).toBeLessThanOrEqual(0);
        }
        const levels = (['none', 'some', 'many', 'all'] as const).map((scope) => of({ fleet: fleet(scope) }).severity);
        for (let i = 1; i < levels.length; i++)
          expect(compareSeverity(levels[i]!, levels[i - 1]!)).toBeLessThanOrEqual(0);
        const helped = assess({ ...input, fleet: fleet(input.scope), workaround: true }).severity;
        const unhelped = of({}).severity;
        expect(helped).toBe(unhelped === 'SEV3' ? 'SEV4' : unhelped);
      }),
    );
  });
});
