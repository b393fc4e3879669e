import { describe, expect, test } from 'vitest';
import { createAlertmanager } from '../../../src/adapters/alertmanager/index.ts';
import { type Answer, deadUrl, json, serve, silent, status } from '../http/server.ts';

const now = { deadline_ms: 1_000 };

const alert = (labels: Record<string, string>, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  labels: { alertname: 'HighErrorRate', severity: 'critical', ...labels },
  annotations: { summary: 'too many errors' },
  startsAt: '2026-03-01T14:20:00.123456789+01:00',
  endsAt: '2026-03-01T15:20:00Z',
  updatedAt: '2026-03-01T14:20:00Z',
  fingerprint: 'f',
  receivers: [{ name: 'r' }],
  status: { state: 'active', silencedBy: [], inhibitedBy: [], mutedBy: [] },
  ...more,
});

const read = async (value: unknown) => {
  const server = await serve(json(value));
  return createAlertmanager({ url: server.url }).list(now);
};

test("asks for all alerts behind Grafana's prefix, with repeated filters", async () => {
  const server = await serve(json([alert({ service: 'web-ui' })]));
  const port = createAlertmanager({
    url: `${server.url}/api/alertmanager/grafana`,
    filter: ['environment="prod"', 'team=~"core|agent"'],
    auth: { bearer: 'tok' },
  });
  expect(await port.list(now)).toEqual([
    {
      name: 'HighErrorRate',
      severity: 'critical',
      component: 'web-ui',
      namespace: null,
      started_at: '2026-03-01T13:20:00.123Z',
      summary: 'too many errors',
      state: 'active',
    },
  ]);
  const url = new URL(server.received[0]?.url ?? '', server.url);
  expect(url.pathname).toBe('/api/alertmanager/grafana/api/v2/alerts');
  expect(Object.fromEntries(url.searchParams)).toMatchObject({ active: 'true', silenced: 'true', inhibited: 'true' });
  expect(url.searchParams.getAll('filter')).toEqual(['environment="prod"', 'team=~"core|agent"']);
  expect(server.received[0]?.headers.authorization).toBe('Bearer tok');
});

test.each([
  [{ state: 'active', silencedBy: [], inhibitedBy: [] }, 'active'],
  [{ state: 'unprocessed', silencedBy: [], inhibitedBy: [] }, 'active'],
  [{ state: 'suppressed', silencedBy: ['s'], inhibitedBy: ['i'] }, 'silenced'],
  [{ state: 'suppressed', silencedBy: [], inhibitedBy: ['i'] }, 'inhibited'],
  [{ state: 'suppressed', silencedBy: [], inhibitedBy: [], mutedBy: ['m'] }, 'silenced'],
  [null, 'active'],
])('status %j is %s', async (state, expected) => {
  expect((await read([alert({}, { status: state })]))[0]?.state).toBe(expected);
});

const ksm = { job: 'kube-state-metrics', service: 'stack-kube-state-metrics', endpoint: 'http' };
test.each<[labels: Record<string, string>, component: string | null, namespace: string | null]>([
  [{ service: 's', component: 'c', deployment: 'd', statefulset: 't', job: 'j', namespace: 'n' }, 'd', 'n'],
  [{ service: 's', component: 'c', job: 'j', namespace: 'n' }, 'c', null],
  [{ service: 's', pod: 's-7d9f8b6c5d-x2x9k', job: 'j', namespace: 'n' }, 's', null],
  [{ statefulset: 't', job: 'j' }, 't', null],
  [{ daemonset: 'a', job: 'j' }, 'a', null],
  [{ app: 'a', job: 'j' }, 'a', null],
  [{ job: 'j' }, 'j', null],
  [{ service: '', job: 'j' }, 'j', null],
  [{}, null, null],
  // What kube-state-metrics counts is about the object, not about kube-state-metrics.
  [{ ...ksm, namespace: 'n', deployment: 'web' }, 'web', 'n'],
  [{ ...ksm, namespace: 'n', pod: 'web-7d9f8b6c5d-x2x9k', container: 'app' }, 'web', 'n'],
  [{ ...ksm, namespace: 'n', pod: 'web-cache-x2x9k' }, 'web-cache', 'n'],
  [{ ...ksm, namespace: 'n', pod: 'db-0' }, 'db', 'n'],
  [{ ...ksm, namespace: 'n', pod: 'by-hand' }, 'by-hand', 'n'],
  [{ ...ksm, namespace: 'n', job_name: 'migrate' }, 'migrate', 'n'],
  [{ job: 'kubelet', service: 'kubelet', namespace: 'n', persistentvolumeclaim: 'data-db-0' }, 'data-db-0', 'n'],
  [ksm, 'stack-kube-state-metrics', null],
  // Without honor_labels Prometheus renames what collides with the target's own labels.
  [{ ...ksm, namespace: 'monitoring', pod: 'stack-ksm-0', exported_namespace: 'n', exported_pod: 'db-1' }, 'db', 'n'],
  [{ job: 'gateway', service: 'gateway', exported_service: 'web' }, 'web', null],
  [{ job: 'blackbox', service: 'web', instance: 'https://web.example' }, 'web', null],
])('component and namespace of %j', async (labels, component, namespace) => {
  expect((await read([alert(labels)]))[0]).toMatchObject({ component, namespace });
});

