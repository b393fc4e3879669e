import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { until } from '../helpers/process.ts';
import type { Session } from '../helpers/session.ts';
import { labAtHand } from './helpers/at-hand.ts';
import { healthOf, keeping, place, source, watching, watchingAll } from './helpers/signals.ts';
import { type Exporter, known, line, type Signal, startExporter, startPrometheus } from './lab/signals.ts';

/** Figures of a real Prometheus: by the queries of the shipped configuration, and by queries that go wrong. */

const bin = new Bin();
afterAll(() => bin.empty());

const { programs } = labAtHand();
const prod = { environment: 'prod' };
const CUSTOMERS = 5_000;
const name = (i: number): string => `customer-${String(i).padStart(4, '0')}`;

/** Requests by service: `rate` of them a second, of which a share fails. `web` has never failed, so that it has no series of failures. */
function services(second: number): string {
  const requests = (service: string, code: string, value: number): string =>
    line('pulsestream_http_requests_total', { ...prod, service, code }, value);
  const buckets = (service: string, below: [string, number][]): string =>
    below
      .map(([le, n]) => line('pulsestream_http_request_duration_seconds_bucket', { ...prod, service, le }, n))
      .join('');
  const n = 100 * second;
  return [
    requests('web', '200', n),
    buckets('web', [
      ['0.1', n],
      ['1', n],
      ['+Inf', n],
    ]),
    requests('engine', '200', 0.7 * n),
    requests('engine', '500', 0.2 * n),
    requests('engine', '503', 0.1 * n),
    buckets('engine', [
      ['1', 0],
      ['5', n],
      ['+Inf', n],
    ]),
    // Nobody asks it: its rates are 0, and its error rate and latency are NaN.
    requests('idle', '200', 5),
    requests('idle', '500', 0),
    buckets('idle', [
      ['1', 5],
      ['+Inf', 5],
    ]),
    // Slower than its last bucket: the quantile is that bucket's limit.
    requests('slow', '200', n),
    buckets('slow', [
      ['1', 0],
      ['3', 0],
      ['+Inf', n],
    ]),
    line('odd', { service: 'nan' }, 'NaN'),
    line('odd', { service: 'endless' }, '+Inf'),
    line('odd', { service: 'small' }, '1.5e-05'),
  ].join('');
}

/** Every tenth customer has lost most agents; of the odd ones nobody reports how many are connected. */
const fleet = (half: boolean): string =>
  Array.from({ length: CUSTOMERS }, (_, i) => {
    const customer = { ...prod, customer: name(i) };
    return (
      line('pulsestream_agents_expected', customer, 10) +
      (half && i % 2 === 1
        ? ''
        : line(
            'pulsestream_agents_connected',
            { ...customer, version: i < 100 ? '2.0.0' : '1.9.4' },
            i % 10 === 0 ? 1 : 10,
          )) +
      (i === 7 ? line('pulsestream_customer_error_ratio', customer, 0.4) : '')
    );
  }).join('');

const queue = (depth: number | string, oldest: number | string): string =>
  line('pulsestream_analysis_queue_depth', { ...prod, shard: 'a' }, depth) +
  line('pulsestream_analysis_queue_depth', { ...prod, shard: 'b' }, depth) +
  line('pulsestream_analysis_queue_oldest_seconds', prod, oldest);

let platform: Exporter;
let agents: Exporter;
let prometheus: Signal;
let session: Session;

beforeAll(async () => {
  const keep = (undo: () => Promise<unknown>): void => bin.add(undo);
  platform = await startExporter(keep, (second) => services(second) + queue(120, 5_400));
  agents = await startExporter(keep, () => fleet(false));
  prometheus = await startPrometheus(programs, await place(bin, 'prometheus'), keeping(bin), {
    jobs: [
      { job: 'platform', target: platform.target },
      { job: 'agents', target: agents.target },
    ],
  });
  await known(prometheus, 'pulsestream_agents_connected', CUSTOMERS);
  await known(prometheus, 'rate(pulsestream_http_requests_total{service="slow"}[5m])');
  session = await watching(
    bin,
    { prometheus: { url: prometheus.url } },
    { services: ['web', 'engine', 'idle', 'slow', 'gone'] },
  );
});

