import { describe, expect, test } from 'vitest';
import { createStatuspage } from '../../../src/adapters/statuspage/index.ts';
import { type Answer, deadUrl, json, serve, silent, status } from '../http/server.ts';

const now = { deadline_ms: 500 };

const summary = (indicator: string, incidents?: unknown): unknown => ({
  page: { id: 'x', name: 'Provider', url: 'https://status.example' },
  components: [],
  status: { indicator, description: 'Partial Outage' },
  incidents,
});

const incident = (name: string, started_at: string | null, more: object = {}): object => ({
  name,
  status: 'investigating',
  impact: 'major',
  created_at: '2026-03-01T14:30:00Z',
  started_at,
  ...more,
});

const read = async (answer: Answer) => {
  const server = await serve(answer);
  return createStatuspage({ provider: 'Lumen', status_url: server.url }).read(now);
};

test.each([
  ['none', 'none'],
  ['minor', 'minor'],
  ['major', 'major'],
  ['critical', 'critical'],
  ['maintenance', 'minor'],
  ['fnord', 'unknown'],
  ['constructor', 'unknown'],
])('indicator %s is %s', async (given, expected) => {
  expect(await read(json(summary(given, [])))).toEqual({
    provider: 'Lumen',
    indicator: expected,
    description: 'Partial Outage',
    outage_started_at: null,
  });
});

test.each([
  [
    'the oldest',
    [incident('b', '2026-03-01T14:10:00Z'), incident('a', '2026-03-01T14:00:00+00:00')],
    '2026-03-01T14:00:00.000Z',
    'a',
  ],
  ['created_at in place of started_at', [incident('a', null)], '2026-03-01T14:30:00.000Z', 'a'],
  [
    'resolved ones left out',
    [incident('a', '2026-03-01T10:00:00Z', { status: 'resolved' }), incident('b', '2026-03-01T14:10:00Z')],
    '2026-03-01T14:10:00.000Z',
    'b',
  ],
  [
    'harmless ones left out',
    [incident('a', '2026-02-01T10:00:00Z', { impact: 'none' }), incident('b', '2026-03-01T14:10:00Z')],
    '2026-03-01T14:10:00.000Z',
    'b',
  ],
  ['a naive instant is unknown', [incident('a', '2026-03-01 14:00', { created_at: 'x' })], null, 'a'],
])('start of the outage: %s', async (_name, incidents, expected, named) => {
  const got = await read(json(summary('major', incidents)));
  expect(got.outage_started_at).toBe(expected);
  expect(got.description).toBe(`Partial Outage: ${named}`);
});

test('no outage while the indicator says none', async () => {
  const got = await read(json(summary('none', [incident('old notice', '2026-01-01T00:00:00Z')])));
  expect(got).toMatchObject({ indicator: 'none', outage_started_at: null, description: 'Partial Outage' });
});

test.each(['', '/', '/api/v2/summary.json'])('the page may be given as %j', async (path) => {
  const server = await serve(json(summary('none', [])));
  await createStatuspage({ provider: 'Lumen', status_url: `${server.url}${path}` }).read(now);
  expect(server.received[0]?.url).toBe('/api/v2/summary.json');
});

describe('failures are thrown', () => {
  test.each<[string, Answer, string]>([
    ['garbage', status(200, {}, '<html>'), 'UNAVAILABLE'],
    ['other JSON', json({ ok: true }), 'UNAVAILABLE'],
    ['500', status(500), 'UNAVAILABLE'],
    ['404', status(404), 'NOT_FOUND'],
    ['silence', silent, 'TIMEOUT'],
  ])('%s', async (_name, answer, code) => {
    await expect(read(answer)).rejects.toMatchObject({ code });
  });

  test('refused', async () => {
    const page = createStatuspage({ provider: 'Lumen', status_url: await deadUrl() });
    await expect(page.read(now)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
