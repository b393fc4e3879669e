import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QueryError } from '../../src/sandbox/wires/prometheus/ast.ts';
import { evaluate, type Source } from '../../src/sandbox/wires/prometheus/eval.ts';
import { parseQuery } from '../../src/sandbox/wires/prometheus/parser.ts';
import { type Bundle, bundleSandbox, startTestSandbox, type TestSandbox, within } from './harness.ts';

/** Two services, one counter each that grows with time, and a gauge. */
const SOURCE: Source = {
  names: ['hits', 'level', 'took_bucket'],
  samples: (metric, at) => {
    if (metric === 'hits') {
      return [
        { labels: { __name__: 'hits', service: 'a', code: '200' }, value: 100 + 3 * at },
        { labels: { __name__: 'hits', service: 'a', code: '500' }, value: 10 + at },
        { labels: { __name__: 'hits', service: 'b', code: '200' }, value: 50 + 8 * at },
      ];
    }
    if (metric === 'level') return [{ labels: { __name__: 'level' }, value: at }];
    if (metric !== 'took_bucket') return [];
    const bucket = (le: string, value: number) => ({ labels: { __name__: 'took_bucket', le }, value });
    return [bucket('1', 50), bucket('2', 90), bucket('+Inf', 100)];
  },
};

const run = (query: string, at = 1_000): unknown => {
  const value = evaluate(parseQuery(query), SOURCE, at);
  if (value.type !== 'vector') return value.value;
  return Object.fromEntries(
    value.samples.map((s) => [Object.values(s.labels).join('/'), Math.round(s.value * 1e6) / 1e6]),
  );
};

