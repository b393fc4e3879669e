import { expect, test } from 'vitest';
import { createHealth } from '../../../src/adapters/health/index.ts';
import { type Answer, deadUrl, drip, json, serve, silent, status } from '../http/server.ts';

test.each<[string, Answer, number | undefined, object]>([
  ['ok', json({ status: 'ok' }), undefined, { ok: true, http_status: 200, reason: null }],
  ['ok without a body', status(204), 204, { ok: true, http_status: 204, reason: null }],
  [
    'ok with a huge body',
    status(200, {}, 'x'.repeat(300_000)),
    undefined,
    { ok: true, http_status: 200, reason: null },
  ],
  ['another status', status(200), 204, { ok: false, http_status: 200, reason: 'HTTP 200' }],
  [
    'error',
    json({ status: 'error', error: 'db gone' }, 503),
    undefined,
    { ok: false, http_status: 503, reason: 'HTTP 503: db gone' },
  ],
  ['message', json({ message: 'm', status: 's' }, 500), undefined, { reason: 'HTTP 500: m' }],
  ['status', json({ status: 'error' }, 500), undefined, { reason: 'HTTP 500: error' }],
  ['error object', json({ error: { message: 'deep' } }, 500), undefined, { reason: 'HTTP 500: deep' }],
  ['html', status(502, {}, '<html>'), undefined, { ok: false, http_status: 502, reason: 'HTTP 502' }],
  [
    'redirect',
    status(302, { location: 'https://login.example/' }),
    undefined,
    { ok: false, http_status: 302, reason: 'HTTP 302' },
  ],
  ['silence', silent, undefined, { ok: false, http_status: null, reason: expect.stringContaining('within 100 ms') }],
  ['drip', drip, undefined, { ok: false, http_status: null, reason: expect.stringContaining('within 100 ms') }],
])('%s', async (_name, answer, expect_status, expected) => {
  const server = await serve(answer);
  const health = createHealth([{ name: 'web', url: `${server.url}/healthz`, service: 'web-ui', expect_status }]);
  const [probe] = await health.probe({ deadline_ms: 100 });
  expect(probe).toMatchObject({ name: 'web', service: 'web-ui', ...expected });
});

test('all at once, in the order of the configuration, and the dead ones do not hide the living', async () => {
  const hung = await serve(silent);
  const good = await serve(json({}));
  const health = createHealth([
    { name: 'hung-1', url: hung.url },
    { name: 'dead', url: await deadUrl() },
    { name: 'hung-2', url: hung.url },
    { name: 'unusable', url: 'nonsense' },
    { name: 'good', url: good.url },
  ]);
  const started = performance.now();
  const probes = await health.probe({ deadline_ms: 200 });
  expect(performance.now() - started).toBeLessThan(390);
  expect(probes.map(({ name, ok, service }) => [name, ok, service])).toEqual([
    ['hung-1', false, null],
    ['dead', false, null],
    ['hung-2', false, null],
    ['unusable', false, null],
    ['good', true, null],
  ]);
  expect(probes[0]?.latency_ms).toBeGreaterThanOrEqual(195);
});

test('the reason is clean of secrets and control characters', async () => {
  const server = await serve(json({ error: 'postgres://ada:hunter2@db:5432 refused\u001b[31m\n' }, 503));
  const [probe] = await createHealth([{ name: 'a', url: server.url }]).probe({ deadline_ms: 1_000 });
  expect(probe?.reason).toContain('HTTP 503');
  expect(probe?.reason).not.toMatch(/hunter2|\p{Cc}/u);
});
