import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import type { Session } from '../helpers/session.ts';
import { labAtHand } from './helpers/at-hand.ts';
import {
  firing,
  type Gate,
  healthOf,
  inFront,
  keeping,
  place,
  post,
  refuse,
  source,
  watching,
  watchingAll,
} from './helpers/signals.ts';
import { certificate } from './lab/control-plane.ts';
import {
  known,
  line,
  type ScrapeJob,
  type Signal,
  startAlertmanager,
  startExporter,
  startPrometheus,
  USER,
} from './lab/signals.ts';

/** How the product gets at Prometheus, Alertmanager and Grafana: addresses, credentials, certificates, and what stands in between. */

const bin = new Bin();
afterAll(() => bin.empty());

const { programs, cluster } = labAtHand();
const TOKEN = 'glsa_thisIsTheTokenOfTheServiceAccount1';

let jobs: ScrapeJob[];
let prometheus: Signal;
let manager: Signal;

const requests = (second: number): string =>
  line('pulsestream_http_requests_total', { environment: 'prod', service: 'web', code: '200' }, 90 * second) +
  line('pulsestream_http_requests_total', { environment: 'prod', service: 'web', code: '500' }, 10 * second);

const ALERT = {
  labels: { alertname: 'HighErrorRate', severity: 'critical', service: 'web' },
  annotations: { summary: 'too many errors' },
};
const BAD_WEB = { status: 'degraded', reason: expect.stringMatching(/error rate 10 %.*alert HighErrorRate/) };

beforeAll(async () => {
  const exporter = await startExporter((undo) => bin.add(undo), requests);
  jobs = [{ job: 'platform', target: exporter.target }];
  prometheus = await startPrometheus(programs, await place(bin, 'prometheus'), keeping(bin), {
    jobs,
    prefix: '/team/prometheus',
  });
  manager = await startAlertmanager(programs, await place(bin, 'alertmanager'), keeping(bin), {
    prefix: '/team/alerts',
  });
  await post(manager, 'alerts', [ALERT]);
  await firing(manager, 'HighErrorRate');
  await known(prometheus, 'rate(pulsestream_http_requests_total[5m])', 2);
});

describe('addresses', () => {
  test('behind path prefixes, also as copied from the API', async () => {
    const session = await watching(bin, {
      prometheus: { url: `${prometheus.url}/` },
      alertmanager: { url: `${manager.url}/api/v2/alerts` },
    });
    const { data } = await healthOf(session);
    expect(data.components).toMatchObject([{ name: 'web', ...BAD_WEB }]);
  });

  test('without the prefix: 404, and what the address should be', async () => {
    const session = await watching(bin, {
      prometheus: { url: new URL(prometheus.url).origin },
      alertmanager: { url: new URL(manager.url).origin },
    });
    const { data, text } = await healthOf(session);
    expect(source(data, 'prometheus').error).toMatch(
      /^NOT_FOUND: .*\/api\/v1\/query does not exist \(404\)\. Next: .*path/,
    );
    expect(source(data, 'alertmanager').error).toMatch(
      /404.* Next: .*prefix; for Grafana it ends in \/api\/alertmanager\/grafana/,
    );
    expect(text).toContain('source prometheus: error');
    expect(data.status).toBe('unknown');
  });
});

