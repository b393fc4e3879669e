import { connect as connectSocket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { connect } from '../helpers/session.ts';
import type { Got, PageClient, Sent } from './page-client.ts';
import { pageClient } from './page-client.ts';
import { type Planned, ROLLBACK, startTarget, type Target } from './target.ts';
import { tellTests, tries } from './tell-tests.ts';

/** Other sites, other programs and the assistant call the page; a human is signed in all the while. */

tellTests('attacks: the page as other programs call it');
const bin = new Bin();
let target: Target;
let planned: Planned;
let page: PageClient;
let session = '';
beforeAll(async () => {
  target = await startTarget(bin);
  planned = await target.plan();
  page = target.page(planned);
  session = await page.signIn(target.sandbox.secret);
});
afterAll(() => bin.empty());
afterEach(async () => {
  expect(await target.statusOf(planned.id)).toBe('pending');
  await target.nothingRan(planned.id);
});

const decision = (): string => `/api/approvals/${planned.id}/decision`;
/** What would approve if it came from the page itself. */
const yes = (more: object = {}): Record<string, unknown> => ({
  digest: planned.digest,
  decision: 'approve',
  approver: 'Mallory',
  secret: target.sandbox.secret,
  ...more,
});
const asPage = (): Record<string, string> => ({
  Origin: page.origin,
  'Content-Type': 'application/json',
  Authorization: `Session ${session}`,
});
const refused = (got: Got, ...statuses: number[]): void => {
  expect(statuses).toContain(got.status);
  expect(got.text).not.toContain('pulsestream-core');
};

describe('a right secret in a request that does not come from the page', () => {
  test.each<[string, () => Record<string, string | undefined>]>([
    [
      'Host of a name that points at loopback (DNS rebinding)',
      () => ({ Host: `evil.example:${page.port}`, Origin: `http://evil.example:${page.port}` }),
    ],
    ['Host without the port', () => ({ Host: 'localhost' })],
    ['Host of another port', () => ({ Host: `localhost:${page.port + 1}` })],
    ['Host with a name before ours', () => ({ Host: `localhost:${page.port}.evil.example` })],
    ['Host that hides ours behind a user name', () => ({ Host: `localhost:${page.port}@evil.example` })],
    ['Host 0.0.0.0', () => ({ Host: `0.0.0.0:${page.port}` })],
    ['Origin of another site', () => ({ Origin: 'https://evil.example' })],
    ['Origin of another port of localhost', () => ({ Origin: `http://localhost:${page.port + 1}` })],
    ['Origin of the same port over TLS', () => ({ Origin: `https://localhost:${page.port}` })],
    ['Origin null, of a sandboxed frame or a file', () => ({ Origin: 'null' })],
    ['no Origin', () => ({ Origin: undefined })],
    ['Origin by number where the Host is by name', () => ({ Origin: `http://127.0.0.1:${page.port}` })],
    ['Sec-Fetch-Site cross-site', () => ({ 'Sec-Fetch-Site': 'cross-site' })],
    ['Sec-Fetch-Site same-site, another port', () => ({ 'Sec-Fetch-Site': 'same-site' })],
    [
      'Sec-Fetch-Site cross-site that claims to be a navigation',
      () => ({ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' }),
    ],
    ['a form of text/plain', () => ({ 'Content-Type': 'text/plain' })],
    ['a form of urlencoded', () => ({ 'Content-Type': 'application/x-www-form-urlencoded' })],
    ['a form of multipart', () => ({ 'Content-Type': 'multipart/form-data; boundary=x' })],
    ['a type that only looks like JSON', () => ({ 'Content-Type': 'application/jsonp' })],
    ['no type', () => ({ 'Content-Type': undefined })],
  ])('%s', async (_what, headers) => {
    const all = Object.entries({ ...asPage(), ...headers() }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    refused(await page.send(decision(), { method: 'POST', headers: Object.fromEntries(all), body: yes() }), 403);
  });

  test('two Hosts, ours first and ours last', async () => {
    tries(2);
    for (const hosts of [
      [`localhost:${page.port}`, 'evil.example'],
      ['evil.example', `localhost:${page.port}`],
    ]) {
      const said = await spoken(
        page.port,
        `GET /api/state HTTP/1.1\r\n${hosts.map((host) => `Host: ${host}\r\n`).join('')}Connection: close\r\n\r\n`,
      );
      expect(said).toMatch(/^HTTP\/1\.1 4\d\d /);
      expect(said).not.toContain('pulsestream-core');
    }
  });

  test('HTTP/1.0 without a Host', async () => {
    const said = await spoken(page.port, 'GET /api/state HTTP/1.0\r\n\r\n');
    expect(said).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('a preflight of another site is not allowed anything', async () => {
    const got = await page.send(decision(), {
      method: 'OPTIONS',
      headers: {
        Origin: 'https://evil.example',
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization,content-type',
      },
    });
    refused(got, 403);
    expect(Object.keys(got.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('no answer may be framed, sniffed, cached or read by another site', async () => {
    const answers = [
      await page.get('/'),
      await page.get(`/approvals/${planned.id}`),
      await page.get('/app.js'),
      await page.get('/api/state', session),
      await page.get('/nothing'),
      await page.send('/', { headers: { Host: 'evil.example' } }),
    ];
    tries(answers.length);
    for (const { headers } of answers) {
      const policy = String(headers['content-security-policy']);
      for (const part of [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "form-action 'none'",
        "base-uri 'none'",
        "script-src 'self'",
      ])
        expect(policy).toContain(part);
      expect(policy).not.toMatch(/unsafe-|\*|data:|https?:/);
      expect(headers).toMatchObject({
        'x-frame-options': 'DENY',
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
      });
      expect(headers['set-cookie']).toBeUndefined();
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
  });
});

describe('a request that is bent out of shape', () => {
  test.each<[string, () => [string, Sent]]>([
    ['GET with the decision in its body', () => [decision(), { headers: asPage(), body: yes() }]],
    [
      'GET with the decision in its query',
      () => [
        `${decision()}?decision=approve&secret=${target.sandbox.secret}&digest=${planned.digest}`,
        { headers: asPage() },
      ],
    ],
    ['HEAD', () => [decision(), { method: 'HEAD', headers: asPage() }]],
    ['PUT', () => [decision(), { method: 'PUT', headers: asPage(), body: yes() }]],
    ['PATCH', () => [decision(), { method: 'PATCH', headers: asPage(), body: yes() }]],
    ['DELETE', () => [decision(), { method: 'DELETE', headers: asPage(), body: yes() }]],
    ['TRACE', () => [decision(), { method: 'TRACE', headers: asPage() }]],
    [
      'GET that asks to be a POST',
      () => [decision(), { headers: { ...asPage(), 'X-HTTP-Method-Override': 'POST' }, body: yes() }],
    ],
    [
      'POST without a session, with the secret',
      () => [
        decision(),
        { method: 'POST', headers: { Origin: page.origin, 'Content-Type': 'application/json' }, body: yes() },
      ],
    ],
    [
      'a cookie in place of the session',
      () => [
        decision(),
        {
          method: 'POST',
          headers: { Origin: page.origin, 'Content-Type': 'application/json', Cookie: `session=${session}` },
          body: yes(),
        },
      ],
    ],
    [
      'another address of the same call',
      () => [`/api/approvals/${planned.id.toLowerCase()}/decision`, { method: 'POST', headers: asPage(), body: yes() }],
    ],
    [
      'an encoded slash in the address',
      () => [`/api/approvals/${planned.id}%2Fdecision`, { method: 'POST', headers: asPage(), body: yes() }],
    ],
    [
      'two slashes',
      () => [`//api/approvals/${planned.id}/decision`, { method: 'POST', headers: asPage(), body: yes() }],
    ],
    ['an address that is none', () => ['//', { headers: asPage() }]],
    ['a whole address of another host', () => ['http://evil.example/api/nothing', { headers: asPage() }]],
    [
      'the address of another host, as a proxy is asked',
      () => ['evil.example:443', { method: 'POST', headers: asPage(), body: yes() }],
    ],
  ])('%s', async (_what, make) => {
    const [path, sent] = make();
    refused(await page.send(path, sent), 400, 403, 404, 405);
  });

  test.each<[string, (good: Record<string, unknown>) => unknown]>([
    ['no digest', ({ digest: _left, ...rest }) => rest],
    ['the digest of another plan', (good) => ({ ...good, digest: '0'.repeat(64) })],
    ['the digest in capitals', (good) => ({ ...good, digest: String(good.digest).toUpperCase() })],
    ['a digest as a list', (good) => ({ ...good, digest: [good.digest] })],
    ['another decision word', (good) => ({ ...good, decision: 'APPROVE' })],
    ['approve: true instead of a decision', ({ decision: _left, ...rest }) => ({ ...rest, approve: true })],
    ['no secret, only the session', ({ secret: _left, ...rest }) => rest],
    ['an empty secret', (good) => ({ ...good, secret: '' })],
    ['the secret as a list', (good) => ({ ...good, secret: [good.secret] })],
    ['the secret null', (good) => ({ ...good, secret: null })],
    ['no name', ({ approver: _left, ...rest }) => rest],
    ['an invisible name', (good) => ({ ...good, approver: '\u200b\u2060\u202e\u00ad' })],
    ['a name of line breaks', (good) => ({ ...good, approver: '\r\n\t' })],
    ['a name that is too long', (good) => ({ ...good, approver: 'A'.repeat(101) })],
    ['a name as an object', (good) => ({ ...good, approver: { name: 'Ada' } })],
    ['a way that the sender chooses', (good) => ({ ...good, way: 'passkey' })],
    ['a proof that the sender brings', (good) => ({ ...good, proof: { kind: 'passkey' } })],
    ['a status that the sender brings', (good) => ({ ...good, status: 'approved' })],
    [
      '__proto__',
      (good) => JSON.parse(`{"__proto__":{"decision":"approve"},${JSON.stringify({ digest: good.digest }).slice(1)}`),
    ],
    ['a list', (good) => [good]],
    ['text', () => '"approve"'],
    ['null', () => 'null'],
    ['cut-off JSON', (good) => JSON.stringify(good).slice(0, -1)],
    ['JSON twice', (good) => JSON.stringify(good) + JSON.stringify(good)],
    ['a note of 1 MB', (good) => ({ ...good, note: 'x'.repeat(1_000_000) })],
    ['a name of 1 MB', (good) => ({ ...good, approver: 'x'.repeat(1_000_000) })],
    ['nesting without end', () => `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`],
  ])('a decision with %s', async (_what, bend) => {
    const body = bend(yes()) as object | string;
    const got = await page
      .send(decision(), { method: 'POST', headers: asPage(), body })
      // A body that is far too long may be cut off by closing the connection.
      .catch(() => ({ status: 400, text: '' }) as Got);
    refused(got, 400, 403, 409);
  });

  test('a body that says to be 32 KB and more is refused with words, not with a broken connection', async () => {
    const got = await page.send(decision(), {
      method: 'POST',
      headers: asPage(),
      body: yes({ note: 'x'.repeat(40_000) }),
    });
    expect(got.status).toBe(400);
    expect(got.json.message).toContain('too long');
  });

  test('headers smuggled in after the body', async () => {
    const body = JSON.stringify(yes());
    const smuggled = `POST ${decision()} HTTP/1.1\r\nHost: localhost:${page.port}\r\nOrigin: ${page.origin}\r\nContent-Type: application/json\r\nAuthorization: Session ${session}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    tries(3);
    for (const frame of [
      `Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `Transfer-Encoding: chunked\r\nContent-Length: ${smuggled.length}\r\n\r\n0\r\n\r\n`,
      `Content-Length: 5\r\nContent-Length: 500\r\n\r\n`,
    ]) {
      // To the page this comes from another site; what is hidden in it must not count as the page's own.
      const said = await spoken(
        page.port,
        `POST /api/sign-out HTTP/1.1\r\nHost: localhost:${page.port}\r\nOrigin: https://evil.example\r\nContent-Type: application/json\r\n${frame}${smuggled}`,
      );
      expect(said).not.toContain('"status":"approved"');
      expect(said).toMatch(/^HTTP\/1\.1 4\d\d /);
    }
  });

  test.each([
    '/../../../../etc/passwd',
    '/..%2f..%2fetc%2fpasswd',
    '/%2e%2e/%2e%2e/cli.js',
    '/page/../cli.js',
    '/app.js/../../cli.js',
    '/index.html',
    '/..\\..\\cli.js',
    '/approvals/../../cli.js',
    '/app.js%00.css',
    '/constructor',
    '/__proto__',
    '/toString',
    '/.git/config',
    '/approver.hash',
  ])('the file %s is not served', async (path) => {
    const said = await spoken(
      page.port,
      `GET ${path} HTTP/1.1\r\nHost: localhost:${page.port}\r\nConnection: close\r\n\r\n`,
    );
    expect(said).toMatch(/^HTTP\/1\.1 (404|400) /);
    expect(said).not.toMatch(/root:|scrypt\$|#!\/usr\/bin/);
  });

  test('a redirect from the address by number leads to the page itself and nowhere else', async () => {
    const paths = [
      '/',
      '//evil.example/',
      '/%0d%0aLocation:%20https://evil.example',
      '/\\evil.example',
      '/.//evil.example',
    ];
    tries(paths.length);
    for (const path of paths) {
      const said = await spoken(
        page.port,
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${page.port}\r\nConnection: close\r\n\r\n`,
      );
      const [head = ''] = said.split('\r\n\r\n');
      expect(head.match(/^location: .*$/gim) ?? []).toHaveLength(1);
      const location = /^location: (.*)$/im.exec(head)?.[1] ?? '';
      expect(new URL(location).origin).toBe(page.origin);
    }
  });
});

describe('a sign-in', () => {
  test.each<[string, () => string | undefined]>([
    ['none', () => undefined],
    ['empty', () => ''],
    ['the word alone', () => 'Session'],
    ['another scheme', () => `Bearer ${session}`],
    ['basic with the secret', () => `Basic ${Buffer.from(`ada:${target.sandbox.secret}`).toString('base64')}`],
    ['a guess of the right length', () => `Session ${'A'.repeat(43)}`],
    ['the right one, one letter changed', () => `Session ${session.slice(0, -1)}${session.endsWith('A') ? 'B' : 'A'}`],
    ['the right one, cut', () => `Session ${session.slice(0, -1)}`],
    ['the right one and more', () => `Session ${session}x`],
    ['the right one twice', () => `Session ${session}, Session ${session}`],
    ['a property of every object', () => 'Session __proto__'],
  ])('by %s shows nothing and decides nothing', async (_what, authorization) => {
    const value = authorization();
    const headers = value === undefined ? {} : { Authorization: value };
    refused(await page.send('/api/state', { headers }), 403);
    refused(await page.send('/api/watch', { headers }), 403);
    refused(await page.post(decision(), yes(), undefined, headers), 403);
    refused(
      await page.post(
        `/api/approvals/${planned.id}/options`,
        { digest: planned.digest, decision: 'approve' },
        undefined,
        headers,
      ),
      403,
    );
  });

  test('that was ended is over, in its open windows too', async () => {
    const own = await page.signIn(target.sandbox.secret);
    const watched = page.send('/api/watch', { headers: { Authorization: `Session ${own}` } });
    expect((await page.post('/api/sign-out', {}, own)).status).toBe(200);
    refused(await page.get('/api/state', own), 403);
    refused(await page.post(decision(), yes(), own), 403);
    // The next change of the record ends the stream that was open.
    await target.session.ok('declare_incident', { title: 'anything', severity: 'SEV4' });
    expect((await watched).text).not.toContain('changed');
  });

  test('at another server on the same record is none here', async () => {
    const other = await connect(bin, target.home, 'plain');
    const seen = await other.ok('rollback_release', { ...ROLLBACK, approval_id: planned.id });
    const origin = /http:\/\/localhost:\d+/.exec((seen.how_to_approve as string[]).join(' '))?.[0] ?? '';
    expect(origin).not.toBe(page.origin);
    const elsewhere = await pageClient(origin).signIn(target.sandbox.secret);
    refused(await page.get('/api/state', elsewhere), 403);
    refused(await page.post(decision(), yes(), elsewhere), 403);
  });

  test('does not approve by itself, nor does rejecting work without one', async () => {
    tries(2);
    const { secret: _left, ...bare } = yes();
    refused(await page.post(decision(), bare, session), 403);
    refused(await page.post(decision(), { ...bare, decision: 'reject' }), 403);
  });
});

test('control: what these attacks bend approves where it is not bent', async () => {
  const other = await target.plan('restart_service', { service: 'web-ui', reason: 'stuck' });
  const got = await page.send(`/api/approvals/${other.id}/decision`, {
    method: 'POST',
    headers: asPage(),
    body: yes({ digest: other.digest }),
  });
  expect(got.json).toMatchObject({ status: 'approved' });
});

test('the page does not exist on a read-only server', async () => {
  const reader = await connect(bin, target.home, 'plain', '--read-only');
  const shown = await reader.call('get_approval', { approval_id: planned.id });
  expect(shown.text + JSON.stringify(shown.data)).not.toMatch(/http:\/\/localhost/);
});

test('nothing of the page listens on another address than loopback', async () => {
  const { networkInterfaces } = await import('node:os');
  const others = Object.values(networkInterfaces())
    .flat()
    .filter((one) => one !== undefined && !one.internal)
    .map((one) => one?.address ?? '');
  tries(Math.max(1, others.length));
  for (const host of others) {
    const reached = await new Promise((resolve) => {
      const socket = connectSocket({ host, port: page.port, timeout: 1_000 });
      socket.on('connect', () => resolve(true));
      for (const end of ['error', 'timeout'] as const) socket.on(end, () => resolve(false));
      socket.unref();
    });
    expect(reached).toBe(false);
  }
});

/** Writes bytes as they are and gives all that comes back within 2 s. */
function spoken(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectSocket({ host: '127.0.0.1', port });
    let said = '';
    const timer = setTimeout(() => socket.destroy(), 2_000);
    socket.on('data', (chunk) => {
      said += chunk.toString('utf8');
      // One answer is enough where the connection is kept.
      if (said.includes('\r\n\r\n')) setTimeout(() => socket.destroy(), 150);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(said);
    });
    socket.write(bytes);
  });
}
