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

test.each([
  [{ service: 's', component: 'c', deployment: 'd', statefulset: 't', job: 'j' }, 's'],
  [{ component: 'c', deployment: 'd', job: 'j' }, 'c'],
  [{ deployment: 'd', statefulset: 't', job: 'j' }, 'd'],
  [{ statefulset: 't', job: 'j' }, 't'],
  [{ job: 'j' }, 'j'],
  [{ service: '', job: 'j' }, 'j'],
  [{ pod: 'p' }, null],
])('component of %j', async (labels, expected) => {
  expect((await read([alert(labels)]))[0]?.component).toBe(expected);
});

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
