import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { approving, type Session } from '../helpers/session.ts';
import { colleague } from './helpers/at-hand.ts';
import { gated, meanwhile, onCall } from './helpers/on-call.ts';
import { autoscaler, budget, KINDS, type Kind, shaped } from './helpers/shapes.ts';
import { workload } from './helpers/workloads.ts';

/** `restart_service` against a real API server and its controllers; kubectl is the witness. */

const bin = new Bin();
afterAll(() => bin.empty());
const at = colleague();
const STAMP = 'kubectl.kubernetes.io/restartedAt';

let ns: string;
let other: string;
let session: Session;
beforeAll(async () => {
  [ns, other] = await Promise.all([at.namespace(bin, 'restart'), at.namespace(bin, 'restart-too')]);
  ({ session } = await onCall(bin, [ns, other]));
});

interface Seen {
  metadata: { generation: number; uid: string };
  spec: { template: { metadata: { annotations?: Record<string, string> } } };
}
const look = async (what: string): Promise<Seen> =>
  JSON.parse(await at.kubectl('-n', ns, 'get', what, '-o', 'json')) as Seen;
const stampOf = async (what: string) => (await look(what)).spec.template.metadata.annotations?.[STAMP] ?? null;
const rolled = (what: string) => at.kubectl('-n', ns, 'rollout', 'status', what, '--timeout=30s');
const restart = (args: Record<string, unknown>) => gated(session, 'restart_service', args);
const ref = (kind: Kind, name: string) => `${kind.toLowerCase()}/${name}`;

interface Pods {
  items: {
    metadata: { name: string; annotations?: Record<string, string>; deletionTimestamp?: string };
    status: { conditions?: { type: string; status: string }[] };
  }[];
}
/** Live pods of a workload: `NAME=STAMP ready`. */
async function podsOf(name: string): Promise<{ name: string; stamp: string | null; ready: boolean }[]> {
  const { items } = JSON.parse(await at.kubectl('-n', ns, 'get', 'pods', '-l', `app=${name}`, '-o', 'json')) as Pods;
  return items
    .filter((pod) => pod.metadata.deletionTimestamp === undefined)
    .map(({ metadata, status }) => ({
      name: metadata.name,
      stamp: metadata.annotations?.[STAMP] ?? null,
      ready: (status.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'True'),
    }));
}