describe('what stands in between', () => {
  const html = '<!doctype html><title>Sign in</title><p>user=root&password=hunter2secret';
  const through = async (gate: Gate) => ({
    signals: {
      prometheus: { url: await inFront(bin, prometheus, gate) },
      alertmanager: { url: await inFront(bin, manager, gate) },
    },
  });
  const GATES: Record<string, [gate: Gate, words: RegExp]> = {
    // A redirect to a sign-in page.
    redirect: [
      (_request, response) => refuse(response, 302, { location: 'https://login.example/?session=hunter2secret' }),
      /redirects to login\.example \(302\); redirects are not followed\. Next: .*sign-in page/,
    ],
    // A sign-in page in place of the API.
    html: [
      (_request, response) => refuse(response, 200, { 'content-type': 'text/html' }, html),
      /did not answer with JSON\. Next: check that the address is that of the API/,
    ],
    unauthorized: [
      (_request, response) => refuse(response, 401, { 'www-authenticate': 'Bearer' }, html),
      /^FORBIDDEN: .*did not accept the credentials \(401\)\. Next: check the configured token or password/,
    ],
    forbidden: [
      (_request, response) => refuse(response, 403, {}, '{"message":"hunter2secret"}'),
      /^FORBIDDEN: .*does not allow this request \(403\)\. Next: give the configured account the right/,
    ],
    // A gateway whose program is gone.
    gone: [
      (_request, response) => refuse(response, 502, { 'content-type': 'text/html' }, html),
      /answered 502\. Next: /,
    ],
  };
  let session: Session;
  beforeAll(async () => {
    const environments = Object.entries(GATES).map(async ([name, [gate]]) => [name, await through(gate)]);
    const getOnly = await through((request, response) =>
      request.method === 'GET' ? { path: request.url ?? '' } : refuse(response, 405, { allow: 'GET' }, 'no'),
    );
    session = await watchingAll(bin, { ...Object.fromEntries(await Promise.all(environments)), prod: getOnly });
  });

  test.each(Object.entries(GATES))('%s: says so, and what to do', async (environment, [, words]) => {
    const { data, text } = await healthOf(session, { environment });
    for (const name of ['prometheus', 'alertmanager']) {
      expect(source(data, name).status).toBe('error');
      expect(source(data, name).error).toMatch(words);
    }
    expect(data.status).toBe('unknown');
    expect(text + JSON.stringify(data)).not.toContain('hunter2secret');
  });

  test('a proxy that lets only GET pass', async () => {
    const { data } = await healthOf(session, { environment: 'prod' });
    expect(data.components).toMatchObject([{ name: 'web', ...BAD_WEB }]);
  });

  test('a bearer token from a file that is rotated, and from the environment', async () => {
    let valid = TOKEN;
    const gate: Gate = (request, response) =>
      request.headers.authorization === `Bearer ${valid}` ? { path: request.url ?? '' } : refuse(response, 401, {});
    const file = join(await bin.folder(), 'token');
    writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 });
    const session = await watching(
      bin,
      {
        prometheus: { url: await inFront(bin, prometheus, gate), auth: { token_file: file } },
        alertmanager: { url: await inFront(bin, manager, gate), auth: { token_env: 'SIGNALS_TOKEN' } },
      },
      { env: { SIGNALS_TOKEN: TOKEN } },
    );
    expect((await healthOf(session)).data.components).toMatchObject([{ name: 'web', ...BAD_WEB }]);
    valid = `${TOKEN}2`;
    writeFileSync(file, `${valid}\n`, { mode: 0o600 });
    const { data, text } = await healthOf(session);
    expect(source(data, 'prometheus').status).toBe('ok');
    expect(source(data, 'alertmanager').error).toMatch(/401/);
    expect(text + JSON.stringify(data)).not.toContain(TOKEN);
  });

  test('a token that is configured and not there is said, and nothing is asked without it', async () => {
    let asked = 0;
    const session = await watching(bin, {
      alertmanager: {
        url: await inFront(bin, manager, (request) => {
          asked += 1;
          return { path: request.url ?? '' };
        }),
        auth: { token_env: 'NOT_SET_ANYWHERE' },
      },
    });
    const { data, text } = await healthOf(session);
    expect(source(data, 'alertmanager').error).toContain('NOT_SET_ANYWHERE');
    expect(text).toMatch(/source alertmanager: .*NOT_SET_ANYWHERE/);
    expect(asked).toBe(0);
  });
});

