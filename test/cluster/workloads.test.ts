import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import type { Called, Session } from '../helpers/session.ts';
import { colleague } from './helpers/at-hand.ts';
import { onCall } from './helpers/on-call.ts';
import { shaped } from './helpers/shapes.ts';
import { workload } from './helpers/workloads.ts';

/** What `get_system_health` makes of the three kinds of workloads in all their states, and of what is no workload. */

const bin = new Bin();
afterAll(() => bin.empty());
const at = colleague();

interface Component {
  name: string;
  kind: string;
  status: string;
  reason: string;
  ready: number | null;
  desired: number | null;
  restarts: number | null;
}

let ns: string;
let session: Session;
let seen: Called;
const kubectl = (...argv: string[]) => at.kubectl('-n', ns, ...argv);
const patchTemplate = (what: string, annotations: Record<string, string>) =>
  kubectl('patch', what, '-p', JSON.stringify({ spec: { template: { metadata: { annotations } } } }));

const pod = (name: string, fate: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: ns, annotations: { 'lab/fate': fate } },
  spec: { containers: [{ name: 'app', image: 'registry.example/app:1' }] },
});
const jobSpec = (fate: string) => ({
  backoffLimit: 0,
  template: {
    metadata: { annotations: { 'lab/fate': fate } },
    spec: { restartPolicy: 'Never', containers: [{ name: 'app', image: 'registry.example/app:1' }] },
  },
});
const job = (name: string, fate: string) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, namespace: ns },
  spec: jobSpec(fate),
});
const cronJob = (name: string) => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name, namespace: ns },
  spec: { schedule: '0 0 1 1 *', suspend: true, jobTemplate: { spec: jobSpec('ready') } },
});