describe('the evaluator', () => {
  it.each([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['-2 - -3', 1],
    ['7 % 4 / 2', 1.5],
    ['"text"', 'text'],
    ['level', { level: 1_000 }],
    ['level offset 5m', { level: 700 }],
    ['level + 1', { '': 1_001 }],
    ['hits{code="500"}', { 'hits/a/500': 1_010 }],
    ['hits{code!="200"}', { 'hits/a/500': 1_010 }],
    ['hits{code=~"5.."}', { 'hits/a/500': 1_010 }],
    ['hits{code=~"5"}', {}],
    ['hits{code!~"2.."}', { 'hits/a/500': 1_010 }],
    ['hits{other=""} > 5000', { 'hits/b/200': 8_050 }],
    ['{__name__="level"}', { level: 1_000 }],
    ['sum(hits)', { '': 12_160 }],
    ['sum by (service) (hits)', { a: 4_110, b: 8_050 }],
    ['sum(hits) by (service)', { a: 4_110, b: 8_050 }],
    ['sum without (code) (hits)', { a: 4_110, b: 8_050 }],
    ['max(hits)', { '': 8_050 }],
    ['min(hits)', { '': 1_010 }],
    ['avg(hits{service="a"})', { '': 2_055 }],
    ['count(hits)', { '': 3 }],
    ['rate(hits{code="500"}[5m])', { 'a/500': 1 }],
    ['increase(hits{code="500"}[5m])', { 'a/500': 300 }],
    ['sum by (service) (rate(hits{code=~"5.."}[5m])) / sum by (service) (rate(hits[5m]))', { a: 0.25 }],
    ['histogram_quantile(0.5, took_bucket)', { '': 1 }],
    ['histogram_quantile(0.7, took_bucket)', { '': 1.5 }],
    ['histogram_quantile(0.99, took_bucket)', { '': 2 }],
    ['scalar(level) / 4', 250],
    ['scalar(hits)', Number.NaN],
    ['vector(3)', { '': 3 }],
    ['abs(level - 1500)', { '': 500 }],
    ['hits > bool 5000', { 'a/200': 0, 'a/500': 0, 'b/200': 1 }],
    ['1 < bool 2', 1],
    ['hits and hits{code="500"}', { 'hits/a/500': 1_010 }],
    ['hits unless hits{code="200"}', { 'hits/a/500': 1_010 }],
    ['nothing or level', { level: 1_000 }],
    ['nothing', {}],
    ['absent(nothing{a="b",c=~"d"})', { b: 1 }],
    ['absent(level)', {}],
    ['topk(2, hits)', { 'hits/a/200': 3_100, 'hits/b/200': 8_050 }],
    ['bottomk by (service) (1, hits)', { 'hits/a/500': 1_010, 'hits/b/200': 8_050 }],
    ['quantile(0.5, hits)', { '': 3_100 }],
    ['quantile by (service) (0.25, hits)', { a: 1_532.5, b: 8_050 }],
    ['max_over_time(level[5m])', { '': 1_000 }],
    ['min_over_time(level[5m])', { '': 997 }],
  ])('%s', (query, expected) => {
    expect(run(query)).toEqual(expected);
  });

  it.each([
    ['', 'no expression found'],
    ['sum(', '1:5: parse error: unclosed left parenthesis'],
    ['sum by (a', '1:10: parse error: unclosed left parenthesis'],
    ['level[5m', '1:9: parse error: unclosed left bracket'],
    ['level ==', '1:9: parse error: unexpected end of input'],
    ['level)', "1:6: parse error: unexpected right parenthesis ')'"],
    ['level{', '1:7: parse error: unexpected end of input inside braces'],
    ['sum(level{', '1:11: parse error: unexpected end of input inside braces'],
    ['level{}x', '1:8: parse error: unexpected identifier "x"'],
    ['{}', 'at least one non-empty matcher'],
    ['level{a>"b"}', "1:8: parse error: unexpected character inside braces: '>'"],
    ['level{a "b"}', 'label matching operator'],
    ['level[5]', 'expected a duration'],
    ['foo(level)', 'unknown function'],
    ['rate(level)', '1:6: parse error: expected type range vector in call to function "rate", got instant vector'],
    [
      'max_over_time("a")',
      '1:15: parse error: expected type range vector in call to function "max_over_time", got string',
    ],
    ['abs(level[5m])', '1:5: parse error: expected type instant vector in call to function "abs", got range vector'],
    ['vector(level)', '1:8: parse error: expected type scalar in call to function "vector", got instant vector'],
    ['sum(level[5m])', '1:5: parse error: expected type instant vector in aggregation expression, got range vector'],
    ['topk(level, level)', '1:6: parse error: expected type scalar in aggregation parameter, got instant vector'],
    ['topk(level)', '1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1'],
    [
      '-level[5m]',
      '1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got "range vector"',
    ],
    ['level[5m] + 1', '1:1: parse error: binary expression must contain only scalar and instant vector types'],
    ['level and 1', '1:1: parse error: set operator "and" not allowed in binary scalar expression'],
    ['toString(level)', 'unknown function'],
    ['label_replace(level, "a", "b", "c", "d")', 'unknown function with name "label_replace"'],
    ['rate(level[5m], 2)', 'expected 1 argument'],
    ['level[5m]', 'invalid expression type "range vector"'],
    ['1 > 2', '1:3: parse error: comparisons between scalars must use BOOL modifier'],
    ['level / on(a) level', 'not supported'],
    ['level{a=~"("}', '1:7: parse error: error parsing regexp: '],
    ['5m', 'unexpected duration'],
    ['level # comment only\n +', 'unexpected end of input'],
    ['level $', "1:7: parse error: unexpected character: '$'"],
  ])('refuses %j', (query, message) => {
    expect(() => run(query)).toThrow(QueryError);
    expect(() => run(query)).toThrow(message);
  });

  it('refuses any other text with its own error, and ends', () => {
    const word = fc.constantFrom(
      'sum',
      'by',
      '(',
      ')',
      'hits',
      '[5m]',
      '{',
      '}',
      '=',
      '"a"',
      '+',
      '>',
      ',',
      '2',
      ' ',
      '-',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        try {
          run(words.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(QueryError);
        }
      }),
    );
  });

  it('calculates as arithmetic does', () => {
    const number = fc.integer({ min: 1, max: 999 });
    fc.assert(
      fc.property(number, number, number, (a, b, c) => {
        expect(run(`${a} - ${b} * ${c} + ${b} / ${c}`)).toBeCloseTo(a - b * c + b / c, 6);
      }),
    );
  });
});

