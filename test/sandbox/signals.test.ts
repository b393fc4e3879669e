import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Bundle, bundleSandbox, startTestSandbox, type TestSandbox, within } from './harness.ts';

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

const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url, { ...within(), method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });
const secret = async (name: string): Promise<string> =>
  (await readFile(join(sandbox.dir, 'secrets', name), 'utf8')).trim();

describe('alertmanager', () => {
  interface Alert {
    labels: Record<string, string>;
    startsAt: string;
    fingerprint: string;
    status: { state: string; silencedBy: string[] };
  }
  const alerts = async (query = ''): Promise<Alert[]> =>
    (await fetch(`${sandbox.info.urls.alertmanager}/api/v2/alerts${query}`, within())).json() as Promise<Alert[]>;

  it('gives alerts with all that a responder reads', async () => {
    const all = await alerts();
    const firing = all.find((alert) => alert.labels.alertname === 'HighErrorRate');
    expect(firing).toMatchObject({
      labels: {
        severity: 'critical',
        service: 'analysis-engine',
        namespace: 'pulsestream-core-prod',
        environment: 'prod',
      },
      annotations: { summary: expect.any(String), description: expect.any(String) },
      status: { state: 'active', silencedBy: [], inhibitedBy: [] },
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    const age = Date.now() - Date.parse(firing?.startsAt ?? '');
    expect(age).toBeGreaterThan(8 * 60_000);
    expect(age).toBeLessThan(13 * 60_000);
    expect(new Set(all.map((alert) => alert.fingerprint)).size).toBe(all.length);
  });

  it.each([
    ['?active=false', (alert: Alert) => alert.status.state === 'suppressed', 1],
    ['?silenced=false', (alert: Alert) => alert.status.state === 'active', 4],
    [`?filter=${encodeURIComponent('severity="critical"')}`, (a: Alert) => a.labels.severity === 'critical', 2],
    [`?filter=${encodeURIComponent('alertname=~"High.*"')}`, (a: Alert) => /^High/.test(a.labels.alertname ?? ''), 1],
    [`?filter=${encodeURIComponent('service!=analysis-engine')}`, (a: Alert) => a.labels.service === 'web-ui', 1],
  ])('filters by %s', async (query, fits, count) => {
    const found = await alerts(query);
    expect(found).toHaveLength(count);
    expect(found.every(fits)).toBe(true);
  });

  it.each([
    ['[', 'bad matcher format: ['],
    ['severity>critical', 'bad matcher format: severity>critical'],
    ['{severity="critical"}', 'unexpected open or close brace: {severity="critical"}'],
    ['a="b",c="d"', 'matcher value contains unescaped double quote: "b",c="d"'],
    ['a=~"("', expect.stringContaining('error parsing regexp: ')],
  ])('refuses the filter %s in its own words', async (filter, words) => {
    for (const path of ['alerts', 'silences', 'alerts/groups']) {
      const url = `${sandbox.info.urls.alertmanager}/api/v2/${path}?filter=${encodeURIComponent(filter)}`;
      const response = await fetch(url, within());
      expect([response.status, await response.json()]).toEqual([400, words]);
    }
  });

  it.each([
    ['filter="severity"="critical"', 2],
    ['filter="severity"=critical', 2],
    ['filter=service=', 0],
    ['receiver=on-.*', 5],
    ['receiver=on', 0],
    ['silenced=maybe', 4],
    ['silenced=', 5],
    ['active=0&silenced=yes', 1],
  ])('understands ?%s', async (query, count) => {
    const found = await alerts(`?${query.replace(/(?<=^filter=).*/, encodeURIComponent)}`);
    expect(found).toHaveLength(count);
  });

  const read = async <T>(path: string, init: RequestInit = {}): Promise<[number, T]> => {
    const response = await fetch(`${sandbox.info.urls.alertmanager}${path}`, { ...within(), ...init });
    const body = await response.text();
    const json = response.headers.get('content-type')?.startsWith('application/json');
    return [response.status, (json ? JSON.parse(body) : body) as T];
  };

  it('groups alerts by their name, and has the silence of the silenced one', async () => {
    interface Group {
      labels: { alertname: string };
      alerts: Alert[];
    }
    const [, groups] = await read<Group[]>('/api/v2/alerts/groups');
    expect(groups[0]).toMatchObject({ receiver: { name: 'on-call' } });
    expect(groups.flatMap((group) => group.alerts)).toHaveLength((await alerts()).length);
    for (const { labels, alerts: members } of groups) {
      expect(new Set(members.map((alert) => alert.labels.alertname))).toEqual(new Set([labels.alertname]));
    }
    const [id] = (await alerts('?active=false'))[0]?.status.silencedBy ?? [];
    const matchers = expect.arrayContaining([
      { name: 'alertname', value: 'CertificateExpiresSoon', isRegex: false, isEqual: true },
    ]);
    expect(await read('/api/v2/silences')).toEqual([
      200,
      [expect.objectContaining({ id, status: { state: 'active' }, matchers, comment: expect.any(String) })],
    ]);
    expect(await read(`/api/v2/silences?filter=${encodeURIComponent('alertname="Other"')}`)).toEqual([200, []]);
    expect(await read('/api/v2/receivers')).toEqual([200, [{ name: 'on-call' }]]);
  });

  it.each<[string, string, number, unknown]>([
    ['PUT', '/api/v2/alerts', 405, { code: 405, message: 'method PUT is not allowed, but [GET] are' }],
    ['DELETE', '/api/v2/receivers', 405, { code: 405, message: 'method DELETE is not allowed, but [GET] are' }],
    ['PUT', '/-/healthy', 405, 'Method Not Allowed\n'],
    ['GET', '/api/v2/nope', 404, { code: 404, message: 'path /api/v2/nope was not found' }],
    ['GET', '/nope', 404, '404 page not found\n'],
    ['GET', '/api/v2/alerts?receiver=(', 400, expect.stringContaining('failed to parse receiver param: ')],
  ])('%s %s is %i', async (method, path, status, body) => {
    expect(await read(path, { method })).toEqual([status, body]);
  });
});

describe('health', () => {
  it('is 200 where a service serves, and 503 with a reason where not', async () => {
    const { health } = sandbox.info.urls;
    expect(await (await fetch(`${health}/web-ui`)).json()).toMatchObject({ status: 'ok' });
    const broken = await fetch(`${health}/analysis-engine`);
    expect(broken.status).toBe(503);
    expect(await broken.json()).toMatchObject({ status: 'error', error: 'no instance serves', ready: 0, desired: 3 });
    expect((await fetch(`${health}/nobody`)).status).toBe(404);
  });
});

describe('statuspage', () => {
  it('is all green while the provider is well', async () => {
    const url = `${sandbox.info.urls.statuspage}/api/v2/summary.json`;
    expect(await (await fetch(url)).json()).toMatchObject({ status: { indicator: 'none' }, incidents: [] });
  });
});

describe('sinks', () => {
  it('keep what they were sent, in order', async () => {
    const slack = await post(await secret('slack-url'), { text: 'INC-1 declared' });
    expect([slack.status, await slack.text()]).toEqual([200, 'ok']);
    const page = await post(`${sandbox.info.urls.pagerduty}/v2/enqueue`, {
      routing_key: await secret('pagerduty-key'),
      event_action: 'trigger',
      dedup_key: 'INC-1',
      payload: { summary: 's', source: 'incident-mcp', severity: 'critical' },
    });
    expect([page.status, await page.json()]).toEqual([
      202,
      { status: 'success', message: 'Event processed', dedup_key: 'INC-1' },
    ]);
    const hook = await post(await secret('webhook-url'), { a: 1 }, { 'x-signature': 'sha256=abc' });
    expect(hook.status).toBe(200);
    const { notifications } = await sandbox.truth();
    expect(notifications).toMatchObject([
      { sink: 'slack', body: { text: 'INC-1 declared' } },
      { sink: 'pagerduty', body: { event_action: 'trigger', dedup_key: 'INC-1' } },
      { sink: 'webhook', body: { a: 1 }, headers: { 'x-signature': 'sha256=abc' } },
    ]);
  });

  it('refuse what the real ones refuse', async () => {
    const before = (await sandbox.truth()).notifications.length;
    expect((await post(`${sandbox.info.urls.slack}/services/guess`, { text: 'x' })).status).toBe(404);
    expect((await post(await secret('slack-url'), 'not json')).status).toBe(400);
    expect((await post(await secret('slack-url'), {})).status).toBe(400);
    const bad = await post(`${sandbox.info.urls.pagerduty}/v2/enqueue`, { routing_key: 'k', event_action: 'shout' });
    expect(bad.status).toBe(400);
    expect((await post(`${sandbox.info.urls.pagerduty}/v2/enqueue`, { event_action: 'resolve' })).status).toBe(400);
    expect((await sandbox.truth()).notifications).toHaveLength(before);
  });
});

describe('faults', () => {
  const set = (wire: string, mode: string, path?: string) =>
    post(`${sandbox.info.urls.control}/faults`, { wire, mode, ...(path === undefined ? {} : { path }) });
  afterEach(async () => {
    for (const wire of ['kubernetes', 'prometheus', 'health', 'slack']) await set(wire, 'none');
  });
  const pods = (): string => `${sandbox.info.urls.kubernetes}/api/v1/pods`;

  it.each([
    ['401', 401],
    ['403', 403],
    ['404', 404],
    ['429', 429],
    ['500', 500],
  ])('%s answers with that status in the form of the wire', async (mode, status) => {
    await set('kubernetes', mode);
    const response = await fetch(pods(), within());
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ kind: 'Status', code: status });
    await set('prometheus', mode);
    const other = await fetch(`${sandbox.info.urls.prometheus}/api/v1/query?query=up`, within());
    expect(await other.json()).toMatchObject({ status: 'error' });
  });

  it.each([
    [
      'GET',
      '/api/v1/namespaces/a/secrets',
      'secrets is',
      'list resource "secrets" in API group "" in the namespace "a"',
    ],
    [
      'GET',
      '/api/v1/secrets?watch=true',
      'secrets is',
      'watch resource "secrets" in API group "" at the cluster scope',
    ],
    [
      'GET',
      '/api/v1/namespaces/a',
      'namespaces "a" is',
      'get resource "namespaces" in API group "" in the namespace "a"',
    ],
    [
      'PATCH',
      '/apis/apps/v1/namespaces/a/deployments/b/scale',
      'deployments.apps "b" is',
      'patch resource "deployments/scale" in API group "apps" in the namespace "a"',
    ],
    [
      'DELETE',
      '/api/v1/namespaces/a/pods',
      'pods is',
      'deletecollection resource "pods" in API group "" in the namespace "a"',
    ],
    ['GET', '/nowhere', '', 'get path "/nowhere"'],
  ])('403 says to whom, and what may not be done: %s %s', async (method, path, what, cannot) => {
    await set('kubernetes', '403');
    const response = await fetch(`${sandbox.info.urls.kubernetes}${path}`, { ...within(), method });
    const message = `${what} forbidden: User "on-call" cannot ${cannot}`.trim();
    expect(await response.json()).toMatchObject({ kind: 'Status', code: 403, reason: 'Forbidden', message });
  });

  it('refuse cuts the connection, half cuts the body', async () => {
    await set('kubernetes', 'refuse');
    await expect(fetch(pods(), within())).rejects.toThrow('fetch failed');
    await set('kubernetes', 'half');
    const response = await fetch(pods(), within());
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });

  it('silent accepts and never answers', async () => {
    await set('health', 'silent');
    await expect(fetch(`${sandbox.info.urls.health}/web-ui`, within(300))).rejects.toThrow(/timeout/);
  });

  it('garbage is not JSON, and slow is slow', async () => {
    await set('kubernetes', 'garbage');
    await expect((await fetch(pods(), within())).json()).rejects.toThrow(SyntaxError);
    await set('health', 'slow');
    const { port, hostname } = new URL(sandbox.info.urls.health);
    const received = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(Number(port), hostname, () => socket.write('GET /web-ui HTTP/1.1\r\nHost: x\r\n\r\n'));
      socket.on('data', (chunk) => {
        text += chunk;
      });
      setTimeout(() => {
        socket.destroy();
        resolve(text);
      }, 450);
    });
    const body = received.split('\r\n\r\n')[1] ?? '';
    expect(body.length).toBeGreaterThan(0);
    expect(body.length).toBeLessThanOrEqual(5);
  });

  it('can be limited to a path, and leaves the other wires alone', async () => {
    await set('kubernetes', '500', '/secrets');
    expect((await fetch(pods(), within())).status).toBe(200);
    expect((await fetch(`${sandbox.info.urls.kubernetes}/api/v1/secrets`, within())).status).toBe(500);
    expect((await fetch(`${sandbox.info.urls.health}/web-ui`, within())).status).toBe(200);
  });

  it.each([
    [{ wire: 'telegraph', mode: '500' }],
    [{ wire: 'slack', mode: 'melt' }],
    [{ wire: 'slack', mode: '500', path: 3 }],
  ])('refuses %j', async (body) => {
    expect((await post(`${sandbox.info.urls.control}/faults`, body)).status).toBe(400);
  });
});
