import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { until } from '../helpers/process.ts';
import { startSandbox } from '../helpers/sandbox.ts';
import { approving, connect } from '../helpers/session.ts';
import { tellTests } from './tell-tests.ts';

tellTests('attacks: after a crash');
const bin = new Bin();
afterAll(() => bin.empty());

test("a colleague's deploy after a crash is not recorded as the approved rollback", async () => {
  const sandbox = await startSandbox(bin, 'bad-deploy');
  const seen = join(sandbox.dir, 'began');
  const script = await sandbox.script(
    'helm-that-hangs',
    [
      'case "$*" in',
      '  *--dry-run*|*version*) exec "$HELM" "$@" ;;',
      `  *rollback*) : > '${seen}'; exec sleep 8 ;;`,
      '  *) exec "$HELM" "$@" ;;',
      'esac',
    ].join('\n'),
  );
  const home = await makeHome(
    bin,
    await sandbox.configured((config) => {
      config.programs = { ...config.programs, helm: script };
    }),
  );
  const session = await connect(bin, home, 'first');
  session.human = approving();
  const running = session.call('rollback_release', { release: 'pulsestream-core', reason: 'x' }).catch(() => null);
  await until(
    async () => existsSync(seen),
    (began) => began,
  );
  await session.kill();
  await running;
  const moved = await sandbox.helm('rollback', 'pulsestream-core', '9', '--namespace', 'pulsestream-core-prod');
  expect(moved.code).toBe(0);

  const next = await connect(bin, home, 'plain');
  const settled = await until(
    async () => {
      const { approvals } = await next.ok('get_approval');
      return (approvals as { status: string; outcome?: { summary: string } }[])[0];
    },
    (approval) => approval?.status !== 'running',
    20_000,
  );
  expect(settled?.status).toBe('outcome_unknown');
  expect(settled?.outcome?.summary).toContain('not evidently this rollback');
});
