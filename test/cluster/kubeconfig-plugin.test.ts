import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { connect, type Session } from '../helpers/session.ts';
import { labAtHand } from './helpers/at-hand.ts';
import {
  homeWith,
  makePlace,
  type Place,
  reach,
  secretWord,
  writeContexts,
  writePlugin,
  type Yaml,
} from './helpers/kubeconfigs.ts';
import { certificate } from './lab/control-plane.ts';

/** Exec credential plugins: real programs, the real API server, the real Helm, which starts the same program by itself. */
const bin = new Bin();
afterAll(() => bin.empty());
const lab = labAtHand();
let place: Place;
beforeAll(async () => {
  place = await makePlace(bin, 'plugin');
});

const API = 'client.authentication.k8s.io/v1';
const restart = { service: 'web', reason: 'a stuck process' };

interface Login {
  home: Awaited<ReturnType<typeof homeWith>>;
  /** What each start was told, in order; `helm` for those that Helm started. */
  starts(): Promise<{ info: { spec: Yaml }; own: string | null; leaked: boolean; argv: string[] }[]>;
  /** The token that the next start prints; with a lifetime in seconds. */
  give(token: string, lifetime?: number): Promise<void>;
}

/** A plugin that notes how it was started and prints the token of the moment. */
async function login(more: Yaml = {}, cluster: Yaml = place.cluster, env: Record<string, string> = {}): Promise<Login> {
  const dir = await bin.folder();
  const [log, next] = [join(dir, 'log'), join(dir, 'next')];
  const command = await writePlugin(
    bin,
    `const fs = require('node:fs');
     const info = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
     fs.appendFileSync(${JSON.stringify(log)}, JSON.stringify({ info, own: process.env.LAB_OWN ?? null,
       leaked: process.env.LAB_SERVER_SECRET !== undefined, argv: process.argv.slice(2) }) + '\\n');
     const { token, lifetime } = JSON.parse(fs.readFileSync(${JSON.stringify(next)}, 'utf8'));
     const expirationTimestamp = lifetime ? new Date(Date.now() + lifetime * 1000).toISOString() : undefined;
     process.stdout.write(JSON.stringify({ apiVersion: info.apiVersion, kind: 'ExecCredential', status: { token, expirationTimestamp } }));`,
  );
  const exec = { apiVersion: API, command, interactiveMode: 'IfAvailable', args: ['--for', 'lab'], ...more };
  const kubeconfig = await writeContexts(bin, { prod: { cluster, user: { exec } } });
  return {
    home: await homeWith(bin, place, { kubeconfig, context: 'prod', env: { LAB_SERVER_SECRET: 'x', ...env } }),
    starts: async () =>
      (await readFile(log, 'utf8').catch(() => ''))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    give: (token, lifetime) => writeFile(next, JSON.stringify({ token, lifetime })),
  };
}

async function failing(exec: Yaml, more: Yaml = {}): Promise<{ session: Session; home: Login['home'] }> {
  const kubeconfig = await writeContexts(bin, { prod: { cluster: place.cluster, user: { exec } } });
  const home = await homeWith(bin, place, { kubeconfig, context: 'prod', more });
  return { session: await connect(bin, home, 'plain'), home };
}

describe('a plugin', () => {
  test('is started once for many reads, with its own environment, told the cluster, without a terminal', async () => {
    const told = { audience: 'https://lab.example', nested: { a: 1 } };
    const extensions = [{ name: 'client.authentication.k8s.io/exec', extension: told }];
    const plugin = await login(
      { provideClusterInfo: true, env: [{ name: 'LAB_OWN', value: 'mine' }] },
      { ...place.cluster, 'tls-server-name': 'localhost', extensions },
    );
    await plugin.give(await place.token());
    const session = await connect(bin, plugin.home, 'plain');
    await Promise.all([session.ok('get_system_health'), session.ok('restart_service', restart)]);
    const [ours, ...others] = await plugin.starts();
    expect(others).toEqual([]);
    const { server, 'certificate-authority-data': ca } = place.cluster;
    expect(ours).toEqual({
      info: {
        kind: 'ExecCredential',
        apiVersion: API,
        spec: {
          interactive: false,
          cluster: {
            server,
            'tls-server-name': 'localhost',
            ...(ca === undefined ? {} : { 'certificate-authority-data': ca }),
            config: told,
          },
        },
      },
      own: 'mine',
      leaked: false,
      argv: ['--for', 'lab'],
    });
    // What Helm tells the same plugin is the same.
    await session.ok('rollback_release', { release: 'settings', revision: 1, reason: 'wrong settings' });
    const helms = (await plugin.starts()).slice(1);
    expect(helms.length).toBeGreaterThan(0);
    for (const one of helms) expect(one).toEqual(ours);
  });

  test('is asked again when its credential is about to expire, and not before', async () => {
    const plugin = await login();
    // Renewed ten seconds before its end: this one is never good for a second call.
    await plugin.give(await place.token(), 9);
    const session = await connect(bin, plugin.home, 'plain');
    await session.ok('get_system_health');
    const first = (await plugin.starts()).length;
    await plugin.give(await place.token(), 600);
    await session.ok('get_system_health');
    const second = (await plugin.starts()).length;
    expect(second).toBe(first + 1);
    await session.ok('get_system_health');
    expect(await plugin.starts()).toHaveLength(second);
  });

  test('is asked again, once, when the server refuses its token', async () => {
    const word = secretWord();
    const plugin = await login();
    await plugin.give(word);
    const session = await connect(bin, plugin.home, 'plain');
    const refused = await session.call('restart_service', restart);
    expect(refused.text).toMatch(/^FORBIDDEN: the credentials were refused .*context "prod".*Next: sign in again/s);
    expect(refused.text).not.toContain(word);
    const before = (await plugin.starts()).length;
    await plugin.give(await place.token());
    await session.ok('get_system_health');
    expect((await plugin.starts()).length).toBeLessThanOrEqual(before + 1);
  });

  test.skipIf(!lab.plane)('may give a client certificate', async () => {
    const api = lab.plane?.api as NonNullable<typeof lab.plane>['api'];
    const pair = await certificate(lab.programs, api.pki, `oncall-${place.ns}`);
    const status = {
      clientCertificateData: await readFile(pair.cert, 'utf8'),
      clientKeyData: await readFile(pair.key, 'utf8'),
    };
    const said = JSON.stringify({ apiVersion: API, kind: 'ExecCredential', status });
    const command = await writePlugin(bin, `process.stdout.write(${JSON.stringify(said)})`);
    const exec = { apiVersion: API, command, interactiveMode: 'Never' };
    const kubeconfig = await writeContexts(bin, { prod: { cluster: place.cluster, user: { exec } } });
    await reach(bin, await homeWith(bin, place, { kubeconfig, context: 'prod' }));
  });
});

