import { afterAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { until } from '../helpers/process.ts';
import { approving, connect } from '../helpers/session.ts';
import { declareFrom, eventsOf } from '../helpers/story.ts';
import { colleague, HELMS } from './helpers/at-hand.ts';
import { wireTo } from './helpers/cut.ts';
import { type Deployed, deployed, hookJob, sessionFor, withPolicy } from './helpers/deployed.ts';
import { workload } from './helpers/workloads.ts';

const bin = new Bin();
afterAll(() => bin.empty());
const at = colleague();
const own = at.lab.cluster === 'own';

const ROLLBACK = { release: 'web', revision: 1, reason: 'it is slow' };
const app = (ns: string, image: string, more: Parameters<typeof workload>[3] = {}): object => {
  const object = workload('Deployment', ns, 'web', { image: `registry.example/web:${image}`, ...more }) as {
    spec: Record<string, unknown>;
  };
  // Keeps helm waiting for a while.
  object.spec.minReadySeconds = 3;
  return object;
};
const hook = hookJob('web-before', 'pre-rollback');
/** Until helm has written its revision, so that it is in the middle. */
const begun = (one: Deployed): Promise<string> =>
  until(
    () => one.value('secret/sh.helm.release.v1.web.v3', '{.metadata.labels.status}').catch(() => ''),
    (status) => status !== '',
    20_000,
  );

interface Listed {
  approvals: { status: string; outcome?: { summary: string } }[];
}

describe.each(HELMS)('%s in the middle of a rollback', (which) => {
  /** Runs the rollback, kills the server on the way, and gives what the next server finds out. */
  async function killed(ns: string, old: object, warn: boolean) {
    const one = await deployed(
      bin,
      at,
      which,
      ns,
      'web',
      { 'templates/app.yaml': old, 'templates/hook.yaml': hook },
      { 'templates/app.yaml': app(ns, '2.0.0') },
    );
    if (warn) await withPolicy(bin, at, ns, 'Warn', 'false');
    const { home, session } = await sessionFor(bin, one, { more: { rollout_deadline: '8s' } });
    const incident = await declareFrom(session, 'SEV2');
    session.human = approving('web');
    const call = session.call('rollback_release', ROLLBACK).catch(() => null);
    expect(await begun(one)).toBe('pending-rollback');
    await session.kill();
    await call;
    const next = await connect(bin, home, 'plain');
    const list = async () => ((await next.ok('get_approval')) as unknown as Listed).approvals[0];
    expect((await list())?.status).toBe('running');
    const settled = await until(list, (approval) => approval?.status !== 'running', 30_000);
    const events = (await eventsOf(next, incident)).filter((event) => event.kind === 'command_finished');
    expect(events).toHaveLength(1);
    return { one, settled };
  }

  test.skipIf(!own)('outlives the server, also when the cluster makes it print warnings: executed', async () => {
    const ns = await at.namespace(bin, 'killed');
    const { one, settled } = await killed(ns, app(ns, '1.0.0'), true);
    expect(await one.history()).toContainEqual({ revision: 3, status: 'deployed', description: 'Rollback to 1' });
    expect(settled?.status).toBe('executed');
    expect(settled?.outcome?.summary).toMatch(
      /found out after the server that ran it had stopped: web is at revision 3 \(deployed\), rolled back to 1$/,
    );
  });

  test.skipIf(!own)('outlives the server and fails by itself: failed, with its reason', async () => {
    const ns = await at.namespace(bin, 'killed-stuck');
    const { settled } = await killed(ns, app(ns, '1.0.0', { fate: 'stuck' }), false);
    expect(settled?.status).toBe('failed');
    expect(settled?.outcome?.summary).toMatch(
      /web is at revision 3 \(failed\): what helm applied of revision 1 stays.*: Release "web" failed: /,
    );
  });

  test('loses the cluster: it is said that nobody knows, and what frees the release later', async () => {
    const ns = await at.namespace(bin, 'cut');
    const one = await deployed(
      bin,
      at,
      which,
      ns,
      'web',
      { 'templates/app.yaml': app(ns, '1.0.0'), 'templates/hook.yaml': hook },
      { 'templates/app.yaml': app(ns, '2.0.0') },
    );
    const wire = await wireTo(bin, at.lab);
    const { session } = await sessionFor(bin, one, {
      environment: { kubeconfig: wire.kubeconfig },
      more: { source_deadline: '2s' },
    });
    session.human = approving('web');
    const call = session.call('rollback_release', ROLLBACK);
    expect(await begun(one)).toBe('pending-rollback');
    wire.cut();
    const { data, text } = await call;
    expect(data.status).toBe('outcome_unknown');
    expect(text).toMatch(/it is not known what became of it\. Look at check_recent_deploys/);
    expect((data.outcome as { summary: string }).summary).toMatch(
      /^helm failed \(exit 1\): .*; the cluster could not be asked what became of it, and it may have taken effect in part or in whole$/,
    );
    expect((await session.call('rollback_release', ROLLBACK)).text).toMatch(/^UNAVAILABLE: .* Next: /);
    wire.mend();
    const deploys = (await session.ok('check_recent_deploys')).deploys as object[];
    expect(deploys).toContainEqual(expect.objectContaining({ revision: 3, status: 'pending-rollback' }));
    const { text: blocked } = await session.call('rollback_release', ROLLBACK);
    expect(blocked).toMatch(
      /^CONFLICT: web is pending-rollback at revision 3 since .* helm rollback web 1 --namespace/,
    );
  });
});