describe.each(KINDS)('a %s', (kind) => {
  const name = `rolls-${kind.toLowerCase()}`;
  const what = ref(kind, name);

  test('is executed when every pod is new and ready, as kubectl would have it', async () => {
    await at.apply(workload(kind, ns, name, { replicas: 3 }));
    await rolled(what);
    session.progress.length = 0;
    const done = await restart({ service: name });
    const pods = await podsOf(name);
    const stamp = await stampOf(what);
    expect(done).toMatchObject({ status: 'executed', plan: { command: expect.arrayContaining([what]) } });
    expect(stamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(pods.length).toBeGreaterThanOrEqual(3);
    expect(pods.filter((pod) => pod.stamp !== stamp || !pod.ready)).toEqual([]);
    expect(done.outcome?.summary).toBe(
      `restarted ${kind} ${name}: ${pods.length} of ${pods.length} pods new, ${pods.length} ready`,
    );
    expect(done.plan.blast_radius.pods).toBe(pods.length);
    expect(session.progress.join('\n')).toMatch(new RegExp(`^${name}: \\d of ${pods.length} pods new, \\d ready`, 'm'));
    expect(await at.kubectl('-n', ns, 'rollout', 'status', what, '--timeout=1s')).toMatch(/successfully|complete/);
  });

  test('has a second revision in kubectl’s history, and undo goes back', async () => {
    const history = await at.kubectl('-n', ns, 'rollout', 'history', what);
    expect(history.match(/^\d+ /gm)?.map((row) => Number(row))).toEqual([1, 2]);
    expect(await at.kubectl('-n', ns, 'rollout', 'history', what, '--revision=2')).toContain(STAMP);
    await at.kubectl('-n', ns, 'rollout', 'undo', what);
    await rolled(what);
    expect(await stampOf(what)).toBeNull();
    expect((await podsOf(name)).filter((pod) => pod.stamp !== null)).toEqual([]);
  });
});

test('the form says what runs, where and what it means', async () => {
  await at.apply(shaped('Deployment', ns, 'form', { strategy: { type: 'Recreate' } }, { replicas: 2 }));
  await at.apply(autoscaler(ns, 'Deployment', 'form', 2, 4), budget(ns, 'form', 1));
  await rolled('deployment/form');
  session.forms.length = 0;
  await restart({ service: 'form' });
  const message = session.forms[0]?.message ?? '';
  expect(message).toContain(`Target:       form in namespace ${ns}\n`);
  expect(message).toContain(`Command:      kubectl rollout restart deployment/form --namespace=${ns}\n`);
  expect(message).toContain('Blast radius: 2 pods');
  expect(message).toMatch(/^! Its strategy is Recreate: all pods stop/m);
  expect(message).toMatch(/^! HorizontalPodAutoscaler form keeps Deployment form between 2 and 4 replicas/m);
  expect(message).toMatch(/^! PodDisruptionBudget form asks for at least 1 available \(1 disruptions allowed now\)/m);
});

describe('a restart that would replace no pod is refused before anybody is asked', () => {
  test.each<[string, Kind, Record<string, unknown>, RegExp]>([
    ['paused', 'Deployment', { paused: true }, /is paused.*kubectl rollout resume/],
    ['none', 'Deployment', { replicas: 0 }, /has 0 replicas: there is nothing to restart/],
    ['empty', 'StatefulSet', { replicas: 0 }, /has 0 replicas: there is nothing to restart/],
    ['by-hand', 'StatefulSet', { updateStrategy: { type: 'OnDelete' } }, /update strategy OnDelete/],
    ['daemon-by-hand', 'DaemonSet', { updateStrategy: { type: 'OnDelete' } }, /update strategy OnDelete/],
    [
      'held-back',
      'StatefulSet',
      { replicas: 2, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } },
      /has partition 2 of 2 replicas/,
    ],
  ])('%s', async (name, kind, spec, words) => {
    await at.apply(shaped(kind, ns, name, spec));
    if (name === 'daemon-by-hand')
      await at.kubectl('-n', ns, 'wait', 'pod', '-l', `app=${name}`, '--for=create', '--timeout=20s');
    const before = await look(ref(kind, name));
    session.forms.length = 0;
    const said = await session.call('restart_service', { service: name, reason: 'stuck' });
    expect(said).toMatchObject({ isError: true, text: expect.stringMatching(/^CONFLICT: /) });
    expect(said.text).toMatch(words);
    expect(session.forms).toEqual([]);
    expect((await look(ref(kind, name))).metadata).toMatchObject({ generation: before.metadata.generation });
  });
});

test('a partition keeps its pods, and the outcome says so', async () => {
  const rollingUpdate = { partition: 1 };
  await at.apply(
    shaped('StatefulSet', ns, 'parted', { updateStrategy: { type: 'RollingUpdate', rollingUpdate } }, { replicas: 3 }),
  );
  await rolled('statefulset/parted');
  const done = await restart({ service: 'parted' });
  expect(done).toMatchObject({ status: 'executed', plan: { blast_radius: { pods: 2 }, risk: 'medium' } });
  expect(done.plan.warnings.join('\n')).toContain('Its partition is 1: pods with a smaller ordinal are not restarted.');
  expect(done.outcome?.summary).toContain('2 of 3 pods new, 3 ready, partition 1');
  const stamp = await stampOf('statefulset/parted');
  expect((await podsOf('parted')).filter((pod) => pod.stamp === stamp).map((pod) => pod.name)).toEqual([
    'parted-1',
    'parted-2',
  ]);
});