test.each([
  [{ severity: 'page', priority: 'P3' }, 'page'],
  [{ severity: '', priority: 'P1' }, 'P1'],
  [{ severity: '', level: 'warning' }, 'warning'],
  [{ severity: '' }, 'unknown'],
])('severity of %j', async (labels, severity) => {
  expect((await read([alert(labels)]))[0]?.severity).toBe(severity);
});

test('what Grafana sends in place of a rule that it could not judge is marked, with the name of the rule', async () => {
  const alerts = await read([
    alert({ alertname: 'DatasourceNoData', rulename: 'Latency', grafana_folder: 'F', __alert_rule_uid__: 'u' }),
    alert({ alertname: 'DatasourceError' }),
    alert({ rulename: 'mine' }),
  ]);
  expect(alerts.map(({ name, blind }) => [name, blind]).sort()).toEqual([
    ['DatasourceError', true],
    ['DatasourceNoData (Latency)', true],
    ['HighErrorRate', undefined],
  ]);
});

test.each(['', '/', '/api/v2', '/api/v2/', '/api/v2/alerts', '/api/v2/alerts?active=true', '/#/alerts'])(
  'an address that ends in %j',
  async (end) => {
    const server = await serve(json([]));
    await createAlertmanager({ url: `${server.url}/prefix${end}` }).list(now);
    expect(server.received[0]?.url).toMatch(/^\/prefix\/api\/v2\/alerts\?active=true&/);
  },
);

test('critical first, then the oldest', async () => {
  const at = (n: string, severity: string, startsAt: unknown) => alert({ alertname: n, severity }, { startsAt });
  const alerts = await read([
    at('info', 'info', '2026-01-01T00:00:00Z'),
    at('warn', 'warning', '2026-01-01T00:00:00Z'),
    at('young', 'critical', '2026-03-01T14:00:00Z'),
    at('undated', 'critical', '0001-01-01T00:00:00Z'),
    at('old', 'Critical', '2026-03-01T13:00:00+00:00'),
    at('odd', 'fnord', '2025-01-01T00:00:00Z'),
  ]);
  expect(alerts.map(({ name }) => name)).toEqual(['old', 'young', 'undated', 'warn', 'odd', 'info']);
  expect(alerts[2]?.started_at).toBeNull();
});

test('text from outside is cleaned and masked; a poor alert is still an alert', async () => {
  const alerts = await read([
    alert({}, { annotations: { summary: 'see https://ada:hunter2@db/\u001b[31m\u202e\nnow' } }),
    { status: 7, labels: { alertname: 5 }, annotations: null, startsAt: 12 },
  ]);
  expect(alerts[0]?.summary).not.toMatch(/hunter2|\p{Cc}|\u202e/u);
  expect(alerts[1]).toEqual({
    name: 'unnamed',
    severity: 'unknown',
    component: null,
    namespace: null,
    started_at: null,
    summary: '',
    state: 'active',
  });
});

describe('failures', () => {
  test.each<[string, Answer, string]>([
    ['not a list', json({ alerts: [] }), 'UNAVAILABLE'],
    ['a list of other things', json([1, 2]), 'UNAVAILABLE'],
    ['401', status(401), 'FORBIDDEN'],
    ['404', status(404), 'NOT_FOUND'],
    ['a refused filter', json('bad matcher format: x', 400), 'UNAVAILABLE'],
    ['a refusal in the words of Grafana', json({ message: 'bad', traceID: '' }, 400), 'UNAVAILABLE'],
    ['a refusal without words', json({}, 400), 'UNAVAILABLE'],
    ['500', status(500), 'UNAVAILABLE'],
    ['silence', silent, 'TIMEOUT'],
  ])('%s', async (_name, answer, code) => {
    const server = await serve(answer);
    await expect(createAlertmanager({ url: server.url }).list({ deadline_ms: 100 })).rejects.toMatchObject({ code });
  });

  test('refused', async () => {
    await expect(createAlertmanager({ url: await deadUrl() }).list(now)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
