import { afterAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { approving, type Session } from '../helpers/session.ts';
import { colleague, HELMS } from './helpers/at-hand.ts';
import { aged, deployed, formOf, hookJob, sessionFor } from './helpers/deployed.ts';
import { workload } from './helpers/workloads.ts';

const bin = new Bin();
afterAll(() => bin.empty());
const at = colleague();
const own = at.lab.cluster === 'own';

const ROLLBACK = { release: 'web', revision: 1, reason: 'it is slow' };
const app = (ns: string, image: string, more: Parameters<typeof workload>[3] = {}) =>
  workload('Deployment', ns, 'web', { image: `registry.example/web:${image}`, ...more });

const summaryOf = (done: Record<string, unknown>): string => (done.outcome as { summary: string }).summary;
const run = (session: Session, args: object = {}) => session.call('rollback_release', { ...ROLLBACK, ...args });

describe.each(HELMS)('a rollback with %s', (which) => {
  test('is done, and tells its progress by workload', async () => {
    const ns = await at.namespace(bin, 'done');
    const one = await deployed(
      bin,
      at,
      which,
      ns,
      'web',
      {
        'templates/app.yaml': app(ns, '1.0.0', { replicas: 3 }),
        'templates/hook.yaml': hookJob('web-before', 'pre-rollback'),
      },
      { 'templates/app.yaml': app(ns, '2.0.0', { replicas: 3 }) },
    );
    const { session } = await sessionFor(bin, one);
    session.human = approving('web');
    const { data } = await run(session);
    expect(data.status).toBe('executed');
    expect(summaryOf(data)).toBe('rolled back web to revision 1, now revision 3 (deployed)');
    expect(await one.value('deployment/web', '{.spec.template.spec.containers[0].image}')).toBe(
      'registry.example/web:1.0.0',
    );
    expect((await one.history()).at(-1)).toEqual({ revision: 3, status: 'deployed', description: 'Rollback to 1' });
    expect(session.progress.join('\n')).toMatch(/^web 3\/3 ready$/m);
    // Its own answer again: it ran once.
    expect((await run(session, { approval_id: data.approval_id })).data.status).toBe('executed');
    expect(await one.history()).toHaveLength(3);
  });

  test.skipIf(!own)('whose pods never become ready is failed, and not the target of the next', async () => {
    const ns = await at.namespace(bin, 'stuck');
    const version = (image: string, fate?: 'stuck') => ({
      'templates/app.yaml': app(ns, image, { replicas: 2, ...(fate ? { fate } : {}) }),
    });
    const one = await deployed(
      bin,
      at,
      which,
      ns,
      'web',
      version('1.0.0'),
      version('1.1.0', 'stuck'),
      version('2.0.0'),
    );
    const { session } = await sessionFor(bin, one, { more: { rollout_deadline: '4s' } });
    session.human = approving('web');
    const { data } = await run(session, { revision: 2 });
    expect(data.status).toBe('failed');
    expect(summaryOf(data)).toMatch(
      /web is at revision 4 \(failed\): what helm applied of revision 2 stays.*; not ready: web \d\/2 (updated|ready) \(ImagePullBackOff\)$/,
    );
    await aged(one, { 1: 50, 2: 40, 3: 30 });
    const deploys = await session.ok('check_recent_deploys', { since: '1h' });
    expect((deploys.deploys as object[])[0]).toMatchObject({ revision: 4, status: 'failed' });
    expect(deploys.rollback_candidate ?? null).not.toMatchObject({ to_revision: 4 });
    session.human = () => ({ action: 'cancel' });
    const next = await session.ok('rollback_release', { release: 'web', reason: 'the first way did not work' });
    expect(next.plan).toMatchObject({ from: 4, to: 1 });
    expect(formOf(session)).toContain('! revision 2 skipped: revision 4 went back to it and did not end well.');
    expect(formOf(session)).toContain(
      '! revision 3 skipped: revision 4 tried to roll back from it and did not end well.',
    );
  });

  test.skipIf(!own)('whose hook fails says that the release is blocked, and what frees it', async () => {
    const ns = await at.namespace(bin, 'hook');
    const one = await deployed(
      bin,
      at,
      which,
      ns,
      'web',
      {
        'templates/app.yaml': app(ns, '1.0.0'),
        'templates/hook.yaml': hookJob('web-check', 'pre-rollback', { fate: 'fail' }),
      },
      { 'templates/app.yaml': app(ns, '2.0.0') },
    );
    const { session } = await sessionFor(bin, one);
    session.human = approving('web');
    const { data } = await run(session);
    expect(data.status).toBe('failed');
    expect(summaryOf(data)).toMatch(
      /hook web-check stopped the rollback; revision 3 is left pending-rollback: helm refuses every upgrade/,
    );
    expect(await one.value('deployment/web', '{.spec.template.spec.containers[0].image}')).toBe(
      'registry.example/web:2.0.0',
    );
    // The tool does not go over it by itself; the way that was named does.
    expect((await run(session)).text).toMatch(/^CONFLICT: web is pending-rollback at revision 3/);
    const way = /helm (rollback web 1 --namespace \S+ --no-hooks)/.exec(summaryOf(data))?.[1];
    await at.helm(which, ...String(way).split(' '));
    expect((await one.history()).at(-1)).toMatchObject({ revision: 4, status: 'deployed' });
  });

  test('is stale when the release changed between plan and approval', async () => {
    const ns = await at.namespace(bin, 'stale');
    const version = (image: string) => ({ 'templates/app.yaml': app(ns, image) });
    const one = await deployed(bin, at, which, ns, 'web', version('1.0.0'), version('2.0.0'));
    const { session } = await sessionFor(bin, one);
    session.human = async (form) => {
      await one.deploy(version('3.0.0'));
      return approving('web')(form);
    };
    const { data, text } = await run(session);
    expect(data.status).toBe('stale');
    expect(text).toMatch(/nothing was run\. Call rollback_release without approval_id for a new plan/);
    expect((await one.history()).map((r) => r.description)).toEqual([
      'Install complete',
      'Upgrade complete',
      'Upgrade complete',
    ]);
  });
});