// The states come from the fates of the own lab's pods.
describe.skipIf(at.lab.cluster === 'given')('health of workloads', () => {
  beforeAll(async () => {
    ns = await at.namespace(bin, 'health');
    await at.apply(
      workload('Deployment', ns, 'well', { replicas: 2 }),
      workload('StatefulSet', ns, 'well-set', { replicas: 2 }),
      workload('DaemonSet', ns, 'well-daemon'),
      workload('StatefulSet', ns, 'stuck', { fate: 'stuck' }),
      workload('DaemonSet', ns, 'crashing', { fate: 'crash' }),
      workload('Deployment', ns, 'rolling', { replicas: 2 }),
      shaped('Deployment', ns, 'gave-up', { progressDeadlineSeconds: 1 }, { replicas: 2 }),
      workload('Deployment', ns, 'halted', { replicas: 2 }),
      workload('Deployment', ns, 'zero', { replicas: 0 }),
      workload('StatefulSet', ns, 'zero-set', { replicas: 0 }),
      shaped('StatefulSet', ns, 'by-hand', { updateStrategy: { type: 'OnDelete' } }, { replicas: 2 }),
      shaped('DaemonSet', ns, 'daemon-by-hand', { updateStrategy: { type: 'OnDelete' } }),
      job('migration', 'fail'),
      job('backup', 'ready'),
      cronJob('nightly'),
      pod('bare', 'ready'),
      pod('bare-crash', 'crash'),
    );
    const rolled = (what: string) => kubectl('rollout', 'status', what, '--timeout=30s');
    await Promise.all(
      [
        'deployment/well',
        'statefulset/well-set',
        'daemonset/well-daemon',
        'deployment/rolling',
        'deployment/gave-up',
      ].map(rolled),
    );
    await rolled('deployment/halted');
    // A new template under OnDelete reaches no pod: what runs is still well.
    await patchTemplate('statefulset/by-hand', { again: 'yes' });
    await patchTemplate('daemonset/daemon-by-hand', { again: 'yes' });
    await patchTemplate('deployment/rolling', { 'lab/fate': 'stuck' });
    await patchTemplate('deployment/gave-up', { 'lab/fate': 'stuck' });
    await kubectl('rollout', 'pause', 'deployment/halted');
    await kubectl('wait', 'deployment/gave-up', '--for=condition=Progressing=False', '--timeout=20s');
    await kubectl('wait', 'job/migration', '--for=condition=Failed', '--timeout=20s');
    await kubectl('wait', 'job/backup', '--for=condition=Complete', '--timeout=20s');
    await kubectl('wait', 'daemonset/crashing', '--for=jsonpath={.status.currentNumberScheduled}=5', '--timeout=20s');
    ({ session } = await onCall(bin, [ns]));
    seen = await session.call('get_system_health');
  });

  const of = (name: string): Component | undefined =>
    (seen.data.components as Component[]).find((component) => component.name === name);

  test.each<[string, string, string, RegExp]>([
    ['well', 'Deployment', 'healthy', /^2 of 2 ready$/],
    ['well-set', 'StatefulSet', 'healthy', /^2 of 2 ready$/],
    ['well-daemon', 'DaemonSet', 'healthy', /^5 of 5 ready$/],
    ['stuck', 'StatefulSet', 'down', /^0 of 1 ready.*ImagePullBackOff in 1 pod/],
    ['crashing', 'DaemonSet', 'down', /^0 of 5 ready.*CrashLoopBackOff in 5 pods/],
    ['rolling', 'Deployment', 'degraded', /^ImagePullBackOff in 1 pod$/],
    ['gave-up', 'Deployment', 'degraded', /ImagePullBackOff in 1 pod; Progressing=False: ProgressDeadlineExceeded/],
    ['halted', 'Deployment', 'healthy', /^2 of 2 ready/],
    ['zero', 'Deployment', 'healthy', /^scaled to 0$/],
    ['zero-set', 'StatefulSet', 'healthy', /^scaled to 0$/],
    ['by-hand', 'StatefulSet', 'healthy', /^2 of 2 ready$/],
    ['daemon-by-hand', 'DaemonSet', 'healthy', /^5 of 5 ready$/],
  ])('%s, a %s, is %s', (name, kind, status, reason) => {
    expect(of(name)).toMatchObject({ kind, status, reason: expect.stringMatching(reason) });
  });

  test('restarts are those of its own pods', () => {
    expect(of('crashing')).toMatchObject({ ready: 0, desired: 5, restarts: 25 });
    expect(of('well')).toMatchObject({ ready: 2, desired: 2, restarts: 0 });
  });

  test('Jobs, CronJobs and pods without an owner are no components', () => {
    const names = (seen.data.components as Component[]).map((component) => component.name);
    expect(names).toHaveLength(12);
    for (const name of ['migration', 'backup', 'nightly', 'bare', 'bare-crash']) expect(names).not.toContain(name);
  });

  test('the text is for the one who reads it: worst first, short, the well ones counted', () => {
    expect(seen.text).toMatch(/^prod is degraded: 4 of 12 components are not healthy, 8 healthy; 0 alerts fire\./);
    expect(seen.text.indexOf('crashing (DaemonSet')).toBeLessThan(seen.text.indexOf('gave-up (Deployment'));
    expect(Buffer.byteLength(seen.text)).toBeLessThan(2_000);
  });

  test('a Job’s failed pod, and a namesake of another kind, are not blamed on a workload', async () => {
    await at.apply(job('well', 'fail'), workload('StatefulSet', ns, 'rolling', { replicas: 2, labels: { of: 'set' } }));
    await kubectl('wait', 'job/well', '--for=condition=Failed', '--timeout=20s');
    await kubectl('rollout', 'status', 'statefulset/rolling', '--timeout=20s');
    const { components } = await session.ok('get_system_health', { component: 'well' });
    expect(components).toMatchObject([{ kind: 'Deployment', status: 'healthy', reason: '2 of 2 ready' }]);
    const twins = (await session.ok('get_system_health', { component: 'rolling' })).components as Component[];
    expect(twins.map(({ kind, status }) => `${kind} ${status}`).sort()).toEqual([
      'Deployment degraded',
      'StatefulSet healthy',
    ]);
  });
});
