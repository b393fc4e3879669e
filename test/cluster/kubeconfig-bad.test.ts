import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { TESTED } from '../helpers/dist.ts';
import { run } from '../helpers/process.ts';
import { connect } from '../helpers/session.ts';
import { labAtHand } from './helpers/at-hand.ts';
import {
  contextsYaml,
  homeWith,
  listen,
  makePlace,
  type Place,
  secretWord,
  startProxy,
  startSilence,
  writeContexts,
  type Yaml,
} from './helpers/kubeconfigs.ts';
import { certificate } from './lab/control-plane.ts';
import { freePort } from './lab/daemon.ts';

/** Every bad form: the tool and `doctor` say what is wrong and what to do, at once, and tell no secret. */
const bin = new Bin();
afterAll(() => bin.empty());
const lab = labAtHand();
let place: Place;
beforeAll(async () => {
  place = await makePlace(bin, 'bad');
});

const WORD = secretWord();
/** One bad kubeconfig: how it comes about, the code, and what is said (a message, then `Next:`). */
type Case = [name: string, make: () => Promise<{ kubeconfig?: string; context?: string }>, said: RegExp];

const file = async (content: string): Promise<{ kubeconfig: string }> => {
  const kubeconfig = join(await bin.folder(), 'config');
  await writeFile(kubeconfig, content);
  return { kubeconfig };
};
const contexts = async (
  cluster: Yaml,
  user: Yaml,
  more: Yaml = {},
): Promise<{ kubeconfig: string; context: string }> => ({
  kubeconfig: await writeContexts(bin, { prod: { cluster, user } }, more),
  context: 'prod',
});
const whole = { cluster: 'prod', user: 'prod' };
const withContext = (context: Yaml) =>
  contexts(place.cluster, { token: WORD }, { contexts: [{ name: 'prod', context }] });

/** What the tools and `doctor` say of many environments: one server and one `doctor` for all of them. */
async function askAll(cases: readonly Case[], more: Yaml = {}, env: Record<string, string> = {}) {
  const made = await Promise.all(cases.map(([, make]) => make()));
  const shared = { protected: false, releases: [place.release], namespaces: [] };
  const environments = Object.fromEntries(made.map((options, i) => [`env-${i}`, { ...shared, ...options }]));
  const home = await homeWith(bin, place, { env, more: { environments, default_environment: 'env-0', ...more } });
  const session = await connect(bin, home, 'plain');
  const { stdout } = await home.command(['doctor', '--json']);
  const { checks } = JSON.parse(stdout) as {
    checks: { section: string; status: string; found: string; next: string }[];
  };
  return {
    home,
    session,
    async expect(name: string, said: RegExp, within = 2_000): Promise<void> {
      const environment = `env-${cases.findIndex(([which]) => which === name)}`;
      const began = performance.now();
      const answer = await session.call('restart_service', { service: 'web', environment, reason: 'a stuck process' });
      expect(performance.now() - began).toBeLessThan(within);
      expect(answer).toMatchObject({ isError: true, text: expect.stringMatching(said) });
      // Health is answered all the same, and names the source with the same words; so does doctor.
      const health = await session.call('get_system_health', { environment });
      expect(health).toMatchObject({ isError: false, data: { status: 'unknown' } });
      const [, message = ''] = /^[A-Z_]+: (.*?) Next: /s.exec(answer.text) ?? [];
      const { sources } = health.data as { sources: { name: string; error?: string }[] };
      expect(sources.find((source) => source.name === 'kubernetes')?.error).toContain(message.slice(0, 60));
      const failed = checks.filter(({ section, status }) => section === environment && status === 'fail');
      expect(failed.map(({ found }) => found).join('\n')).toContain(message.slice(0, 60));
      expect(failed.every(({ next }) => next)).toBe(true);
      expect(`${answer.text}${health.text}${JSON.stringify(health.data)}${stdout}`).not.toContain(WORD);
    },
  };
}
type Asked = Awaited<ReturnType<typeof askAll>>;

