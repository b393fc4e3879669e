import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { until } from '../helpers/process.ts';
import type { Session } from '../helpers/session.ts';
import { colleague } from './helpers/at-hand.ts';
import {
  firing,
  healthOf,
  keeping,
  place,
  post,
  type SeenAlert,
  silence,
  source,
  watching,
} from './helpers/signals.ts';
import { workload } from './helpers/workloads.ts';
import { type Exporter, line, type Signal, startAlertmanager, startExporter, startPrometheus } from './lab/signals.ts';

/** Alerts that fire in a real Prometheus, by way of a real Alertmanager, as get_system_health tells them. */

const bin = new Bin();
afterAll(() => bin.empty());

const at = colleague();
const began = Date.now();
let ns: string;
let platform: Exporter;
let manager: Signal;
let session: Session;

const rule = (
  alert: string,
  expr: string,
  labels: Record<string, string>,
  annotations: Record<string, string> = {},
  more: object = {},
): object => ({ alert, expr, labels, annotations, ...more });

const RULES = [
  rule(
    'ServiceDown',
    'service_up == 0',
    { severity: 'critical' },
    { summary: '{{ $labels.service }} does not answer', description: 'longer' },
  ),
  rule('HighErrorRate', 'service_errors > 0.1', { severity: 'page' }, { description: 'error rate {{ $value }}' }),
  rule('HighLatency', 'service_errors > 0.1', { severity: 'warning' }),
  rule('AgentsDisconnected', 'agents_missing > 0', { priority: 'P1' }, { message: '{{ $value }} agents are gone' }),
  rule('CertificateExpires', 'certificate_days < 14', { severity: 'warning' }),
  rule('Watchdog', 'vector(1)', { severity: 'none' }),
  rule('Pending', 'vector(1)', { severity: 'critical' }, {}, { for: '1h' }),
  rule('KubeDeploymentReplicasMismatch', 'kube_replicas_missing > 0', { severity: 'critical' }),
  rule('KubePodCrashLooping', 'kube_pod_waiting > 0', { severity: 'warning' }),
];
const SETTLED = [
  'ServiceDown',
  'HighErrorRate',
  'HighLatency',
  'AgentsDisconnected',
  'CertificateExpires',
  'Watchdog',
  'KubeDeploymentReplicasMismatch',
  'KubePodCrashLooping',
];

beforeAll(async () => {
  ns = await at.namespace(bin, 'signals');
  const elsewhere = `${ns}-elsewhere`;
  await at.apply(
    workload('Deployment', ns, 'web'),
    workload('Deployment', ns, 'engine'),
    workload('Deployment', ns, 'idle'),
  );
  const keep = (undo: () => Promise<unknown>): void => bin.add(undo);
  platform = await startExporter(
    keep,
    () =>
      line('service_up', { service: 'queue' }, 0) +
      line('service_errors', { service: 'web' }, 0.25) +
      line('agents_missing', { component: 'agent-gateway' }, 12) +
      line('certificate_days', { service: 'web' }, 3),
  );
  const states = await startExporter(
    keep,
    () =>
      line('kube_replicas_missing', { namespace: ns, deployment: 'web' }, 1) +
      line('kube_replicas_missing', { namespace: elsewhere, deployment: 'idle' }, 1) +
      line('kube_pod_waiting', { namespace: ns, pod: 'engine-7d9f8b6c5d-x2x9k', container: 'app' }, 1),
  );
  manager = await startAlertmanager(at.lab.programs, await place(bin, 'alertmanager'), keeping(bin), {
    config: {
      inhibit_rules: [
        {
          source_matchers: ['severity=~"critical|page"'],
          target_matchers: ['severity="warning"', 'alertname="HighLatency"'],
          equal: ['service'],
        },
      ],
    },
  });
  const measured = { service: 'stack-kube-state-metrics', namespace: 'monitoring', endpoint: 'http' };
  await startPrometheus(at.lab.programs, await place(bin, 'prometheus'), keeping(bin), {
    jobs: [
      { job: 'platform', target: platform.target },
      { job: 'kube-state-metrics', target: states.target, labels: measured, honor_labels: true },
    ],
    rules: RULES,
    alertmanager: manager,
  });
  await firing(manager, ...SETTLED);
  await silence(manager, 'CertificateExpires');
  await at.kubectl('-n', ns, 'rollout', 'status', 'deployment/web', '--timeout=30s');
  session = await watching(bin, { alertmanager: { url: manager.url } }, { namespaces: [ns], services: ['queue'] });
  // Alertmanager looks for silences and inhibitions when it works through its alerts again.
  await until(
    () => healthOf(session),
    ({ data }) => data.alerts.filter((alert) => alert.state !== 'active').length === 2,
  );
});

const named = (alerts: SeenAlert[], name: string): SeenAlert | undefined => alerts.find((one) => one.name === name);

