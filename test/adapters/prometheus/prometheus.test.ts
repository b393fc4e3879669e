import { describe, expect, test } from 'vitest';
import { createInstantQuery, createPrometheus, fillQuery } from '../../../src/adapters/prometheus/index.ts';
import { type Answer, deadUrl, json, serve, silent, status } from '../http/server.ts';

const now = { deadline_ms: 1_000 };

const vector = (...rows: [labels: Record<string, string>, value: string][]): unknown => ({
  status: 'success',
  data: { resultType: 'vector', result: rows.map(([metric, value]) => ({ metric, value: [1_700_000_000, value] })) },
});

const queryOf = (body: string): string => new URLSearchParams(body).get('query') ?? '';

/** Answers each query from a table. */
const byQuery =
  (answers: Record<string, unknown>): Answer =>
  (request, response) =>
    json(answers[queryOf(request.body)] ?? vector())(request, response);

const queries = { error_rate: 'errors', latency_p95: 'p95', queue_depth: 'depth', queue_oldest: 'oldest' };

describe('instant query', () => {
  test('posts a form behind the prefix of the address, at the instant asked for', async () => {
    const server = await serve(json(vector([{ service: 'web-ui' }, '0.5'])));
    const query = createInstantQuery({ url: `${server.url}/prefix/`, environment: 'prod', auth: { bearer: 'tok' } });
    const samples = await query('up{environment="$environment"}', now, new Date('2026-03-01T14:20:00.250Z'));
    expect(samples).toEqual([{ labels: { service: 'web-ui' }, value: 0.5 }]);
    const seen = server.received[0];
    expect(seen).toMatchObject({ method: 'POST', url: '/prefix/api/v1/query' });
    expect(seen?.headers).toMatchObject({
      'content-type': 'application/x-www-form-urlencoded',
      authorization: 'Bearer tok',
    });
    expect(Object.fromEntries(new URLSearchParams(seen?.body))).toEqual({
      query: 'up{environment="prod"}',
      time: '1772374800.250',
      timeout: '1000ms',
    });
  });

  test('figures that are none are absent, not 0', async () => {
    const rows = ['NaN', '+Inf', '-Inf', '', 'x', '0', '1e-3', '-2.5'].map((value): [{ n: string }, string] => [
      { n: value },
      value,
    ]);
    const server = await serve(json(vector(...rows)));
    const samples = await createInstantQuery({ url: server.url, environment: 'prod' })('q', now);
    expect(samples.map(({ value }) => value)).toEqual([0, 0.001, -2.5]);
  });

  test.each([
    ['a scalar', { resultType: 'scalar', result: [1, '7'] }, [{ labels: {}, value: 7 }]],
    ['a native histogram', { resultType: 'vector', result: [{ metric: {}, histogram: [1, {}] }] }, []],
  ])('%s', async (_name, data, expected) => {
    const server = await serve(json({ status: 'success', data }));
    expect(await createInstantQuery({ url: server.url, environment: 'prod' })('q', now)).toEqual(expected);
  });

  test.each<[string, Answer, string, RegExp]>([
    [
      'a refused query',
      json({ status: 'error', errorType: 'bad_data', error: 'parse\u001b[31m error: token=hunter2secret' }, 400),
      'UNAVAILABLE',
      /bad_data: parse error/,
    ],
    [
      'an execution error',
      json({ status: 'error', errorType: 'execution', error: 'many' }, 422),
      'UNAVAILABLE',
      /execution: many/,
    ],
    ['a 503 of a proxy', status(503, {}, '<html>'), 'UNAVAILABLE', /answered 503/],
    [
      'a range',
      json({ status: 'success', data: { resultType: 'matrix', result: [] } }),
      'UNAVAILABLE',
      /with a range vector/,
    ],
    [
      'a string',
      json({ status: 'success', data: { resultType: 'string', result: [1, 'x'] } }),
      'UNAVAILABLE',
      /a string/,
    ],
    ['neither POST nor GET', status(405), 'UNAVAILABLE', /answered 405/],
    [
      'a proxy that speaks TLS',
      status(400, {}, 'Client sent an HTTP request to an HTTPS server.\n'),
      'UNAVAILABLE',
      /speaks HTTPS/,
    ],
    ['other JSON', json({ hello: 1 }), 'UNAVAILABLE', /unexpected shape/],
    ['no rights', status(403), 'FORBIDDEN', /403/],
    ['silence', silent, 'TIMEOUT', /within 100 ms/],
  ])('%s', async (_name, answer, code, words) => {
    const server = await serve(answer);
    const query = createInstantQuery({ url: server.url, environment: 'prod' });
    const failed = query('q', { deadline_ms: 100 });
    await expect(failed).rejects.toMatchObject({ code, message: expect.stringMatching(words) });
    await expect(failed).rejects.not.toMatchObject({ message: expect.stringContaining('hunter2secret') });
  });
});