describe('Grafana', () => {
  /** The two paths under which Grafana speaks the Alertmanager v2 form; everything else is 404 in its words. */
  const grafana: Gate = (request, response) => {
    if (request.headers.authorization !== `Bearer ${TOKEN}`)
      return refuse(response, 401, { 'content-type': 'application/json' }, '{"message":"Unauthorized"}');
    const path = /^\/grafana\/api\/alertmanager\/(?:grafana|P1EAB01)(\/api\/v2\/alerts.*)$/.exec(
      request.url ?? '',
    )?.[1];
    if (path) return { path };
    return refuse(response, 404, { 'content-type': 'application/json' }, '{"message":"Unable to find datasource"}');
  };
  const PATHS = {
    own: '/grafana/api/alertmanager/grafana',
    source: '/grafana/api/alertmanager/P1EAB01',
    copied: '/grafana/api/alertmanager/P1EAB01/api/v2/',
    unknown: '/grafana/api/alertmanager/nope',
    root: '/grafana',
  };
  let session: Session;
  beforeAll(async () => {
    const url = await inFront(bin, manager, grafana);
    const reading = (path: string, token_env: string) => ({
      signals: { alertmanager: { url: `${url}${path}`, auth: { token_env } } },
    });
    session = await watchingAll(
      bin,
      {
        ...Object.fromEntries(Object.entries(PATHS).map(([name, path]) => [name, reading(path, 'GRAFANA')])),
        'own-old': reading(PATHS.own, 'OLD'),
        'source-old': reading(PATHS.source, 'OLD'),
      },
      { env: { GRAFANA: TOKEN, OLD: 'glsa_anOldToken' }, services: ['web'] },
    );
  });

  test.each(['own', 'source', 'copied'])('alerts by its path: %s', async (environment) => {
    const { data } = await healthOf(session, { environment });
    expect(data.alerts).toMatchObject([{ name: 'HighErrorRate', component: 'web', summary: 'too many errors' }]);
  });

  test.each([
    ['unknown', /404.* Next: check the uid of the data source/],
    ['root', /404.* Next: .*for Grafana it ends in \/api\/alertmanager\/grafana or/],
    ['own-old', /401.* Next: .*alert\.instances:read/],
    ['source-old', /401.* Next: .*alert\.instances\.external:read/],
  ])('%s: says what to do', async (environment, words) => {
    expect(source((await healthOf(session, { environment })).data, 'alertmanager').error).toMatch(words);
  });

  test('a rule without data, or whose query failed, says nothing about the component', async () => {
    const ended = { endsAt: new Date(Date.now() - 1_000).toISOString() };
    // As Grafana sends them: its own labels, values as annotations, the rule's name in `rulename`.
    const own = { grafana_folder: 'Platform', __alert_rule_uid__: 'e4f1c2', severity: 'critical', service: 'search' };
    const blind = ['DatasourceNoData', 'DatasourceError'].map((alertname) => ({
      labels: { ...own, alertname, rulename: 'Search latency', datasource_uid: 'P1EAB00', ref_id: 'A' },
      annotations: { summary: 'latency of search', __orgId__: '1', __values__: '{"A":-1}', Error: 'dial tcp: timeout' },
    }));
    await post(manager, 'alerts', blind);
    await post(manager, 'alerts', [{ ...ALERT, ...ended }]);
    await firing(manager, 'DatasourceNoData', 'DatasourceError');
    const session = await watching(bin, {
      alertmanager: { url: manager.url },
      prometheus: {
        url: prometheus.url,
        queries: { error_rate: 'label_replace(vector(0), "service", "search", "", "")' },
      },
    });
    const { data, text } = await healthOf(session);
    expect(data.alerts.map((one) => one.name).sort()).toEqual([
      'DatasourceError (Search latency)',
      'DatasourceNoData (Search latency)',
    ]);
    expect(data.components).toMatchObject([{ name: 'search', status: 'healthy' }]);
    expect(text).toContain('DatasourceNoData (Search latency) on search');
    await post(manager, 'alerts', [...blind.map((one) => ({ ...one, ...ended })), ALERT]);
    await firing(manager, 'HighErrorRate');
  });
});