describe('the wire', () => {
  let bundle: Bundle;
  let sandbox: TestSandbox;
  beforeAll(async () => {
    bundle = await bundleSandbox();
    sandbox = await startTestSandbox(bundle, 'bad-deploy');
  });
  afterAll(async () => {
    await sandbox.stop();
    await bundle.remove();
  });
  const url = (path: string, parameters: Record<string, string>): string =>
    `${sandbox.info.urls.prometheus}${path}?${new URLSearchParams(parameters)}`;
  interface Matrix {
    status: string;
    errorType?: string;
    error?: string;
    data: { resultType: string; result: { metric: Record<string, string>; values: [number, string][] }[] };
  }

  it.each([
    ['sum by (customer) (pulsestream_agents_expected{environment="prod"})', 40],
    ['sum by (customer) (pulsestream_agents_connected{environment="prod"})', 40],
    ['sum by (version) (pulsestream_agents_connected{environment="prod"})', 3],
    ['max by (customer) (pulsestream_customer_error_ratio{environment="prod"}) > 0.05', 28],
    [
      'sum by (service) (rate(pulsestream_http_requests_total{environment="prod",code=~"5.."}[5m])) / sum by (service) (rate(pulsestream_http_requests_total{environment="prod"}[5m]))',
      6,
    ],
    [
      'histogram_quantile(0.95, sum by (le, service) (rate(pulsestream_http_request_duration_seconds_bucket{environment="prod"}[5m])))',
      6,
    ],
    ['sum(pulsestream_analysis_queue_depth{environment="prod"})', 1],
    ['max(pulsestream_analysis_queue_oldest_seconds{environment="prod"})', 1],
    ['max by (customer) (pulsestream_customer_error_ratio{environment="staging"})', 0],
  ])('answers %s', async (query, count) => {
    const result = await sandbox.query(query);
    expect(result).toHaveLength(count);
    for (const { value } of result) expect(Number.isFinite(Number(value[1]))).toBe(true);
  });

  it('takes a query by a posted form', async () => {
    const body = new URLSearchParams({ query: 'sum(pulsestream_agents_expected)', time: String(Date.now() / 1000) });
    const response = await fetch(url('/api/v1/query', {}), { method: 'POST', body, ...within() });
    const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
    const agents = Number(data.result[0]?.value[1]);
    expect(agents).toBeGreaterThan(1_200);
    expect(agents).toBeLessThan(1_800);
  });

  it('shows in a range that all was well before the onset, and not after', async () => {
    const end = Math.floor(Date.now() / 1000);
    const query =
      'sum(rate(pulsestream_http_requests_total{service="analysis-engine",code=~"5.."}[5m])) / sum(rate(pulsestream_http_requests_total{service="analysis-engine"}[5m]))';
    const parameters = { query, start: String(end - 1_500), end: String(end), step: '60s' };
    const answer = (await (await fetch(url('/api/v1/query_range', parameters), within())).json()) as Matrix;
    expect(answer.data.resultType).toBe('matrix');
    const values = answer.data.result[0]?.values ?? [];
    expect(values).toHaveLength(26);
    for (const [at, ratio] of values) {
      if (at < end - 725) expect(Number(ratio)).toBeLessThan(0.01);
      else if (at > end - 700) expect(Number(ratio)).toBeGreaterThan(0.5);
    }
  });

  it.each([
    ['/api/v1/query', { query: 'sum(' }, 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis'],
    ['/api/v1/query', {}, 'invalid parameter "query": 1:1: parse error: no expression found in input'],
    [
      '/api/v1/query',
      { query: 'up', time: 'noon' },
      `invalid parameter "time": Invalid time value for 'time': cannot parse "noon" to a valid timestamp`,
    ],
    [
      '/api/v1/query',
      { query: 'up', timeout: 'x' },
      'invalid parameter "timeout": cannot parse "x" to a valid duration',
    ],
    [
      '/api/v1/query_range',
      { query: 'up', start: 'noon', end: '1', step: '1' },
      'invalid parameter "start": cannot parse',
    ],
    [
      '/api/v1/query_range',
      { query: 'up[5m]', start: '0', end: '10', step: '1' },
      'invalid expression type "range vector" for range query, must be Scalar or instant Vector',
    ],
    [
      '/api/v1/query_range',
      { query: '"a"', start: '0', end: '10', step: '1' },
      'invalid expression type "string" for range query, must be Scalar or instant Vector',
    ],
    ['/api/v1/rules', { type: 'x' }, 'invalid parameter "type": not supported value "x"'],
    ['/api/v1/label/a-b/values', {}, 'invalid label name: "a-b"'],
    ['/api/v1/label/job/values', { 'match[]': '(' }, 'parse error'],
    ['/api/v1/label/job/values', { 'match[]': 'sum(up)' }, 'parse error'],
    ['/api/v1/query_range', { query: 'up', start: '0', end: '10' }, 'invalid parameter "step"'],
    ['/api/v1/query_range', { query: 'up', start: '0', end: '10', step: '0' }, 'zero or negative'],
    ['/api/v1/query_range', { query: 'up', start: '10', end: '0', step: '1' }, 'must not be before'],
    ['/api/v1/query_range', { query: 'up', start: '0', end: '99999', step: '1' }, 'exceeded maximum resolution'],
  ])('refuses %s %j', async (path, parameters, message) => {
    const response = await fetch(url(path, parameters as Record<string, string>), within());
    expect(response.status).toBe(400);
    const answer = (await response.json()) as Matrix;
    expect(answer).toMatchObject({ status: 'error', errorType: 'bad_data' });
    expect(answer.error).toContain(message);
  });

  it.each([
    [{ query: 'up', timeout: '0' }, 503, 'timeout', 'query timed out in query execution'],
    [
      { query: 'up[1y]' },
      422,
      'execution',
      'query processing would load too many samples into memory in query execution',
    ],
  ])('cannot run %j: %i', async (parameters, status, errorType, error) => {
    const response = await fetch(url('/api/v1/query', parameters), within());
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ status: 'error', errorType, error });
  });

  it('answers a range with the samples in it', async () => {
    const at = 1_800_000_007;
    const query = 'up{service="postgres"}[1m]';
    const response = await fetch(url('/api/v1/query', { query, time: String(at) }), within());
    const { data } = (await response.json()) as Matrix;
    expect(data.resultType).toBe('matrix');
    expect(data.result).toHaveLength(1);
    expect(data.result[0]?.metric).toMatchObject({ __name__: 'up', service: 'postgres' });
    const first = 1_799_999_955;
    expect(data.result[0]?.values).toEqual([0, 15, 30, 45].map((later) => [first + later, '1']));
  });

  interface Alerting {
    data: {
      alerts: { labels: Record<string, string>; state: string }[];
      groups: { rules: { name: string; state: string; type: string; alerts: unknown[] }[] }[];
    };
  }
  const ask = async <T>(path: string, parameters: Record<string, string> = {}): Promise<T> =>
    (await fetch(url(path, parameters), within())).json() as Promise<T>;

  it('lists the alerts that alertmanager has too, each under its rule', async () => {
    const { alerts } = (await ask<Alerting>('/api/v1/alerts')).data;
    expect(alerts.map(({ labels }) => labels.alertname).sort()).toEqual((await sandbox.alerts()).sort());
    expect(alerts[0]).toMatchObject({ state: 'firing', activeAt: expect.stringMatching(/Z$/), value: '1e+00' });
    const [group] = (await ask<Alerting>('/api/v1/rules')).data.groups;
    expect(group?.rules.flatMap((rule) => rule.alerts)).toHaveLength(alerts.length);
    const high = group?.rules.find(({ name }) => name === 'HighErrorRate');
    expect(high).toMatchObject({
      state: 'firing',
      type: 'alerting',
      health: 'ok',
      query: expect.stringContaining('5..'),
    });
    expect(group?.rules.find(({ name }) => name === 'DatabaseDown')).toMatchObject({ state: 'inactive', alerts: [] });
    expect((await ask<Alerting>('/api/v1/rules', { type: 'record' })).data.groups).toEqual([]);
  });

  it('lists the values of a label, of all series or of those asked for', async () => {
    const values = async (label: string, parameters = {}) =>
      (await ask<{ data: string[] }>(`/api/v1/label/${label}/values`, parameters)).data;
    expect(await values('version')).toHaveLength(3);
    expect(await values('__name__')).toEqual(expect.arrayContaining(['pulsestream_agents_connected', 'up']));
    expect(await values('code', { 'match[]': 'pulsestream_http_requests_total{code=~"5.."}' })).toEqual(['500', '503']);
    expect(await values('colour')).toEqual([]);
  });

  it('knows its paths and methods', async () => {
    for (const [method, path, status] of [
      ['POST', '/api/v1/rules', 405],
      ['PUT', '/api/v1/query', 405],
      ['GET', '/api/v1/nope', 404],
    ] as const) {
      expect((await fetch(url(path, {}), { ...within(), method })).status).toBe(status);
    }
  });

  it.each(['/-/healthy', '/-/ready', '/api/v1/status/buildinfo'])('answers %s', async (path) => {
    expect((await fetch(url(path, {}), within())).status).toBe(200);
  });
});
