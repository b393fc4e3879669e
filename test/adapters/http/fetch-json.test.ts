import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { fetchJson, joinUrl, postJson } from '../../../src/adapters/http/index.ts';
import type { AppError } from '../../../src/errors.ts';
import { type Answer, deadUrl, drip, json, serve, silent, status } from './server.ts';

const failureOf = async (work: Promise<unknown>): Promise<AppError> => {
  try {
    await work;
  } catch (error) {
    return error as AppError;
  }
  throw new Error('it did not fail');
};

const raw =
  (body: Buffer | string, headers: Record<string, string> = {}): Answer =>
  (_request, response) => {
    response.writeHead(200, headers).end(body);
  };

const half: Answer = (request, response) => {
  response.writeHead(200, { 'content-length': '100' });
  response.write('{"a":');
  setTimeout(() => request.socket.destroy(), 20);
};

const endless: Answer = (_request, response) => {
  response.writeHead(200);
  const block = Buffer.alloc(64 * 1024, 0x20);
  let left = 320;
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= 1;
      if (!response.write(block)) {
        response.once('drain', more);
        return;
      }
    }
    response.end('{}');
  };
  more();
};

describe('answers', () => {
  test.each<[string, Answer]>([
    ['plain', raw('{"a":[1]}')],
    ['gzip', raw(gzipSync('{"a":[1]}'), { 'content-encoding': 'gzip' })],
    ['byte order mark', raw('\uFEFF{"a":[1]}')],
  ])('%s JSON is read', async (_name, answer) => {
    const server = await serve(answer);
    const got = await fetchJson({ url: server.url, deadline_ms: 2_000 });
    expect(got).toMatchObject({ status: 200, json: { a: [1] } });
    expect(Number.isInteger(got.latency_ms)).toBe(true);
  });

  test('invalid UTF-8 becomes replacement characters and hides nothing else', async () => {
    const server = await serve(raw(Buffer.concat([Buffer.from('{"a":"x'), Buffer.from([0xff]), Buffer.from('y"}')])));
    expect((await fetchJson({ url: server.url, deadline_ms: 2_000 })).json).toEqual({ a: 'x\uFFFDy' });
  });

  test('connections are kept alive between requests', async () => {
    const server = await serve(json({}));
    for (let i = 0; i < 3; i += 1) await fetchJson({ url: server.url, deadline_ms: 2_000 });
    expect(new Set(server.received.map(({ socket }) => socket)).size).toBe(1);
  });

  test('a kept connection that the server dropped costs no failure', async () => {
    let requests = 0;
    const server = await serve((request, response) => {
      requests += 1;
      if (requests === 2) request.socket.destroy();
      else json({ requests })(request, response);
    });
    await fetchJson({ url: server.url, deadline_ms: 2_000 });
    expect((await fetchJson({ url: server.url, deadline_ms: 2_000 })).json).toEqual({ requests: 3 });
  });
});

