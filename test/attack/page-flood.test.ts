import { connect as connectSocket, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import type { PageClient } from './page-client.ts';
import { type Planned, startTarget, type Target } from './target.ts';
import { tellTests, tries } from './tell-tests.ts';

/** Some program on the machine holds connections, drips bytes or sends without end: the human still gets in, and nothing is approved. */

tellTests('attacks: the page under load');
const bin = new Bin();
let target: Target;
let planned: Planned;
let page: PageClient;
const held: Socket[] = [];
beforeAll(async () => {
  target = await startTarget(bin);
  planned = await target.plan();
  page = target.page(planned);
});
afterEach(async () => {
  for (const socket of held.splice(0)) socket.destroy();
  await target.nothingRan(planned.id);
});
afterAll(() => bin.empty());

const HELD = 200;
const IN_TIME_MS = 3_000;
const hold = (bytes: string): Promise<unknown> =>
  Promise.all(
    Array.from(
      { length: HELD },
      () =>
        new Promise((resolve) => {
          const socket = connectSocket({ host: '127.0.0.1', port: page.port });
          socket.on('error', resolve);
          socket.on('connect', () => socket.write(bytes, resolve));
          held.push(socket);
        }),
    ),
  );

describe(`${HELD} connections`, () => {
  test.each<[string, (port: number) => string]>([
    ['that say nothing', () => ''],
    ['with half a request line', () => 'GET /api/sta'],
    ['with headers that never end', (port) => `GET / HTTP/1.1\r\nHost: localhost:${port}\r\nX-Slow: a`],
    [
      'with a body that never comes',
      (port) =>
        `POST /api/sign-in/secret HTTP/1.1\r\nHost: localhost:${port}\r\nOrigin: http://localhost:${port}\r\nContent-Type: application/json\r\nContent-Length: 30000\r\n\r\n{`,
    ],
    ['with nonsense', () => '\u0016\u0003\u0001\u0002\r\n\r\n'],
  ])('%s do not keep the human out', async (_what, bytes) => {
    tries(HELD);
    await hold(bytes(page.port));
    const began = performance.now();
    const session = await page.signIn(target.sandbox.secret);
    expect((await page.get('/api/state', session)).status).toBe(200);
    expect(performance.now() - began).toBeLessThan(IN_TIME_MS);
    expect(await target.session.ping()).toBeLessThan(IN_TIME_MS);
  });

  test('do not push out a human who is signed in and watches', async () => {
    tries(HELD);
    const session = await page.signIn(target.sandbox.secret);
    const watcher = connectSocket({ host: '127.0.0.1', port: page.port });
    held.push(watcher);
    let closed = false;
    watcher.on('close', () => {
      closed = true;
    });
    const hello = new Promise((resolve) => watcher.once('data', resolve));
    watcher.write(
      `GET /api/watch HTTP/1.1\r\nHost: localhost:${page.port}\r\nAuthorization: Session ${session}\r\n\r\n`,
    );
    await hello;
    await hold('GET / HT');
    await page.get('/api/state', session);
    expect(closed).toBe(false);
  });
});

test('a body of 100 MB is cut off early', async () => {
  const socket = connectSocket({ host: '127.0.0.1', port: page.port });
  held.push(socket);
  let sent = 0;
  const ended = new Promise((resolve) => socket.on('close', resolve));
  socket.on('error', () => undefined);
  const chunk = Buffer.alloc(64 * 1024, 'x');
  socket.write(
    `POST /api/sign-in/secret HTTP/1.1\r\nHost: localhost:${page.port}\r\nOrigin: ${page.origin}\r\nContent-Type: application/json\r\nContent-Length: ${100 * 1024 * 1024}\r\n\r\n`,
  );
  const pump = (): void => {
    while (sent < 100 * 1024 * 1024 && !socket.destroyed) {
      sent += chunk.length;
      if (!socket.write(chunk)) {
        socket.once('drain', pump);
        return;
      }
    }
  };
  pump();
  await ended;
  expect(sent).toBeLessThan(20 * 1024 * 1024);
  expect((await page.get('/')).status).toBe(200);
});

test('headers of 1 MB are refused', async () => {
  const got = await page.send('/', { headers: { 'X-Long': 'x'.repeat(1_000_000) } }).catch(() => ({ status: 431 }));
  expect(got.status).toBe(431);
});

test('sign-ins without end do not push out the one of a human who looks', async () => {
  // Who has the secret may sign in often; who has not never gets so far.
  const session = await page.signIn(target.sandbox.secret);
  tries(200);
  await Promise.all(Array.from({ length: 40 }, () => page.post('/api/sign-in/options', {}).catch(() => undefined)));
  for (let i = 0; i < 4; i++)
    await Promise.all(Array.from({ length: 40 }, () => page.get('/api/state').catch(() => undefined)));
  expect((await page.get('/api/state', session)).status).toBe(200);
});