describe.skipIf(cluster === 'given')('TLS and passwords of the programs themselves', () => {
  let session: Session;

  beforeAll(async () => {
    const pki = await bin.folder();
    const pair = async (name: string, options?: { valid: string }) => {
      const { cert, key } = await certificate(programs, pki, name, options);
      return { cert_file: cert, key_file: key };
    };
    const users = { basic_auth_users: { [USER.name]: USER.hash } };
    const serving = await pair('serving');
    const ca_file = join(pki, 'ca.crt');
    const start = async (name: string, web: object): Promise<Signal> =>
      startAlertmanager(programs, await place(bin, name), keeping(bin), { web });
    const [guardedPrometheus, guarded, expired, mutual] = await Promise.all([
      startPrometheus(programs, await place(bin, 'p'), keeping(bin), { web: { ...users, tls_server_config: serving } }),
      start('a', { ...users, tls_server_config: serving }),
      start('expired', { tls_server_config: await pair('expired', { valid: '-1h' }) }),
      start('mutual', {
        tls_server_config: { ...serving, client_auth_type: 'RequireAndVerifyClientCert', client_ca_file: ca_file },
      }),
    ]);
    const both = (auth: object, change = (url: string): string => url) => ({
      signals: {
        prometheus: { url: change(guardedPrometheus.url), auth },
        alertmanager: { url: change(guarded.url), auth },
      },
    });
    const alone = ({ url }: Signal) => ({ signals: { alertmanager: { url, auth: { ca_file } } } });
    const login = { username: USER.name, password_env: 'SIGNALS_PASSWORD' };
    session = await watchingAll(
      bin,
      {
        good: both({ ...login, ca_file }),
        'wrong-password': both({ ...login, password_env: 'WRONG_PASSWORD', ca_file }),
        'no-authority': both(login),
        'authority-missing': both({ ...login, ca_file: join(pki, 'missing.crt') }),
        'http-for-https': both(login, (url) => url.replace('https:', 'http:')),
        'https-for-http': { signals: { prometheus: { url: prometheus.url.replace('http:', 'https:') } } },
        expired: alone(expired),
        'client-certificate': alone(mutual),
      },
      { env: { SIGNALS_PASSWORD: USER.password, WRONG_PASSWORD: 'hunter2secret' } },
    );
  });

  const asked = async (environment: string) => {
    const { data, text } = await healthOf(session, { environment });
    expect(text + JSON.stringify(data)).not.toMatch(/open sesame|hunter2secret|b3BlbiBzZXNhbWU/);
    return ['prometheus', 'alertmanager'].map((name) => source(data, name));
  };

  test('with the authority and the password', async () => {
    expect(await asked('good')).toMatchObject([{ status: 'ok' }, { status: 'ok' }]);
  });

  test.each([
    ['wrong-password', /^FORBIDDEN: .*\(401\)\. Next: check the configured token or password/],
    ['no-authority', /certificate that is not trusted.* Next: name its certificate authority under auth\.ca_file/],
    ['authority-missing', /CA file .*missing\.crt cannot be read \(ENOENT\)\. Next: check auth\.ca_file/],
    ['http-for-https', /speaks HTTPS and was asked with HTTP\. Next: write https:\/\//],
    ['https-for-http', /does not speak TLS as expected.* Next: check whether the address begins with http:\/\/ or/],
    ['expired', /CERT_HAS_EXPIRED.* Next: its certificate has to be renewed/],
    ['client-certificate', /asks for a client certificate.* Next: client certificates cannot be configured/],
  ])('%s: says so, and what to do', async (environment, words) => {
    const told = (await asked(environment)).filter(({ error }) => error !== undefined);
    expect(told.length).toBeGreaterThan(0);
    for (const { error } of told) expect(error).toMatch(words);
  });
});
