import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { approving, connect } from '../helpers/session.ts';
import { tellTests } from './tell-tests.ts';

/** The world moves at the worst instant: after the second look, before the command. */

tellTests('attacks: the world moves at the last instant');
const bin = new Bin();
afterAll(() => bin.empty());

/** A helm after whose second dry run a colleague rolls the release to another revision. */
const colleague = async (sandbox: Sandbox): Promise<string> => {
  const count = join(sandbox.dir, 'dry-runs');
  const script = await sandbox.script(
    'helm-with-colleague',
    [
      'case "$*" in',
      '  *--dry-run*)',
      '    "$HELM" "$@"; code=$?',
      `    echo x >> '${count}'`,
      `    if [ "$(wc -l < '${count}')" -eq 2 ]; then`,
      `      "$HELM" rollback pulsestream-core 9 --namespace pulsestream-core-prod '--kubeconfig=${sandbox.kubeconfig}' >/dev/null 2>&1`,
      '    fi',
      '    exit $code ;;',
      '  *) exec "$HELM" "$@" ;;',
      'esac',
    ].join('\n'),
  );
  return sandbox.configured((config) => {
    config.programs = { ...config.programs, helm: script };
  });
};

describe('between the second look and the command', () => {
  test('a release that another hand moved is not rolled back', async () => {
    const sandbox = await startSandbox(bin, 'bad-deploy');
    const home = await makeHome(bin, await colleague(sandbox));
    const session = await connect(bin, home, 'first');
    session.human = approving();
    const done = await session.ok('rollback_release', { release: 'pulsestream-core', reason: 'bad revision' });
    const { actions } = await sandbox.truth();
    expect(actions.map((action) => action.detail).filter((detail) => /\b10\b/.test(detail))).toEqual([]);
    expect(actions).toHaveLength(1);
    expect(done.status).not.toBe('executed');
    expect(JSON.stringify(done.outcome ?? done.message)).toContain('nothing was run');
  });

  test('a kubeconfig that now leads to another cluster makes the plan stale', async () => {
    const [shown, other] = [await startSandbox(bin, 'bad-deploy'), await startSandbox(bin, 'bad-deploy')];
    const folder = await bin.folder();
    const kubeconfig = join(folder, 'kubeconfig');
    await copyFile(shown.kubeconfig, kubeconfig);
    const config = await shown.configured((raw) => {
      for (const env of Object.values(raw.environments)) env.kubeconfig = kubeconfig;
    });
    const home = await makeHome(bin, config);
    const session = await connect(bin, home, 'first');
    session.human = async (form) => {
      // The human decides about the cluster that the form shows; meanwhile its context is pointed elsewhere.
      await copyFile(other.kubeconfig, kubeconfig);
      return approving()(form);
    };
    const done = await session.ok('rollback_release', { release: 'pulsestream-core', reason: 'bad revision' });
    expect((await other.truth()).actions).toEqual([]);
    expect((await shown.truth()).actions).toEqual([]);
    expect(done.status).toBe('stale');
  });
});

describe('what is too large', () => {
  test('a runbook that is only read in part is never written back', async () => {
    const sandbox = await startSandbox(bin, 'healthy');
    const folder = await bin.folder();
    const text = `# Big\n\n${'a line that somebody needs\n'.repeat(11_000)}THE END\n`;
    await writeFile(join(folder, 'big.md'), text);
    const config = await sandbox.configured((raw) => {
      raw.runbooks = { folder };
    });
    const session = await connect(bin, await makeHome(bin, config), 'first');
    session.human = approving();
    const said = await session.call('update_runbook', {
      runbook: 'big',
      failure_mode: 'm',
      detection: 'd',
      mitigation: 'x',
    });
    expect((await readFile(join(folder, 'big.md'), 'utf8')) === text).toBe(true);
    expect(said.text).toMatch(/^CONFLICT: .+ Next: /s);
  });
});
