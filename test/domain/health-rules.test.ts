import { describe, expect, it } from 'vitest';
import { type HealthReading, judgeHealth } from '../../src/domain/health-rules.ts';
import type { Alert, HealthProbe, PodSummary, SourceReport } from '../../src/domain/observe.ts';
import { at, min, workload } from './builders.ts';

const ok: SourceReport = { name: 'kubernetes', status: 'ok', latency_ms: 5 };
const lost: SourceReport = { name: 'kubernetes', status: 'timeout', latency_ms: 5_000 };
const reading = (over: Partial<HealthReading> = {}): HealthReading => ({
  workloads: [],
  pods: [],
  probes: [],
  alerts: [],
  signals: null,
  sources: [ok],
  services: [],
  now: at(0),
  ...over,
});
const pods = (owner: string, over: Partial<PodSummary> = {}): PodSummary => ({
  namespace: 'core-prod',
  owner,
  pods: 3,
  ready: 3,
  restarts: 0,
  last_restart_at: null,
  problems: {},
  ...over,
});
const probe = (service: string, http_status: number | null): HealthProbe => ({
  name: service,
  service,
  ok: http_status === 200,
  http_status,
  reason: null,
  latency_ms: 1,
});
const alert = (over: Partial<Alert> = {}): Alert => ({
  name: 'HighErrors',
  severity: 'critical',
  component: 'api',
  started_at: null,
  summary: '',
  state: 'active',
  ...over,
});
const signals = (error_rate: Record<string, number>, latency_p95: Record<string, number> = {}) => ({
  error_rate,
  latency_p95,
});
const api = workload('api', 3, 3);

describe('a component', () => {
  it.each([
    ['all ready', {}, 'healthy', '3 of 3 ready'],
    ['none ready', { workloads: [workload('api', 0, 3)] }, 'down', '0 of 3 ready'],
    ['fewer ready', { workloads: [workload('api', 2, 3)] }, 'degraded', '2 of 3 ready'],
    ['rolling out', { workloads: [workload('api', 2, 3, { updated: 1 })] }, 'degraded', 'rollout in progress'],
    [
      'a condition',
      { workloads: [workload('api', 3, 3, { conditions: ['Progressing=False: X'] })] },
      'degraded',
      'Progressing=False',
    ],
    [
      'a crash loop',
      { pods: [pods('api', { problems: { CrashLoopBackOff: 2 } })] },
      'degraded',
      'CrashLoopBackOff in 2 pods',
    ],
    ['pods on their way up', { pods: [pods('api', { problems: { ContainerCreating: 1 } })] }, 'healthy', '3 of 3'],
    [
      'restarted lately',
      { pods: [pods('api', { restarts: 7, last_restart_at: min(-2) })] },
      'degraded',
      'restarted 2m00s ago (7 restarts)',
    ],
    ['restarted long ago', { pods: [pods('api', { restarts: 7, last_restart_at: min(-60) })] }, 'healthy', '3 of 3'],
    [
      'pods of another namespace',
      { pods: [pods('api', { namespace: 'x', problems: { OOMKilled: 1 } })] },
      'healthy',
      '3 of 3',
    ],
    ['a failing probe', { probes: [probe('api', 503)] }, 'degraded', 'health endpoint answers 503'],
    ['a silent probe', { probes: [probe('api', null)] }, 'degraded', 'does not answer'],
    ['errors at the limit', { signals: signals({ api: 0.05 }) }, 'degraded', 'error rate 5 % (limit 5 %)'],
    ['errors below it', { signals: signals({ api: 0.049 }) }, 'healthy', '3 of 3'],
    [
      'a configured limit',
      { signals: signals({ api: 0.02 }), thresholds: { error_rate: 0.01 } },
      'degraded',
      'limit 1 %',
    ],
    ['slow', { signals: signals({}, { api: 2 }) }, 'degraded', '95th percentile latency 2 s'],
    ['a critical alert', { alerts: [alert()] }, 'degraded', 'alert HighErrors'],
    ['a warning', { alerts: [alert({ severity: 'warning' })] }, 'healthy', '3 of 3'],
    [
      'an alert of its own namespace',
      { alerts: [alert({ namespace: api.namespace })] },
      'degraded',
      'alert HighErrors',
    ],
    ['an alert of its name elsewhere', { alerts: [alert({ namespace: 'elsewhere' })] }, 'healthy', '3 of 3'],
    ['a rule that could not be judged', { alerts: [alert({ blind: true })] }, 'healthy', '3 of 3'],
    ['a silenced alert', { alerts: [alert({ state: 'silenced' })] }, 'healthy', '3 of 3'],
    ['scaled to 0', { workloads: [workload('api', 0, 0)] }, 'healthy', 'scaled to 0'],
    [
      'on no node',
      { workloads: [{ ...workload('api', 0, 0), kind: 'DaemonSet' as const }] },
      'healthy',
      'no node wants it',
    ],
    ['paused', { workloads: [{ ...workload('api', 3, 3), paused: true }] }, 'healthy', '3 of 3 ready, rollout paused'],
    [
      'old by the will of its owner',
      { workloads: [{ ...workload('api', 2, 3), updated: 0, strategy: 'OnDelete' as const }] },
      'degraded',
      /^2 of 3 ready$/,
    ],
    [
      'scaled to 0 and missed',
      { workloads: [workload('api', 0, 0)], probes: [probe('api', 503)] },
      'degraded',
      'scaled to 0; health endpoint answers 503',
    ],
  ] as [string, Partial<HealthReading>, string, string | RegExp][])('%s', (_name, over, status, reason) => {
    const { components } = judgeHealth(reading({ workloads: [api], ...over }));
    expect(components).toHaveLength(1);
    expect(components[0]).toMatchObject({ name: 'api', kind: over.workloads?.[0]?.kind ?? 'Deployment', status });
    if (typeof reason === 'string') expect(components[0]?.reason).toContain(reason);
    else expect(components[0]?.reason).toMatch(reason);
  });

  it.each([
    ['Kubernetes silent, probe good', { sources: [lost], probes: [probe('api', 200)] }, 'healthy'],
    ['Kubernetes silent, probe bad', { sources: [lost], probes: [probe('api', 500)] }, 'degraded'],
    ['Kubernetes silent, probe silent', { sources: [lost], probes: [probe('api', null)] }, 'unknown'],
    [
      'Kubernetes silent, probe silent, another answers',
      { sources: [lost], probes: [probe('api', null), probe('api', 200)] },
      'down',
    ],
    [
      'Kubernetes silent, probe silent, Prometheus answers',
      { sources: [lost, { name: 'prometheus', status: 'ok', latency_ms: 1 }], probes: [probe('api', null)] },
      'down',
    ],
    ['Kubernetes silent, a figure', { sources: [lost], signals: signals({ api: 0 }) }, 'healthy'],
    ['nothing tells', { sources: [lost] }, 'unknown'],
    ['no such workload', {}, 'unknown'],
  ] as [string, Partial<HealthReading>, string][])('without a workload: %s', (_name, over, status) => {
    const { components } = judgeHealth(reading({ services: ['api'], ...over }));
    expect(components).toEqual([expect.objectContaining({ name: 'api', status, ready: null, desired: null })]);
  });

  it('is not found by the name of a property that every object has', () => {
    const { components } = judgeHealth(reading({ services: ['constructor'], signals: signals({}) }));
    expect(components[0]).toMatchObject({ status: 'unknown' });
  });
});