describe('a kubeconfig that cannot be used', () => {
  const cases: Case[] = [
    [
      'missing',
      async () => ({ kubeconfig: '/nowhere/config' }),
      /^NOT_CONFIGURED: .*\/nowhere\/config.*does not exist \(ENOENT\).*Next: check its path/s,
    ],
    ['a folder', async () => ({ kubeconfig: await bin.folder() }), /^NOT_CONFIGURED: .*it is a folder \(EISDIR\)/],
    [
      'below a file',
      async () => ({ kubeconfig: join((await file('')).kubeconfig, 'config') }),
      /^NOT_CONFIGURED: .*does not exist \(ENOTDIR\)/,
    ],
    ['empty', () => file(' \n'), /^NOT_CONFIGURED: .*is empty.*Next: fetch it again/s],
    [
      'not YAML',
      () => file(`apiVersion: v1\nusers: [\n  {token: ${WORD}\n`),
      /^NOT_CONFIGURED: .*not valid YAML \(line \d\).*Next: /s,
    ],
    ['a text', () => file(WORD), /^NOT_CONFIGURED: .*not a valid kubeconfig/],
    [
      'another kind of object',
      () => file(`kind: Secret\ndata: {token: ${WORD}}`),
      /^NOT_CONFIGURED: .*its kind is not Config/,
    ],
    [
      'without contexts',
      () => file('apiVersion: v1\nkind: Config\n'),
      /^NOT_CONFIGURED: .*no context is chosen.*it has no contexts.*Next: set context/s,
    ],
    [
      'with an unknown context',
      async () => ({ ...(await withContext(whole)), context: 'staging' }),
      /^NOT_CONFIGURED: .*no context "staging"; known contexts: prod.*Next: correct context/s,
    ],
    [
      'whose context names no cluster',
      () => withContext({ user: 'prod' }),
      /^NOT_CONFIGURED: the context "prod" names no cluster/,
    ],
    [
      'whose context names an unknown cluster',
      () => withContext({ ...whole, cluster: 'gone' }),
      /^NOT_CONFIGURED: the context "prod" names the cluster "gone", which .* does not have/,
    ],
    [
      'whose context names an unknown user',
      () => withContext({ ...whole, user: 'gone' }),
      /^NOT_CONFIGURED: the context "prod" names the user "gone"/,
    ],
    [
      'whose context names no user',
      () => withContext({ cluster: 'prod' }),
      /^FORBIDDEN: the context "prod" has no credentials.*Next: name a user/s,
    ],
    ['without a server', () => contexts({}, { token: WORD }), /^NOT_CONFIGURED: .*no cluster with a valid server/],
    [
      'with a server that is no web address',
      () => contexts({ server: 'ftp://127.0.0.1' }, {}),
      /^NOT_CONFIGURED: .*neither http nor https/,
    ],
    [
      'with an authority that is no certificate',
      () =>
        contexts(
          { server: 'https://127.0.0.1:1', 'certificate-authority-data': Buffer.from(WORD).toString('base64') },
          {},
        ),
      /^NOT_CONFIGURED: the certificate authority of the context "prod" is not valid PEM/,
    ],
    [
      'with an authority twice',
      () => contexts({ ...place.cluster, 'certificate-authority-data': 'eA==', 'certificate-authority': '/x' }, {}),
      /^NOT_CONFIGURED: .*both inline and as a file/,
    ],
    [
      'with an authority that is not to be checked',
      () =>
        contexts(
          { server: 'https://127.0.0.1:1', 'certificate-authority': '/x', 'insecure-skip-tls-verify': true },
          {},
        ),
      /^NOT_CONFIGURED: .*both a certificate authority and insecure-skip-tls-verify/,
    ],
    [
      'with an authority that is missing',
      () => contexts({ server: 'https://127.0.0.1:1', 'certificate-authority': 'gone.crt' }, {}),
      /^NOT_CONFIGURED: the certificate authority .*gone\.crt, cannot be read: it does not exist/,
    ],
    [
      'with a certificate without its key',
      () => contexts(place.cluster, { 'client-certificate': 'me.crt' }),
      /^NOT_CONFIGURED: the client key of the context "prod" is missing/,
    ],
    [
      'with a token file that is missing',
      () => contexts(place.cluster, { tokenFile: 'gone' }),
      /^NOT_CONFIGURED: the token file .*gone of the context "prod" cannot be read: it does not exist.*Next: .*sign in again/s,
    ],
    [
      'with groups of nobody',
      () => contexts(place.cluster, { token: WORD, 'as-groups': ['x'] }),
      /^NOT_CONFIGURED: .*impersonates without naming whom/,
    ],
    [
      'with a plugin of nothing',
      () => contexts(place.cluster, { exec: { apiVersion: 'client.authentication.k8s.io/v1' } }),
      /^NOT_CONFIGURED: the exec plugin .*names no command/,
    ],
    [
      'with a list where a text belongs',
      () => contexts(place.cluster, { token: [WORD] }),
      /^NOT_CONFIGURED: the user "prod" of the context "prod" is malformed: token has the wrong form/,
    ],
    [
      'with a proxy that is none',
      () => contexts({ ...place.cluster, 'proxy-url': `ftp://me:${WORD}@proxy` }, {}),
      /^NOT_CONFIGURED: the proxy-url of .* is not a URL with http, https or socks5/,
    ],
    [
      'with a wrong token',
      () => contexts(place.cluster, { token: WORD }),
      /^FORBIDDEN: the credentials were refused .*\(401, the context "prod"\).*Next: sign in again for the context "prod"/s,
    ],
  ];
  let asked: Asked;
  beforeAll(async () => {
    asked = await askAll(cases);
  });
  test.each(cases)('because it is %s', (name, _make, said) => asked.expect(name, said));

  const unnamed: Case[] = [
    ['all of KUBECONFIG missing', async () => ({}), /^NOT_CONFIGURED: .*\/nowhere\/a.*does not exist/],
    ['nowhere at all', async () => ({}), /^NOT_CONFIGURED: no kubeconfig was found.*Next: set kubeconfig/s],
  ];
  test.each(unnamed)('because it is %s', async (name, _make, said) => {
    const env: Record<string, string> = name.includes('KUBECONFIG') ? { KUBECONFIG: '/nowhere/a:/nowhere/b' } : {};
    await (await askAll(unnamed, {}, env)).expect(name, said);
  });

  test('because this account may not read it', async () => {
    const { kubeconfig } = await file(contextsYaml({ prod: { cluster: place.cluster, user: { token: WORD } } }));
    const home = await homeWith(bin, place, { kubeconfig, context: 'prod' });
    await chmod(kubeconfig, 0);
    // Root reads everything, unless it gives that up.
    const config = String(home.serve()[3]);
    const argv = [process.execPath, TESTED.cli, 'doctor', '--json', '--config', config, '--data-dir', home.data];
    const asRoot = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : [];
    const [program = '', ...rest] = [...asRoot, ...argv];
    const { stdout } = await run(program, rest, { env: home.env, cwd: home.dir });
    const { checks } = JSON.parse(stdout) as { checks: { name: string; found: string }[] };
    expect(checks.find(({ name }) => name === 'kubeconfig')?.found).toMatch(
      /may not be read by this account \(EACCES\)/,
    );
  });
});