describe('names', () => {
  test('shared by two kinds are never guessed; kind says which', async () => {
    await at.apply(
      workload('Deployment', ns, 'twins'),
      workload('StatefulSet', ns, 'twins', { labels: { twin: 'b' } }),
    );
    await Promise.all(['deployment/twins', 'statefulset/twins'].map(rolled));
    const said = await session.call('restart_service', { service: 'twins', reason: 'stuck' });
    expect(said.isError).toBe(true);
    expect(said.text).toContain(
      `INVALID_INPUT: there are 2 workloads called twins: Deployment in ${ns}, StatefulSet in ${ns}. Next: say which one with kind.`,
    );
    expect(await restart({ service: 'twins', kind: 'StatefulSet' })).toMatchObject({ status: 'executed' });
    expect(await stampOf('statefulset/twins')).not.toBeNull();
    expect(await stampOf('deployment/twins')).toBeNull();
  });

  test('in two namespaces are never guessed', async () => {
    await at.apply(workload('Deployment', ns, 'doubled'), workload('Deployment', other, 'doubled'));
    const said = await session.call('restart_service', { service: 'doubled', reason: 'stuck' });
    expect(said.text).toContain(`Deployment in ${ns}, Deployment in ${other}. Next: say which one with namespace.`);
    expect(await restart({ service: 'doubled', namespace: ns })).toMatchObject({ status: 'executed' });
    expect(await stampOf('deployment/doubled')).not.toBeNull();
  });

  test('that do not exist get those most like them', async () => {
    await at.apply(
      ...['analysis-engine', 'gateway', 'billing'].map((name) => workload('Deployment', other, name, { replicas: 0 })),
    );
    const said = await session.call('restart_service', { service: 'analysis-engin', reason: 'stuck' });
    expect(said.text).toMatch(/^NOT_FOUND: no Deployment, StatefulSet or DaemonSet is called analysis-engin in /);
    expect(said.text).toMatch(/Next: the nearest of \d+ names: analysis-engine, /);
  });
});

describe('a world that moves between the plan and the approval', () => {
  const make = async (name: string) => {
    await at.apply(workload('Deployment', ns, name, { replicas: 2 }));
    await rolled(`deployment/${name}`);
  };

  test('deleted and made again: stale, and the new one is left alone', async () => {
    await make('replaced');
    session.human = meanwhile(async () => {
      await at.kubectl('-n', ns, 'delete', 'deployment/replaced');
      await make('replaced');
    });
    expect(await restart({ service: 'replaced' })).toMatchObject({ status: 'stale' });
    expect(await stampOf('deployment/replaced')).toBeNull();
  });

  test('restarted by a colleague: stale, and not restarted twice', async () => {
    await make('again');
    session.human = meanwhile(() => at.kubectl('-n', ns, 'rollout', 'restart', 'deployment/again'));
    expect(await restart({ service: 'again' })).toMatchObject({ status: 'stale' });
    expect((await look('deployment/again')).metadata.generation).toBe(2);
  });

  test('scaled by a colleague: it restarts, for that changes nothing about it', async () => {
    await make('scaled');
    session.human = meanwhile(() => at.kubectl('-n', ns, 'scale', 'deployment/scaled', '--replicas=3'));
    const done = await restart({ service: 'scaled' });
    expect(done).toMatchObject({ status: 'executed' });
    expect(done.outcome?.summary).toContain('3 of 3 pods new, 3 ready');
  });

  test.each<[string, string[], RegExp]>([
    ['paused', ['rollout', 'pause'], /is paused/],
    ['deleted', ['delete'], /^NOT_FOUND: .* is called deleted/],
  ])('%s by a colleague: nothing runs', async (name, argv, words) => {
    await make(name);
    session.human = meanwhile(() => at.kubectl('-n', ns, ...argv, `deployment/${name}`));
    const said = await session.call('restart_service', { service: name, reason: 'stuck' });
    expect(said.isError).toBe(true);
    expect(said.text).toMatch(words);
    if (name === 'paused') expect(await stampOf('deployment/paused')).toBeNull();
  });

  afterAll(() => {
    session.human = approving();
  });
});