interface Fleet {
  customers_total: number | null;
  customers_affected: number | null;
  affected_percent: number | null;
  agents_expected: number | null;
  agents_connected: number | null;
  agents_unknown: number | null;
  slo: { current: number | null; breached: boolean | null };
  scope: string | null;
  top_affected: { customer: string; affected: boolean | null; error_ratio: number | null }[];
  versions: { version: string; agents: number }[];
  gaps: string[];
  sources: { name: string; status: string; latency_ms: number; error?: string }[];
}
const fleetOf = async (of: Session, args: Record<string, unknown> = {}) => {
  const { text, data } = await of.call('get_fleet_summary', args);
  return { text, data: data as unknown as Fleet };
};

describe('the shipped queries', () => {
  test('error rate and latency by service; NaN and absent series are unknown, not 0', async () => {
    const { data } = await healthOf(session);
    expect(source(data, 'prometheus').status).toBe('ok');
    const component = (wanted: string) => data.components.find((one) => one.name === wanted);
    expect(component('engine')).toMatchObject({
      status: 'degraded',
      reason: expect.stringMatching(/^error rate 30 % .*; 95th percentile latency 4\.8 s/),
    });
    expect(component('slow')?.reason).toMatch(/95th percentile latency 3 s/);
    expect(component('web')?.status).toBe('healthy');
    expect(component('idle')?.status).toBe('unknown');
    expect(component('gone')?.status).toBe('unknown');
  });

  test('5,000 customers: the scope, the objective, the worst', async () => {
    const { data, text } = await fleetOf(session);
    expect(data).toMatchObject({
      customers_total: CUSTOMERS,
      customers_affected: 501,
      affected_percent: 10,
      agents_expected: 50_000,
      agents_connected: 45_500,
      agents_unknown: 0,
      slo: { current: 0.91, breached: true },
      scope: 'some',
      versions: [
        { version: '1.9.4', agents: 44_590 },
        { version: '2.0.0', agents: 910 },
      ],
      gaps: [],
    });
    expect(data.top_affected[0]).toMatchObject({ customer: 'customer-0000', affected: true });
    expect(text).toContain(
      '501 of 5000 customers affected (10 %), scope some; agents 45500/50000 connected; SLO 91.0 %',
    );
    expect(Buffer.byteLength(text)).toBeLessThan(2_048);
    const { data: one } = await fleetOf(session, { customer: 'customer-0007' });
    expect(one.top_affected).toMatchObject([{ customer: 'customer-0007', affected: true, error_ratio: 0.4 }]);
    const assessed = await session.ok('assess_severity');
    expect(assessed).toMatchObject({
      severity: 'SEV3',
      evidence: { customers_total: CUSTOMERS, customers_affected: 501, slo_current: 0.91 },
    });
  });

  test("the queue's shards are summed; series that vanish are unknown, not 0", async () => {
    const asked = async (): Promise<Record<string, unknown>> => session.ok('check_llm_provider');
    expect((await asked()).queue).toEqual({ depth: 240, oldest_minutes: 90 });
    platform.says = (second) => services(second) + queue('NaN', 'NaN');
    expect((await until(asked, ({ queue: now }) => (now as { depth: unknown }).depth === null)).queue).toEqual({
      depth: null,
      oldest_minutes: null,
    });
    platform.says = (second) => services(second) + queue(0, 0);
    expect((await until(asked, ({ queue: now }) => (now as { depth: unknown }).depth !== null)).queue).toEqual({
      depth: 0,
      oldest_minutes: 0,
    });
    // Prometheus marks the series of an answer that no longer has them as stale at once.
    platform.says = services;
    const { text, data } = await until(
      () => session.call('check_llm_provider'),
      (answer) => (answer.data.queue as { depth: unknown }).depth === null,
    );
    expect(data.queue).toEqual({ depth: null, oldest_minutes: null });
    expect(text).toContain('queue unknown deep, oldest unknown minutes');
  });

  test('a metric that half of the customers lack: they are unknown, and the objective is not called kept', async () => {
    const few = (share: number): string =>
      Array.from({ length: CUSTOMERS }, (_, i) => {
        const customer = { ...prod, customer: name(i) };
        const connected = line('pulsestream_agents_connected', { ...customer, version: '2.0.0' }, 10);
        return line('pulsestream_agents_expected', customer, 10) + (i < CUSTOMERS * share ? connected : '');
      }).join('');
    agents.says = () => few(0.5);
    const { data, text } = await until(
      () => fleetOf(session),
      (seen) => seen.data.agents_connected === 25_000,
    );
    expect(data).toMatchObject({
      customers_total: CUSTOMERS,
      customers_affected: 0,
      agents_connected: 25_000,
      agents_unknown: 25_000,
      slo: { current: 1, breached: null },
      scope: null,
    });
    expect(data.gaps.join()).toContain('for 2500 of 5000 customers it is not known');
    expect(text).toContain('agents 25000/25000 connected (of 25000 more nothing is known)');
    expect(text).toMatch(/scope unknown.*whether breached is unknown/);
    agents.says = () => fleet(true);
    const bad = await until(
      () => fleetOf(session),
      (seen) => seen.data.agents_connected !== 25_000,
    );
    // Too many are known to be missing, whatever the others do.
    expect(bad.data).toMatchObject({
      customers_affected: 501,
      agents_connected: 20_500,
      slo: { current: 0.82, breached: true },
    });
    agents.says = () => fleet(false);
  });
});

