import { describe, expect, test } from 'vitest';
import { createJsonFleet, createPrometheusFleet } from '../../../src/adapters/fleet/index.ts';
import { type Answer, deadUrl, json, serve, silent, status } from '../http/server.ts';

const now = { deadline_ms: 500 };
const queries = { expected: 'expected', connected: 'connected', versions: 'versions', impaired: 'impaired' };

type Rows = [labels: Record<string, string>, value: string][];

const fleetOf = async (answers: Record<string, Rows | Answer>, deadline_ms = 500) => {
  const server = await serve((request, response) => {
    const rows = answers[new URLSearchParams(request.body).get('query') ?? ''] ?? [];
    if (typeof rows === 'function') return rows(request, response);
    const result = rows.map(([metric, value]) => ({ metric, value: [1, value] }));
    json({ status: 'success', data: { resultType: 'vector', result } })(request, response);
  });
  return createPrometheusFleet({ url: server.url, environment: 'prod', queries }).read({ deadline_ms });
};

const customers = (figures: Record<string, string>): Rows =>
  Object.entries(figures).map(([customer, value]) => [{ customer }, value]);

describe('from Prometheus', () => {
  test('joins by customer; what a source does not tell is null', async () => {
    const reading = await fleetOf({
      expected: customers({ beta: '10', acme: '5' }),
      connected: customers({ acme: '4', gone: '1' }),
      versions: [
        [{ version: '1.2' }, '3'],
        [{ version: '1.3' }, '9'],
      ],
      impaired: customers({ acme: '0.2' }),
    });
    expect(reading).toEqual({
      customers: [
        { customer: 'acme', expected: 5, connected: 4, error_ratio: 0.2 },
        { customer: 'beta', expected: 10, connected: null, error_ratio: null },
        { customer: 'gone', expected: null, connected: 1, error_ratio: null },
      ],
      versions: [
        { version: '1.3', agents: 9 },
        { version: '1.2', agents: 3 },
      ],
      gaps: [],
    });
  });

  test('a part that fails is a gap', async () => {
    const reading = await fleetOf(
      { expected: customers({ acme: '5' }), connected: silent, versions: status(500), impaired: status(403) },
      150,
    );
    expect(reading.customers).toEqual([{ customer: 'acme', expected: 5, connected: null, error_ratio: null }]);
    expect(reading.gaps).toEqual([
      expect.stringMatching(/^agents connected: .*within 150 ms/),
      expect.stringMatching(/^agent versions: .*answered 500/),
      expect.stringMatching(/^impaired customers: .*403/),
    ]);
  });

  test('no series at all is a gap, and so are series without the label', async () => {
    const reading = await fleetOf({ connected: [[{}, '7'], ...customers({ acme: '5' })] });
    expect(reading.gaps).toEqual([
      'agents expected: no series',
      expect.stringContaining('1 series without the label customer'),
    ]);
  });

  test('a customer that comes again is a gap: parts or copies, nobody knows', async () => {
    const reading = await fleetOf({
      expected: customers({ acme: '10' }),
      connected: [...customers({ acme: '5' }), ...customers({ acme: '3' })],
    });
    expect(reading.customers).toMatchObject([{ customer: 'acme', connected: 5 }]);
    expect(reading.gaps[0]).toContain('1 series name a customer again, of which the highest counts; sum by (customer)');
  });

  test('all failed: the error is thrown', async () => {
    const settings = { url: await deadUrl(), environment: 'prod', queries };
    await expect(createPrometheusFleet(settings).read(now)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('from JSON', () => {
  const read = async (answer: Answer) => {
    const server = await serve(answer);
    return createJsonFleet({ url: `${server.url}/fleet?x=1`, auth: { bearer: 'tok' } }).read(now);
  };

  test('reads rows', async () => {
    const reading = await read(
      json({
        customers: [
          { customer: 'beta', agents_expected: 3, agents_connected: 0, error_ratio: 0.5 },
          { customer: 'acme', agents_expected: 3, agents_connected: null },
        ],
        versions: [
          { version: '1', agents: 1 },
          { version: '2', agents: 2 },
        ],
      }),
    );
    expect(reading).toEqual({
      customers: [
        { customer: 'acme', expected: 3, connected: null, error_ratio: null },
        { customer: 'beta', expected: 3, connected: 0, error_ratio: 0.5 },
      ],
      versions: [
        { version: '2', agents: 2 },
        { version: '1', agents: 1 },
      ],
      gaps: [],
    });
  });

  test('rows that cannot be read and repeated customers are gaps', async () => {
    const reading = await read(
      json({
        customers: [
          { customer: 'acme', agents_expected: 3, agents_connected: 2 },
          { customer: 'acme', agents_expected: 9, agents_connected: 9 },
          { customer: 'bad', agents_expected: '3' },
          { customer: 'worse', agents_expected: -1 },
        ],
        versions: [{ version: 1 }],
      }),
    );
    expect(reading.customers).toEqual([{ customer: 'acme', expected: 3, connected: 2, error_ratio: null }]);
    expect(reading.gaps.map((gap) => gap.replace(/:.*?(\d+).*/, ' $1'))).toEqual([
      'customers 2',
      'customers 1',
      'agent versions 1',
    ]);
  });

  test.each<[string, Answer, string]>([
    ['no list', json({ rows: [] }), 'UNAVAILABLE'],
    ['only bad rows', json({ customers: [{}] }), 'UNAVAILABLE'],
    ['404', status(404), 'NOT_FOUND'],
    ['401', status(401), 'FORBIDDEN'],
    ['silence', silent, 'TIMEOUT'],
  ])('%s', async (_name, answer, code) => {
    await expect(read(answer)).rejects.toMatchObject({ code });
  });
});