describe('failures', () => {
  test.each<[string, Answer, string, RegExp]>([
    ['silence', silent, 'TIMEOUT', /did not answer within 150 ms/],
    ['a slow drip', drip, 'TIMEOUT', /did not answer within 150 ms/],
    ['half an answer', half, 'UNAVAILABLE', /before the answer was complete/],
    ['a reset', (request) => request.socket.destroy(), 'UNAVAILABLE', /closed the connection/],
    ['401', status(401), 'FORBIDDEN', /credentials/],
    ['403', status(403), 'FORBIDDEN', /does not allow/],
    ['404', status(404), 'NOT_FOUND', /404/],
    ['429', status(429), 'UNAVAILABLE', /429/],
    ['500', status(500, {}, '{"secret":"hunter2"}'), 'UNAVAILABLE', /answered 500/],
    [
      'a redirect',
      status(302, { location: 'https://login.example/x?t=hunter2' }),
      'UNAVAILABLE',
      /login\.example \(302\)/,
    ],
    ['garbage', raw('<html>hunter2'), 'UNAVAILABLE', /did not answer with JSON/],
    ['nothing', raw(''), 'UNAVAILABLE', /did not answer with JSON/],
    ['damaged gzip', raw('not gzip', { 'content-encoding': 'gzip' }), 'UNAVAILABLE', /gzip/],
    ['another encoding', raw('x', { 'content-encoding': 'br' }), 'UNAVAILABLE', /encoding/],
  ])('%s', async (_name, answer, code, words) => {
    const server = await serve(answer);
    const url = `http://grace:hunter2@127.0.0.1:${server.port}/api?token=hunter2`;
    const started = performance.now();
    const error = await failureOf(fetchJson({ url, deadline_ms: 150, auth: { bearer: 'hunter2' } }));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(words);
    expect(error.message).toContain(`127.0.0.1:${server.port}/api`);
    expect(JSON.stringify([error.message, error.next, error.stack, error.cause])).not.toMatch(/hunter2|grace/);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test('a refused connection', async () => {
    const error = await failureOf(fetchJson({ url: await deadUrl(), deadline_ms: 2_000 }));
    expect(error).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('refused the connection') });
  });

  test.each<[string, Answer, number | undefined]>([
    ['20 MB', endless, undefined],
    ['a gzip bomb', raw(gzipSync(Buffer.alloc(20_000_000, 0x20)), { 'content-encoding': 'gzip' }), undefined],
    ['one byte more than allowed', raw('[12345678]'), 9],
  ])('%s is too large', async (_name, answer, max_bytes) => {
    const server = await serve(answer);
    const error = await failureOf(fetchJson({ url: server.url, deadline_ms: 5_000, max_bytes }));
    expect(error).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('sent more than') });
  });

  test('exactly the bound is read', async () => {
    const server = await serve(raw('[12345678]'));
    expect((await fetchJson({ url: server.url, deadline_ms: 2_000, max_bytes: 10 })).json).toEqual([12345678]);
  });

  test.each(['not a url', 'ftp://host/hunter2', ''])('an unusable address %j', async (url) => {
    const error = await failureOf(fetchJson({ url, deadline_ms: 100 }));
    expect(error.code).toBe('NOT_CONFIGURED');
    expect(error.message).not.toContain('hunter2');
  });

  test('credentials that HTTP cannot carry are named, not told', async () => {
    const server = await serve(json({}));
    const error = await failureOf(fetchJson({ url: server.url, deadline_ms: 500, auth: { bearer: 'hun\nter2' } }));
    expect(error.code).toBe('NOT_CONFIGURED');
    expect(error.message).not.toContain('ter2');
  });

  test('cancelling ends it at once', async () => {
    const server = await serve(silent);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    const started = performance.now();
    const error = await failureOf(fetchJson({ url: server.url, deadline_ms: 5_000, signal: controller.signal }));
    expect(error).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('cancelled') });
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test('a signal that is aborted already sends nothing', async () => {
    const server = await serve(json({}));
    const error = await failureOf(fetchJson({ url: server.url, deadline_ms: 500, signal: AbortSignal.abort() }));
    expect(error.code).toBe('UNAVAILABLE');
    expect(server.received).toHaveLength(0);
  });
});

describe('credentials', () => {
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  test.each([
    ['bearer', '', { bearer: 'tok' }, 'Bearer tok'],
    ['bearer from a function', '', { bearer: async () => 'tok\n' }, 'Bearer tok'],
    ['basic', '', { basic: { username: 'ada', password: () => 'pa:ss' } }, basic('ada:pa:ss')],
    ['userinfo', 'ada:p%40ss@', undefined, basic('ada:p@ss')],
    ['configured over userinfo', 'bob:x@', { bearer: 'tok' }, 'Bearer tok'],
    ['none', '', undefined, undefined],
  ])('%s', async (_name, userinfo, auth, expected) => {
    const server = await serve(json({}));
    await fetchJson({ url: `http://${userinfo}127.0.0.1:${server.port}/`, deadline_ms: 2_000, auth });
    expect(server.received[0]?.headers.authorization).toBe(expected);
  });
});

test.each([
  ['http://h', 'http://h/api/x'],
  ['http://h/', 'http://h/api/x'],
  ['http://h/a/b/?q=1', 'http://h/a/b/api/x'],
])('a path joins %s', (base, expected) => {
  expect(joinUrl(base, '/api/x')).toBe(expected);
});

describe('postJson', () => {
  test('resolves for any status with a short, masked body and its own connection', async () => {
    const server = await serve(status(400, {}, `no\u0007 ${'x'.repeat(50_000)}`));
    const request = { url: `${server.url}/hook`, body: '{"a":1}', deadline_ms: 2_000 };
    const first = await postJson(request);
    await postJson(request);
    expect(first.status).toBe(400);
    expect(first.text).toMatch(/^no x+… \(\d+ more characters\)$/);
    expect(server.received[0]).toMatchObject({ method: 'POST', body: '{"a":1}' });
    expect(new Set(server.received.map(({ socket }) => socket)).size).toBe(2);
  });

  test('the path of a webhook is not told', async () => {
    const url = `${await deadUrl()}/services/T0/B0/hunter2`;
    const error = await failureOf(postJson({ url, body: '{}', deadline_ms: 500 }));
    expect(error.code).toBe('UNAVAILABLE');
    expect(error.message).not.toMatch(/services|hunter2/);
  });
});
