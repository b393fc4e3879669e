import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import type { Home } from '../helpers/home.ts';
import { run } from '../helpers/process.ts';
import { approving, connect } from '../helpers/session.ts';
import { HELMS, labAtHand } from './helpers/at-hand.ts';
import { homeWith, makePlace, type Place, reach } from './helpers/kubeconfigs.ts';

/**
 * As in a pod: the account lies where Kubernetes mounts it, in a mount namespace of the server's own (Linux, `unshare`), and there is no
 * kubeconfig. Helm finds the cluster in the same way.
 */
const bin = new Bin();
afterAll(() => bin.empty());
const lab = labAtHand();
const possible = spawnSync('unshare', ['-rm', 'true']).status === 0;

describe.skipIf(!possible || !lab.plane)('inside a pod', () => {
  let place: Place;
  let account: string;
  const MOUNTED = '/var/run/secrets/kubernetes.io/serviceaccount';
  const INSIDE = `mount -t tmpfs tmpfs /var/run && mkdir -p ${MOUNTED} && mount --bind "$1" ${MOUNTED} && shift && exec "$@"`;

  beforeAll(async () => {
    place = await makePlace(bin, 'pod');
    account = join(await bin.folder(), 'account');
    await mkdir(account);
    await writeFile(
      join(account, 'ca.crt'),
      Buffer.from(String(place.cluster['certificate-authority-data']), 'base64'),
    );
    await writeFile(join(account, 'namespace'), place.ns);
    await writeFile(join(account, 'token'), await place.token());
  });

  const inside = (argv: readonly string[]): string[] => ['-rm', 'sh', '-c', INSIDE, 'sh', account, ...argv];

  /** The same home, whose server is started inside. */
  async function pod(options: Parameters<typeof homeWith>[2] = {}): Promise<Home> {
    const { hostname, port } = new URL(place.cluster.server);
    const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port, ...options.env };
    const home = await homeWith(bin, place, { ...options, env });
    const launcher = join(home.dir, 'inside.mjs');
    await writeFile(
      launcher,
      `import { spawn } from 'node:child_process';
       const child = spawn('unshare', ${JSON.stringify(inside([process.execPath]))}.concat(process.argv.slice(2)), { stdio: 'inherit' });
       for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill(signal));
       child.on('exit', (code) => process.exit(code ?? 1));`,
    );
    const { serve } = home;
    return { ...home, serve: (...more) => [launcher, ...serve(...more)] };
  }

  test.each(HELMS)('health, a plan and a rollback by %s', async (helm) => {
    const home = await pod({ helm });
    const { cluster } = await reach(bin, home);
    expect(cluster).toBe(`in-cluster (${new URL(place.cluster.server).origin})`);
    const session = await connect(bin, home, 'first');
    session.human = approving('settings');
    const done = await session.ok('rollback_release', { release: 'settings', revision: 1, reason: 'wrong settings' });
    expect(done.status).toBe('executed');
    const history = JSON.parse(await place.at.helm('helm4', 'history', 'settings', '-n', place.ns, '-o', 'json')) as {
      description: string;
    }[];
    expect(history.at(-1)?.description).toBe('Rollback to 1');
  });

  test('a rotated token counts at once; a refused one is told with what to do', async () => {
    const { session } = await reach(bin, await pod());
    const restart = { service: 'web', reason: 'a stuck process' };
    await writeFile(join(account, 'token'), 'refused');
    expect((await session.call('restart_service', restart)).text).toMatch(
      /^FORBIDDEN: .*refused.*401, the pod's own account.*Next: look at the pod's projected token/s,
    );
    await writeFile(join(account, 'token'), await place.token());
    expect((await session.ok('restart_service', restart)).status).toBe('approval_required');
  });

  test('a configured context is not the pod by mistake; doctor says so', async () => {
    const home = await pod({ context: 'prod-eu' });
    const session = await connect(bin, home, 'plain');
    const said = /the context "prod-eu" is asked for, but no kubeconfig was found/;
    const answer = await session.call('restart_service', { service: 'web', reason: 'a stuck process' });
    expect(answer.text).toMatch(/^NOT_CONFIGURED: /);
    expect(answer.text).toMatch(said);
    const [, cli, , ...where] = home.serve();
    const argv = inside([process.execPath, String(cli), 'doctor', '--json', ...where]);
    const { stdout } = await run('unshare', argv, { env: home.env, cwd: home.dir });
    const { checks } = JSON.parse(stdout) as { checks: { name: string; found: string }[] };
    expect(checks.find(({ name }) => name === 'kubeconfig')?.found).toMatch(said);
  });
});