describe('the whole', () => {
  const well = (...names: string[]) => names.map((name) => workload(name, 1, 1));
  const down = (...names: string[]) => names.map((name) => workload(name, 0, 1));
  it.each([
    ['all well', { workloads: well('a', 'b') }, 'healthy', 'all 2'],
    ['one of three down', { workloads: [...well('a', 'b'), ...down('c')] }, 'degraded', 'c down'],
    ['half down', { workloads: [...well('a'), ...down('c')] }, 'down', '1 of 2 components down'],
    [
      'a critical one down',
      { workloads: [...well('a', 'b'), ...down('c')], critical: ['c'] },
      'down',
      'c down, without which',
    ],
    [
      'an alert about something else',
      { workloads: well('a'), alerts: [alert({ component: null })] },
      'degraded',
      'HighErrors',
    ],
    [
      'main source missing, no trouble',
      { sources: [lost], services: ['a'], probes: [probe('a', 200)] },
      'unknown',
      'kubernetes could not be read',
    ],
    [
      'main source missing, trouble',
      { sources: [lost], services: ['a', 'b'], probes: [probe('a', 500)] },
      'degraded',
      'a degraded',
    ],
    ['main source never reported', { sources: [], workloads: well('a') }, 'unknown', 'kubernetes'],
    [
      'a configured name that is nowhere',
      { workloads: well('a'), services: ['a', 'b'] },
      'unknown',
      'nothing is known about b',
    ],
    ['nothing at all', {}, 'unknown', 'nothing was found'],
  ] as [string, Partial<HealthReading>, string, string][])('%s', (_name, over, status, reason) => {
    const judged = judgeHealth(reading(over));
    expect(judged.status).toBe(status);
    expect(judged.reason).toContain(reason);
  });

  it('lists the worst first, keeps silenced alerts last, and names dead sources', () => {
    const judged = judgeHealth(
      reading({
        workloads: [...well('b', 'a'), workload('d', 1, 2), ...down('c')],
        services: ['e'],
        alerts: [
          alert({ name: 'S', state: 'silenced' }),
          alert({ name: 'W', severity: 'warning' }),
          alert({ name: 'C' }),
        ],
        sources: [
          ok,
          { name: 'prometheus', status: 'error', latency_ms: 1 },
          { name: 'x', status: 'not_configured', latency_ms: 0 },
        ],
      }),
    );
    expect(judged.components.map((c) => c.name)).toEqual(['c', 'd', 'e', 'a', 'b']);
    expect(judged.alerts.map((a) => a.name)).toEqual(['C', 'W', 'S']);
    expect(judged.gaps).toEqual(['prometheus could not be read']);
  });
});