describe('queries that give no figures', () => {
  const REFUSED: [name: string, query: string, words: RegExp][] = [
    ['a syntax error', 'sum by (service) (rate(up[5m])', /refused the query error_rate: bad_data: .*parse error/],
    ['a wrong type', 'rate(up)', /refused the query error_rate: bad_data: .*expected type range vector/],
    ['an execution error', 'odd * on() odd', /refused the query error_rate: execution: .*duplicate series/],
    ['a range vector', 'up[5m]', /answered the query error_rate with a range vector.* Next: .*rate\(\)/],
    ['a string', '"text"', /answered the query error_rate with a string/],
    ['a scalar', 'scalar(vector(1))', /query error_rate gives 1 figures without the label service/],
    ['series without the label', 'sum(up)', /query error_rate gives 1 figures without the label service/],
  ];
  const FIGURES: [name: string, query: string, small: string | undefined][] = [
    ['an empty vector', 'no_such_metric', undefined],
    ['NaN and infinity', 'odd{service!="small"}', undefined],
    ['small ones as Go writes them', 'odd', 'its probes and figures are good'],
    ['large ones as Go writes them', '1e+12 * odd', expect.stringContaining('error rate 1500000000 %')],
  ];
  let all: Session;
  const environment = (query: string): string => `q${[...REFUSED, ...FIGURES].findIndex((row) => row[1] === query)}`;

  beforeAll(async () => {
    const queries = [...REFUSED, ...FIGURES].map(([, query]) => query);
    all = await watchingAll(
      bin,
      Object.fromEntries(
        queries.map((error_rate) => [
          environment(error_rate),
          { signals: { prometheus: { url: prometheus.url, queries: { error_rate } } } },
        ]),
      ),
    );
  });

  test.each(REFUSED)('%s', async (_name, query, words) => {
    const { data } = await healthOf(all, { environment: environment(query) });
    const told = source(data, 'prometheus');
    expect(told.status).toBe('error');
    expect(told.error).toMatch(words);
  });

  test.each(FIGURES)('%s', async (_name, query, small) => {
    const { data } = await healthOf(all, { environment: environment(query) });
    expect(source(data, 'prometheus').status).toBe('ok');
    const told = Object.fromEntries(data.components.map((one) => [one.name, one.reason]));
    expect(told).toEqual(small === undefined ? {} : { small });
  });

  test('more components in trouble than are listed: the counts are those of all', async () => {
    const sick = 'label_replace(topk(60, pulsestream_agents_expected), "service", "$1", "customer", "(.*)")';
    const queries = { error_rate: sick, latency_p95: 'no_such_metric' };
    const many = await watching(bin, { prometheus: { url: prometheus.url, queries } });
    const { data, text } = await healthOf(many);
    expect(data).toMatchObject({ status: 'degraded', components_total: 60, components_unhealthy: 60 });
    expect(data.components.length).toBeLessThan(60);
    expect(text).toContain('60 of 60 components are not healthy, 0 healthy');
    expect(text).toContain('40 more unhealthy components are not shown');
  });

  test('a part of the fleet that cannot be read is a gap, and the rest is told', async () => {
    const partly = await watching(
      bin,
      { prometheus: { url: prometheus.url } },
      {
        fleet: {
          queries: { connected: 'sum by (customer) (', expected: 'pulsestream_agents_expected', versions: 'vector(3)' },
        },
      },
    );
    const { data, text } = await fleetOf(partly);
    expect(data).toMatchObject({
      customers_total: CUSTOMERS,
      agents_connected: null,
      agents_unknown: 50_000,
      slo: { current: null, breached: null },
      // The one of which errors are known; the others may be worse.
      customers_affected: 1,
      scope: 'some',
    });
    expect(data.gaps[0]).toMatch(/^agents connected: Prometheus refused the query connected: bad_data: /);
    expect(data.gaps[1]).toBe('agent versions: 1 series without the label version left out');
    expect(text).toContain('Not known: agents connected: ');
  });

  test('parts of one customer are not taken for the whole', async () => {
    const query =
      'label_replace(pulsestream_agents_connected{customer=~"customer-000[0-3]"}, "customer", "one", "", "")';
    const repeated = await watching(
      bin,
      { prometheus: { url: prometheus.url } },
      {
        fleet: { queries: { connected: query } },
      },
    );
    // A vector with the same labels twice is refused by Prometheus itself; the version makes them differ.
    const { data } = await fleetOf(repeated);
    expect(data.gaps.join()).toMatch(/duplicate|same labelset/);
    const copies = await watching(
      bin,
      { prometheus: { url: prometheus.url } },
      {
        fleet: {
          queries: {
            connected: 'label_replace(sum by (version) (pulsestream_agents_connected), "customer", "one", "", "")',
          },
        },
      },
    );
    expect((await fleetOf(copies)).data.gaps.join()).toContain('agents connected: 1 series name a customer again');
  });

  test('a Prometheus that has not scraped anything yet', async () => {
    const fresh = await startPrometheus(programs, await place(bin, 'fresh'), keeping(bin), {});
    const empty = await watching(bin, { prometheus: { url: fresh.url } });
    const { data, text } = await fleetOf(empty);
    expect(data).toMatchObject({ customers_total: null, customers_affected: null, scope: null });
    expect(data.gaps).toContain('agents connected: no series');
    expect(text).toMatch(/is unknown; that is not the same as "nobody is affected"/);
    const assessed = await empty.ok('assess_severity');
    expect(assessed).toMatchObject({ severity: 'SEV2', confidence: 'low' });
  });
});

test('a service that never failed has an error rate of 0, so that doctor has nothing to complain about', async () => {
  const fresh = await startExporter(
    (undo) => bin.add(undo),
    (second) =>
      line('pulsestream_http_requests_total', { ...prod, service: 'web', code: '200' }, 100 * second) +
      line('pulsestream_http_request_duration_seconds_bucket', { ...prod, service: 'web', le: '+Inf' }, 100 * second) +
      line('pulsestream_http_request_duration_seconds_bucket', { ...prod, service: 'web', le: '1' }, 100 * second) +
      queue(0, 0),
  );
  const young = await startPrometheus(programs, await place(bin, 'young'), keeping(bin), {
    jobs: [{ job: 'platform', target: fresh.target }],
  });
  await known(young, 'rate(pulsestream_http_requests_total[5m])');
  const { home } = await watching(bin, { prometheus: { url: young.url } });
  const { stdout } = await home.command(['doctor']);
  expect(stdout).toMatch(/prometheus +answers; error rates of 1 services\n/);
});
