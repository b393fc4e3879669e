import { readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { createServer as createTlsServer, request as tlsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { labAtHand } from './helpers/at-hand.ts';
import {
  homeWith,
  listen,
  makePlace,
  type Place,
  reach,
  startProxy,
  startSocks,
  writeContexts,
  type Yaml,
} from './helpers/kubeconfigs.ts';
import { certificate } from './lab/control-plane.ts';

/** Every good way to a cluster: our own requests read health, and the real Helm's dry run makes a plan, by the same kubeconfig. */
const bin = new Bin();
afterAll(() => bin.empty());
const lab = labAtHand();
const given = lab.cluster === 'given';
let place: Place;
beforeAll(async () => {
  place = await makePlace(bin, 'forms');
});

/** The API server's own authority, port and certificates; only where the lab started it. */
function plane() {
  if (!lab.plane) throw new Error('only with a cluster of its own');
  return { ...lab.plane.api, port: Number(new URL(lab.plane.api.url).port) };
}
const clientPair = () => certificate(lab.programs, plane().pki, `oncall-${place.ns}`);
const inline = async (file: string): Promise<string> => (await readFile(file)).toString('base64');

describe('files', () => {
  test('several contexts in one file: the configured one is used, whatever the current one is', async () => {
    const kubeconfig = await writeContexts(bin, {
      elsewhere: { cluster: { server: 'https://127.0.0.1:1' }, user: {} },
      wanted: { cluster: place.cluster, user: { token: await place.token() } },
    });
    const { cluster } = await reach(bin, await homeWith(bin, place, { kubeconfig, context: 'wanted', helm: 'helm3' }));
    expect(cluster).toContain('wanted (');
  });

  test('several files in KUBECONFIG: the first that names a thing wins, paths are those of their own file', async () => {
    const token = await place.token();
    const first = await writeContexts(bin, { prod: { cluster: place.cluster, user: {} } }, { users: [] });
    const second = await writeContexts(bin, {
      prod: { cluster: { server: 'https://127.0.0.1:1' }, user: { tokenFile: 'my-token' } },
    });
    await writeFile(join(dirname(second), 'my-token'), `${token}\n`);
    const KUBECONFIG = ['/nowhere/config', first, second].join(':');
    const { cluster } = await reach(bin, await homeWith(bin, place, { context: 'prod', env: { KUBECONFIG } }));
    expect(cluster).toContain(new URL(place.cluster.server).origin);
  });

  test('~/.kube/config, when nothing else is said, with a server that ends in a slash', async () => {
    const home = await homeWith(bin, place, {});
    const cluster = { ...place.cluster, server: `${place.cluster.server.replace(/\/$/, '')}/` };
    const file = await writeContexts(bin, { mine: { cluster, user: { token: await place.token() } } });
    await symlink(dirname(file), join(home.dir, '.kube'));
    await reach(bin, home);
  });

  test('a kubeconfig that is replaced while the server runs is noticed at the next call', async () => {
    const contexts = async (token: string) => ({ prod: { cluster: place.cluster, user: { token } } });
    const kubeconfig = await writeContexts(bin, await contexts(await place.token()));
    const { session } = await reach(bin, await homeWith(bin, place, { kubeconfig, context: 'prod' }));
    const restart = { service: 'web', reason: 'a stuck process' };
    await rename(await writeContexts(bin, await contexts('revoked')), kubeconfig);
    const refused = await session.call('restart_service', restart);
    expect(refused).toMatchObject({
      isError: true,
      text: expect.stringMatching(
        /^FORBIDDEN: .*credentials were refused.*401, the context "prod".*Next: sign in again/s,
      ),
    });
    expect(refused.text).not.toContain('revoked');
    await rename(await writeContexts(bin, await contexts(await place.token())), kubeconfig);
    expect((await session.ok('restart_service', restart)).status).toBe('approval_required');
  });
});

describe('credentials', () => {
  test('a token file that changes: the new one counts at once, the old one never again', async () => {
    const file = join(await bin.folder(), 'token');
    await writeFile(file, await place.token());
    const kubeconfig = await writeContexts(bin, {
      prod: { cluster: place.cluster, user: { tokenFile: file, token: 'left over' } },
    });
    const { session } = await reach(bin, await homeWith(bin, place, { kubeconfig, context: 'prod' }));
    const restart = { service: 'web', reason: 'a stuck process' };
    await writeFile(file, 'not-a-token');
    const refused = await session.call('restart_service', restart);
    expect(refused.text).toMatch(/^FORBIDDEN: .*refused.*context "prod"/);
    await writeFile(file, await place.token());
    expect((await session.ok('restart_service', restart)).status).toBe('approval_required');
  });

  test.skipIf(given)('a client certificate in files that are relative to the kubeconfig', async () => {
    const { cert, key } = await clientPair();
    const kubeconfig = await writeContexts(bin, {
      prod: {
        cluster: { server: plane().url, 'certificate-authority': 'ca.crt' },
        user: { 'client-certificate': 'me.crt', 'client-key': 'me.key' },
      },
    });
    const beside = (name: string): string => join(dirname(kubeconfig), name);
    await symlink(plane().ca, beside('ca.crt'));
    await symlink(cert, beside('me.crt'));
    await symlink(key, beside('me.key'));
    await reach(bin, await homeWith(bin, place, { kubeconfig, context: 'prod' }));
  });

  test.skipIf(given)('a client certificate inline', async () => {
    const { cert, key } = await clientPair();
    const kubeconfig = await writeContexts(bin, {
      prod: {
        cluster: { server: plane().url, 'certificate-authority-data': await inline(plane().ca) },
        user: { 'client-certificate-data': await inline(cert), 'client-key-data': await inline(key) },
      },
    });
    await reach(bin, await homeWith(bin, place, { kubeconfig, context: 'prod', helm: 'helm3' }));
  });

  test.skipIf(given)('impersonation, with several groups', async () => {
    const { kubeconfig: admin, context } = plane();
    const config = JSON.parse(
      await place.at.kubectl('config', 'view', '--raw', '--minify', '--flatten', '-o', 'json'),
    ) as { users: { user: Yaml }[] };
    expect([admin, context]).toEqual([lab.kubeconfig, lab.context]);
    const as = (groups: string[]): Promise<string> =>
      writeContexts(bin, {
        prod: {
          cluster: place.cluster,
          user: {
            ...config.users[0]?.user,
            as: 'someone',
            'as-groups': groups,
            'as-user-extra': { 'lab/why': ['a', 'b'] },
          },
        },
      });
    const kubeconfig = await as([`oncall-${place.ns}`, 'others']);
    await reach(bin, await homeWith(bin, place, { kubeconfig, context: 'prod' }));
    const nobody = await homeWith(bin, place, { kubeconfig: await as(['others']), context: 'prod' });
    await expect(reach(bin, nobody)).rejects.toThrow(/FORBIDDEN: the credentials do not allow/);
  });

  test.skipIf(given)('a name and a password, for what stands before the API server and asks for them', async () => {
    const { pki, ca, url } = plane();
    const serving = await certificate(lab.programs, pki, 'serving');
    const account = await place.token();
    const sockets = new Set<Socket>();
    const front = createTlsServer(
      { cert: await readFile(serving.cert), key: await readFile(serving.key) },
      (request, response) => {
        const basic = `Basic ${Buffer.from('ada:p:w d').toString('base64')}`;
        if (request.headers.authorization !== basic) return void response.writeHead(401).end('{}');
        const headers = { ...request.headers, authorization: `Bearer ${account}` };
        const target = new URL(request.url ?? '/', url);
        const onward = tlsRequest(target, { method: request.method, headers, rejectUnauthorized: false }, (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        });
        onward.on('error', () => response.destroy());
        request.pipe(onward);
      },
    );
    front.on('connection', (socket: Socket) => void sockets.add(socket));
    const port = await listen(bin, front, sockets);
    const cluster = { server: `https://127.0.0.1:${port}`, 'certificate-authority': ca };
    const kubeconfig = await writeContexts(bin, { prod: { cluster, user: { username: 'ada', password: 'p:w d' } } });
    await reach(bin, await homeWith(bin, place, { kubeconfig, context: 'prod' }));
    const wrong = await writeContexts(bin, { prod: { cluster, user: { username: 'ada', password: 'else' } } });
    await expect(reach(bin, await homeWith(bin, place, { kubeconfig: wrong, context: 'prod' }))).rejects.toThrow(/401/);
  });
});

describe.skipIf(given)('the way there', () => {
  /** A name that only a proxy can reach; the certificate is for `localhost`. */
  const far = () => ({
    server: `https://kube.lab.example:${plane().port}`,
    'tls-server-name': 'localhost',
    'certificate-authority': plane().ca,
  });
  const withCluster = async (cluster: Yaml): Promise<string> =>
    writeContexts(bin, { prod: { cluster, user: { token: await place.token() } } });

  test('insecure-skip-tls-verify and tls-server-name', async () => {
    const skip = await withCluster({ server: plane().url, 'insecure-skip-tls-verify': true });
    await reach(bin, await homeWith(bin, place, { kubeconfig: skip, context: 'prod' }));
    const named = { server: plane().url, 'certificate-authority': plane().ca };
    const right = await withCluster({ ...named, 'tls-server-name': 'localhost' });
    await reach(bin, await homeWith(bin, place, { kubeconfig: right, context: 'prod' }));
  });

  test('proxy-url of the kubeconfig, also for loopback, with few connections', async () => {
    const proxy = await startProxy(bin, plane(), 'open sesame');
    const proxyUrl = proxy.url.replace('open sesame', 'open%20sesame');
    const kubeconfig = await withCluster({
      server: plane().url,
      'certificate-authority': plane().ca,
      'proxy-url': proxyUrl,
    });
    // The environment's own proxy counts less, and NO_PROXY is not asked.
    const env = { HTTPS_PROXY: 'http://127.0.0.1:1', NO_PROXY: '*' };
    const { session } = await reach(bin, await homeWith(bin, place, { kubeconfig, context: 'prod', env }));
    const { length } = proxy.asked;
    expect(new Set(proxy.asked)).toEqual(new Set([`127.0.0.1:${plane().port}`]));
    await session.ok('get_system_health');
    expect(proxy.asked.length - length).toBeLessThan(3);
  });

  test('HTTPS_PROXY of the environment, as kubectl and Helm take it, and NO_PROXY', async () => {
    const proxy = await startProxy(bin, plane());
    const kubeconfig = await withCluster(far());
    const home = (env: Record<string, string>) => homeWith(bin, place, { kubeconfig, context: 'prod', env });
    const { session } = await reach(
      bin,
      await home({ https_proxy: `127.0.0.1:${proxy.port}`, NO_PROXY: 'other.example' }),
    );
    const own = proxy.asked.length;
    // Helm went the same way: what is asked for by the plan's dry run alone comes on connections of its own.
    expect(new Set(proxy.asked)).toEqual(new Set([`kube.lab.example:${plane().port}`]));
    await session.ok('rollback_release', { release: 'settings', revision: 1, reason: 'once more' });
    expect(proxy.asked.length).toBeGreaterThan(own);
    const direct = await home({ HTTPS_PROXY: proxy.url, NO_PROXY: ' .example , 10.0.0.0/8' });
    await expect(reach(bin, direct)).rejects.toThrow(/host name of the Kubernetes API server kube\.lab\.example/);
  });

  test('a SOCKS proxy looks up the name itself', async () => {
    const proxy = await startSocks(bin, plane());
    const kubeconfig = await withCluster({ ...far(), 'proxy-url': proxy.url });
    await reach(bin, await homeWith(bin, place, { kubeconfig, context: 'prod' }));
    expect(new Set(proxy.asked)).toEqual(new Set([`kube.lab.example:${plane().port}`]));
  });
});