describe.skipIf(!lab.plane)('certificates and tokens that do not do', () => {
  const plane = () => (lab.plane as NonNullable<typeof lab.plane>).api;
  const cluster = (): Yaml => ({ server: plane().url, 'certificate-authority': plane().ca });
  const pair = async (pki: string, name: string, valid?: string): Promise<Yaml> => {
    const { cert, key } = await certificate(lab.programs, pki, name, valid === undefined ? {} : { valid });
    return { 'client-certificate': cert, 'client-key': key };
  };

  const cases: Case[] = [
    [
      'expired client certificate',
      async () => contexts(cluster(), await pair(plane().pki, `late-${place.ns}`, '-1h')),
      /^FORBIDDEN: .*401, the context "prod"\)\. Its client certificate expired at \d{4}-.*Next: sign in again/s,
    ],
    [
      'a client certificate of another authority',
      async () => contexts(cluster(), await pair(await bin.folder(), 'stranger')),
      /^FORBIDDEN: .*credentials were refused|^UNAVAILABLE: .*refused the client certificate/,
    ],
    [
      'an authority that does not match',
      async () => {
        const other = await bin.folder();
        await certificate(lab.programs, other, 'any');
        return contexts({ ...cluster(), 'certificate-authority': join(other, 'ca.crt') }, { token: WORD });
      },
      /^UNAVAILABLE: the TLS connection to .* \(the context "prod"\) failed: .*not signed by the certificate authority of the kubeconfig.*Next: fetch the kubeconfig/s,
    ],
    [
      'no authority',
      () => contexts({ server: plane().url }, { token: WORD }),
      /^UNAVAILABLE: .*not signed by the certificate authority/,
    ],
    [
      'a name that is not in the certificate',
      () => contexts({ ...cluster(), 'tls-server-name': 'elsewhere.example' }, { token: WORD }),
      /^UNAVAILABLE: .*its certificate is for another name.*Next: .*tls-server-name/s,
    ],
    [
      'a certificate and a key that do not belong together',
      async () => {
        const { 'client-key': key } = await pair(plane().pki, `one-${place.ns}`);
        return contexts(cluster(), { ...(await pair(plane().pki, `two-${place.ns}`)), 'client-key': key });
      },
      /^NOT_CONFIGURED: the client certificate of the context "prod" and its key do not belong together/,
    ],
    [
      'an expired token',
      async () => contexts(cluster(), { token: expired(await place.token()) }),
      /^FORBIDDEN: .*401, the context "prod"\)\. Its token expired at 2020-/,
    ],
  ];
  let asked: Asked;
  beforeAll(async () => {
    asked = await askAll(cases);
  });
  test.each(cases)('%s', (name, _make, said) => asked.expect(name, said));

  /** The API server issues no token of less than ten minutes: one of its own whose end was set back is refused as any expired one. */
  function expired(token: string): string {
    const [head, body, signature] = token.split('.');
    const claims = JSON.parse(Buffer.from(body ?? '', 'base64url').toString()) as Yaml;
    const past = Buffer.from(JSON.stringify({ ...claims, exp: Date.parse('2020-01-01T00:00:00Z') / 1_000 }));
    return [head, past.toString('base64url'), signature].join('.');
  }
});