describe('alerts of a real Prometheus', () => {
  test('each is told with its severity, component, start and summary; a pending one is none', async () => {
    const { data } = await healthOf(session);
    expect(source(data, 'alertmanager').status).toBe('ok');
    expect(named(data.alerts, 'ServiceDown')).toMatchObject({
      severity: 'critical',
      component: 'queue',
      summary: 'queue does not answer',
      state: 'active',
    });
    expect(named(data.alerts, 'HighErrorRate')).toMatchObject({
      severity: 'page',
      component: 'web',
      summary: 'error rate 0.25',
    });
    expect(named(data.alerts, 'AgentsDisconnected')).toMatchObject({
      severity: 'P1',
      component: 'agent-gateway',
      summary: '12 agents are gone',
    });
    expect(named(data.alerts, 'Watchdog')).toMatchObject({ severity: 'none', component: null, summary: '' });
    expect(named(data.alerts, 'Pending')).toBeUndefined();
    for (const { name, started_at } of data.alerts) {
      const start = Date.parse(started_at ?? '');
      expect(start, name).toBeGreaterThan(began - 1_000);
      expect(start, name).toBeLessThan(Date.now());
    }
  });

  test('silenced and inhibited ones are told apart, and neither fires', async () => {
    const { data, text } = await healthOf(session);
    expect(named(data.alerts, 'CertificateExpires')?.state).toBe('silenced');
    expect(named(data.alerts, 'HighLatency')?.state).toBe('inhibited');
    expect(data.alerts_firing).toBe(data.alerts_total - 2);
    expect(text).toContain(`${data.alerts_firing} alerts fire, 2 silenced or inhibited`);
    expect(text).not.toContain('CertificateExpires');
  });

  test('what fires for a workload is told at the workload, and what a metric exporter is called is not', async () => {
    const { data } = await healthOf(session);
    expect(data.status).not.toBe('healthy');
    const component = (name: string) => data.components.find((one) => one.name === name);
    expect(component('web')?.reason).toContain('alert KubeDeploymentReplicasMismatch');
    expect(component('web')?.reason).toContain('alert HighErrorRate');
    expect(component('queue')?.reason).toBe('alert ServiceDown');
    expect(named(data.alerts, 'KubePodCrashLooping')).toMatchObject({ component: 'engine', namespace: ns });
    expect(data.alerts.map((one) => one.component)).not.toContain('stack-kube-state-metrics');
  });

  test('a workload of the same name in another namespace is another workload', async () => {
    const { data } = await healthOf(session);
    const other = data.alerts.find((one) => one.component === 'idle');
    expect(other).toMatchObject({ name: 'KubeDeploymentReplicasMismatch', namespace: `${ns}-elsewhere` });
    expect(data.components.find((one) => one.name === 'idle')).toMatchObject({ status: 'healthy' });
    expect((await healthOf(session, { component: 'idle' })).data.alerts).toEqual([]);
    expect((await healthOf(session, { component: 'web' })).data.alerts.map((one) => one.name).sort()).toEqual([
      'CertificateExpires',
      'HighErrorRate',
      'HighLatency',
      'KubeDeploymentReplicasMismatch',
    ]);
  });

  test('the urgent ones come first and the one that always fires comes last of those that fire', async () => {
    const { data } = await healthOf(session);
    const active = data.alerts.filter((one) => one.state === 'active').map((one) => one.severity);
    expect(new Set(active.slice(0, 5))).toEqual(new Set(['critical', 'page', 'P1']));
    expect(active.at(-1)).toBe('none');
    expect(
      data.alerts
        .slice(-2)
        .map((one) => one.state)
        .sort(),
    ).toEqual(['inhibited', 'silenced']);
  });

  test('a filter of the configuration is asked of Alertmanager; a wrong one is told in its words', async () => {
    const filtered = await watching(bin, {
      alertmanager: { url: manager.url, filter: ['severity=~"critical|page"', 'service="web"'] },
    });
    expect((await healthOf(filtered)).data.alerts.map((one) => one.name)).toEqual(['HighErrorRate']);
    const wrong = await watching(bin, { alertmanager: { url: manager.url, filter: ['severity critical'] } });
    const told = source((await healthOf(wrong)).data, 'alertmanager');
    expect(told.status).toBe('error');
    expect(told.error).toMatch(
      /refused the request: bad matcher format: severity critical.* Next: check signals.alertmanager.filter/,
    );
  });

  test('hundreds of alerts: the answer is short, and its counts are those of all', async () => {
    const many = Array.from({ length: 300 }, (_, i) => ({
      labels: { alertname: 'DiskFull', severity: 'warning', instance: `node-${i}:9100` },
      annotations: { summary: `node-${i} has little room left, ${'which is told at length '.repeat(8)}` },
    }));
    const before = (await healthOf(session)).data;
    await post(manager, 'alerts', many);
    const { data, text } = await until(
      () => healthOf(session),
      (seen) => seen.data.alerts_total === before.alerts_total + 300,
    );
    expect(data.alerts_firing).toBe(before.alerts_firing + 300);
    expect(text).toContain(`${before.alerts_firing + 300} alerts fire`);
    expect(text).toContain(`${before.alerts_firing + 290} more alerts fire and are not shown`);
    expect(Buffer.byteLength(text)).toBeLessThan(8 * 1024);
    await post(
      manager,
      'alerts',
      many.map((one) => ({ ...one, endsAt: new Date(Date.now() - 1_000).toISOString() })),
    );
  });

  test('a resolved alert vanishes, and with it what it said', async () => {
    const whole = platform.says;
    platform.says = (second) => whole(second).replace('service_up{service="queue"} 0', 'service_up{service="queue"} 1');
    const { data } = await until(
      () => healthOf(session),
      (seen) => !named(seen.data.alerts, 'ServiceDown'),
    );
    expect(named(data.alerts, 'ServiceDown')).toBeUndefined();
    expect(named(data.alerts, 'HighErrorRate')).toBeDefined();
    // Nothing else speaks about it.
    expect(data.components.find((one) => one.name === 'queue')?.status).toBe('unknown');
  });
});