test.each([405, 501])('where POST is answered with %i, GET is asked, with the same credentials', async (code) => {
  const server = await serve((request, response) =>
    (request.method === 'POST' ? status(code, {}, 'no') : json(vector([{ n: 'a' }, '1'])))(request, response),
  );
  const query = createInstantQuery({ url: server.url, environment: 'prod', auth: { bearer: 'tok' } });
  expect(await query('up{environment="$environment"}', now)).toHaveLength(1);
  const got = server.received[1];
  expect(got).toMatchObject({ method: 'GET', body: '', headers: { authorization: 'Bearer tok' } });
  expect(new URL(got?.url ?? '', server.url).searchParams.get('query')).toBe('up{environment="prod"}');
});

test.each([
  ['prod', 'up{environment="prod"}'],
  ['a"} or up{x="', 'up{environment="a\\x22} or up{x=\\x22"}'],
  ["a'b\\c`\n", 'up{environment="a\\x27b\\x5cc\\x60\\x0a"}'],
  ['$&$1$environment', 'up{environment="$&$1$environment"}'],
])('the environment %j is part of a string', (environment, expected) => {
  expect(fillQuery('up{environment="$environment"}', environment)).toBe(expected);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the other form of the placeholder
  expect(fillQuery('up{environment="${environment}"}', environment)).toBe(expected);
});

test('a longer name is no placeholder', () => {
  expect(fillQuery('$environments', 'prod')).toBe('$environments');
});

describe('metrics', () => {
  test('figures by service; the worst of several series counts; series without service are left out', async () => {
    const server = await serve(
      byQuery({
        errors: vector([{ service: 'web-ui' }, '0.1'], [{ service: 'web-ui', pod: 'b' }, '0.3'], [{}, '0.9']),
        p95: vector([{ service: 'web-ui' }, 'NaN'], [{ service: '__proto__' }, '2']),
      }),
    );
    const at = new Date('2026-03-01T14:20:00Z');
    const metrics = createPrometheus({ url: server.url, environment: 'prod', queries });
    const signals = await metrics.services({ ...now, at });
    expect(signals.error_rate).toEqual({ 'web-ui': 0.3 });
    expect(Object.entries(signals.latency_p95)).toEqual([['__proto__', 2]]);
    expect(server.received.map(({ body }) => new URLSearchParams(body).get('time'))).toEqual([
      '1772374800.000',
      '1772374800.000',
    ]);
  });

  test.each([
    ['present', { depth: vector([{}, '12']), oldest: vector([{}, '90.5']) }, { depth: 12, oldest_seconds: 90.5 }],
    ['zero', { depth: vector([{}, '0']), oldest: vector([{}, '0']) }, { depth: 0, oldest_seconds: 0 }],
    ['absent', {}, { depth: null, oldest_seconds: null }],
    ['not a number', { depth: vector([{}, 'NaN']) }, { depth: null, oldest_seconds: null }],
  ])('queue: %s', async (_name, answers, expected) => {
    const server = await serve(byQuery(answers));
    const metrics = createPrometheus({ url: server.url, environment: 'prod', queries });
    expect(await metrics.queue(now)).toEqual(expected);
  });

  test('figures that all lack the label are a wrong query', async () => {
    const server = await serve(byQuery({ p95: vector([{}, '1'], [{ pod: 'a' }, '2']) }));
    const metrics = createPrometheus({ url: server.url, environment: 'prod', queries });
    await expect(metrics.services(now)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'The query latency_p95 gives 2 figures without the label service.',
    });
  });

  test('a dead Prometheus is an error, not an empty reading', async () => {
    const metrics = createPrometheus({ url: await deadUrl(), environment: 'prod', queries });
    await expect(metrics.services(now)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(metrics.queue(now)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('one failed query fails the read', async () => {
    const server = await serve((request, response) =>
      (queryOf(request.body) === 'p95' ? status(500) : json(vector([{ service: 'a' }, '1'])))(request, response),
    );
    const metrics = createPrometheus({ url: server.url, environment: 'prod', queries });
    await expect(metrics.services(now)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