describe('a way that leads nowhere', () => {
  const proxied = async (url: string) => contexts({ ...place.cluster, 'proxy-url': url }, { token: WORD });
  const cases: Case[] = [
    [
      'a port where nobody listens',
      async () => contexts({ server: `https://127.0.0.1:${await freePort()}` }, { token: WORD }),
      /^UNAVAILABLE: .*refused the connection.*Next: check that the cluster/s,
    ],
    [
      'a port that speaks no TLS',
      async () => {
        const sockets = new Set<Socket>();
        const plain = createServer((_request, response) => void response.end('hello'));
        plain.on('connection', (socket: Socket) => void sockets.add(socket));
        return contexts({ server: `https://127.0.0.1:${await listen(bin, plain, sockets)}` }, { token: WORD });
      },
      /^UNAVAILABLE: .*does not speak TLS.*Next: check server/s,
    ],
    [
      'a proxy that is not there',
      async () => proxied(`http://me:${WORD}@127.0.0.1:${await freePort()}`),
      /^UNAVAILABLE: .*was not reached: the proxy 127\.0\.0\.1:\d+ could not be used \(ECONNREFUSED\).*Next: check the proxy/s,
    ],
    [
      'a proxy that wants another password',
      async () => proxied((await startProxy(bin, { port: 1 }, 'right')).url.replace('right', WORD)),
      /^UNAVAILABLE: .*asks for credentials or refuses those given \(407\)/,
    ],
    [
      'a server that takes the connection and is silent',
      async () => contexts({ server: `https://127.0.0.1:${(await startSilence(bin)).port}` }, { token: WORD }),
      /^TIMEOUT: .*did not answer within/,
    ],
    ['a proxy that is silent', async () => proxied((await startSilence(bin)).url), /^TIMEOUT: .*did not answer within/],
  ];
  let asked: Asked;
  beforeAll(async () => {
    asked = await askAll(cases, { source_deadline: '1s' });
  });
  test.each(cases)('%s', (name, _make, said) => asked.expect(name, said, 3_000));

  test('the configuration survives it all: a mended kubeconfig works without a restart', async () => {
    const kubeconfig = join(await bin.folder(), 'not-yet', 'config');
    const home = await homeWith(bin, place, { kubeconfig, context: 'prod' });
    const session = await connect(bin, home, 'plain');
    const restart = { service: 'web', reason: 'a stuck process' };
    expect((await session.call('restart_service', restart)).text).toMatch(/^NOT_CONFIGURED/);
    await mkdir(join(kubeconfig, '..'));
    await writeFile(kubeconfig, 'kind: [', { mode: 0o600 });
    expect((await session.call('restart_service', restart)).text).toMatch(/not valid YAML/);
    const good = await writeContexts(bin, { prod: { cluster: place.cluster, user: { token: await place.token() } } });
    await writeFile(kubeconfig, await readFile(good));
    expect((await session.ok('restart_service', restart)).status).toBe('approval_required');
  });
});