describe('a plugin that does not help', () => {
  const word = secretWord();
  test.each([
    [
      'fails',
      `process.stderr.write('token ${word}'); process.exit(3)`,
      {},
      /^FORBIDDEN: .*lab-login.*exit code 3.*Next: run lab-login/s,
    ],
    ['prints no JSON', `process.stdout.write('${word}')`, {}, /^FORBIDDEN: .*no valid credential/],
    [
      'prints an empty credential',
      `process.stdout.write(JSON.stringify({ apiVersion: '${API}', status: {} }))`,
      {},
      /^FORBIDDEN: .*no valid credential/,
    ],
    [
      'answers in another version',
      `process.stdout.write(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1beta1', status: { token: '${word}' } }))`,
      {},
      /^NOT_CONFIGURED: .*v1beta1.*Next: set the apiVersion/s,
    ],
    ['must have a terminal', '', { interactiveMode: 'Always' }, /^NOT_CONFIGURED: .*wants a terminal.*Next: /s],
    [
      'speaks a version that is gone',
      '',
      { apiVersion: 'client.authentication.k8s.io/v1alpha1' },
      /^NOT_CONFIGURED: .*v1alpha1.*Next: set its apiVersion/s,
    ],
  ])('because it %s', async (_name, body, more, said) => {
    const command = await writePlugin(bin, body);
    const { session } = await failing({ apiVersion: API, command, interactiveMode: 'Never', ...more });
    const answer = await session.call('restart_service', restart);
    expect(answer.text).toMatch(said);
    expect(answer.isError).toBe(true);
    expect(answer.text).not.toContain(word);
  });

  test('because it is missing: the hint of the kubeconfig is told, also by doctor', async () => {
    const installHint = 'install lab-login with `brew install lab-login`\n\u001b[31mred';
    const { session, home } = await failing({
      apiVersion: API,
      command: 'lab-login-nowhere',
      interactiveMode: 'Never',
      installHint,
    });
    const answer = await session.call('restart_service', restart);
    expect(answer.text).toMatch(/^NOT_CONFIGURED: .*lab-login-nowhere.*not installed.*brew install lab-login/s);
    expect(answer.text).not.toContain('\u001b');
    const { stdout, code } = await home.command(['doctor', '--json']);
    expect(code).toBe(1);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string; found: string }[] };
    expect(checks.find(({ name }) => name === 'API server')).toMatchObject({
      status: 'fail',
      found: expect.stringMatching(/lab-login-nowhere.*brew install/),
    });
  });

  test.each([
    ['hangs', 'setInterval(() => {}, 1000)'],
    ['hangs and ignores SIGTERM', "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"],
  ])('because it %s: the deadline holds, the plugin is blamed, other calls are answered', async (_name, body) => {
    const command = await writePlugin(bin, body);
    const exec = { apiVersion: API, command, interactiveMode: 'Never' };
    const { session } = await failing(exec, { source_deadline: '1s' });
    const began = performance.now();
    const call = session.call('restart_service', restart);
    expect(await session.ping()).toBeLessThan(700);
    const answer = await call;
    expect(performance.now() - began).toBeLessThan(2_500);
    expect(answer.text).toMatch(
      /^TIMEOUT: the credential plugin lab-login .*did not answer within.*Next: run lab-login/s,
    );
  });
});
