import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { until } from '../helpers/process.ts';
import { approving, type Session } from '../helpers/session.ts';
import { colleague, HELMS } from './helpers/at-hand.ts';
import { writeChart } from './helpers/chart.ts';
import { gated, meanwhile, onCall, settled } from './helpers/on-call.ts';
import { autoscaler, budget, type Kind, shaped } from './helpers/shapes.ts';
import { startWire } from './helpers/wire.ts';
import { workload } from './helpers/workloads.ts';

/** `scale_down` of one workload against a real API server and its controllers. */

const bin = new Bin();
afterAll(() => bin.empty());
const at = colleague();

let ns: string;
let session: Session;
beforeAll(async () => {
  ns = await at.namespace(bin, 'scale');
  ({ session } = await onCall(bin, [ns], { deadline: '4s' }));
});

const kubectl = (...argv: string[]) => at.kubectl('-n', ns, ...argv);
const ref = (kind: Kind, name: string) => `${kind.toLowerCase()}/${name}`;
async function make(kind: Kind, name: string, spec: Record<string, unknown> = {}): Promise<void> {
  await at.apply(shaped(kind, ns, name, { replicas: 3, ...spec }));
  await kubectl('rollout', 'status', ref(kind, name), '--timeout=30s');
}
const replicasOf = async (what: string): Promise<number> =>
  Number(await kubectl('get', what, '-o', 'jsonpath={.spec.replicas}'));
const podsOf = async (name: string): Promise<string[]> =>
  (await kubectl('get', 'pods', '-l', `app=${name}`, '-o', 'jsonpath={.items[*].metadata.name}'))
    .split(' ')
    .filter(Boolean);
/** Whatever risk it has: the target is typed where the form asks for it. */
function scale(service: string, replicas: number, by: Session = session) {
  by.human = approving(service);
  return gated(by, 'scale_down', { service, replicas });
}

describe.each<Kind>(['Deployment', 'StatefulSet'])('a %s', (kind) => {
  const name = `shrinks-${kind.toLowerCase()}`;

  test('is executed when the pods are gone: some, then all', async () => {
    await make(kind, name);
    const some = await scale(name, 1);
    expect(await podsOf(name)).toHaveLength(1);
    expect(some).toMatchObject({
      status: 'executed',
      plan: {
        risk: 'medium',
        blast_radius: { pods: 2 },
        command: expect.arrayContaining([ref(kind, name), '--replicas=1']),
      },
      outcome: { summary: `scaled ${kind} ${name} from 3 to 1 replicas`, details: { replicas: 1, pods: 1 } },
    });
    const all = await scale(name, 0);
    expect(await podsOf(name)).toEqual([]);
    expect(all).toMatchObject({ status: 'executed', plan: { risk: 'high' } });
    expect(all.plan.warnings).toContain(`${name} stops wholly.`);
    // A scale is no rollout: nothing that undo could go back to.
    expect((await kubectl('rollout', 'history', ref(kind, name))).match(/^\d+ /gm)).toHaveLength(1);
  });

  test('at 0 already there is nothing to do', async () => {
    session.forms.length = 0;
    const said = await session.call('scale_down', { service: name, reason: 'stop it' });
    expect(said).toMatchObject({ isError: true });
    expect(said.text).toContain(`CONFLICT: ${name} has 0 replicas already. Next: nothing needs to be done.`);
    expect(session.forms).toEqual([]);
  });
});

test.each<[string, Kind, number, RegExp]>([
  [
    'more replicas than there are',
    'Deployment',
    5,
    /^INVALID_INPUT: grow-deployment has 3 replicas; 5 would be a scale up/,
  ],
  ['a DaemonSet', 'DaemonSet', 0, /^CONFLICT: grow-daemonset is a DaemonSet: it has no replicas to scale/],
])('%s: refused', async (_what, kind, replicas, words) => {
  const name = `grow-${kind.toLowerCase()}`;
  await at.apply(workload(kind, ns, name, { replicas: 3 }));
  const said = await session.call('scale_down', { service: name, replicas, reason: 'wrong' });
  expect(said).toMatchObject({ isError: true, text: expect.stringMatching(words) });
});

test('the form tells who else holds on to it, and what is lost', async () => {
  const marks = { 'argocd.argoproj.io/tracking-id': 'shop:apps/StatefulSet:x/held' };
  await at.apply(
    shaped(
      'StatefulSet',
      ns,
      'held',
      { persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete', whenDeleted: 'Retain' } },
      { replicas: 3, annotations: marks, labels: { 'kustomize.toolkit.fluxcd.io/name': 'shop' } },
    ),
    autoscaler(ns, 'StatefulSet', 'held', 2, 6),
    budget(ns, 'held', 2),
  );
  await kubectl('rollout', 'status', 'statefulset/held', '--timeout=30s');
  session.forms.length = 0;
  const done = await scale('held', 1);
  expect(done.plan.risk).toBe('high');
  const message = session.forms[0]?.message ?? '';
  expect(message).toMatch(/^! Its volume claims go with the pods \(whenScaled: Delete\): the data on them is lost\.$/m);
  expect(message).toMatch(/^! Argo CD owns it and may bring the replicas back/m);
  expect(message).toMatch(/^! Flux owns it and may bring the replicas back/m);
  expect(message).toMatch(
    /^! HorizontalPodAutoscaler held keeps StatefulSet held between 2 and 6 replicas: it may undo/m,
  );
  expect(message).toMatch(/^! PodDisruptionBudget held asks for at least 2 available/m);
  expect(message).toContain('High risk: type the target ("held") to confirm.');
});

test.each(HELMS)('the next upgrade of %s brings the replicas back, as the warning says', async (which) => {
  const chart = await writeChart(
    bin,
    { name: 'shop', version: '1.0.0' },
    {
      'templates/web.yaml': workload('Deployment', '{{ .Release.Namespace }}', `${which}-web`, { replicas: 2 }),
    },
  );
  await at.helm(which, 'install', which, chart, `--namespace=${ns}`);
  const done = await scale(`${which}-web`, 0);
  expect(done.status).toBe('executed');
  expect(done.plan.warnings).toContain(
    `Helm owns it (${which}): the next upgrade or rollback sets the replicas of its chart again.`,
  );
  await at.helm(which, 'upgrade', which, chart, `--namespace=${ns}`);
  expect(await replicasOf(`deployment/${which}-web`)).toBe(2);
});

describe('a world that moves', () => {
  test('scaled by a colleague while the form is open: stale', async () => {
    await make('Deployment', 'moved');
    session.human = meanwhile(() => kubectl('scale', 'deployment/moved', '--replicas=2'), 'moved');
    expect(await gated(session, 'scale_down', { service: 'moved' })).toMatchObject({ status: 'stale' });
    expect(await replicasOf('deployment/moved')).toBe(2);
  });

  test('deleted and made again while the form is open: stale', async () => {
    await make('StatefulSet', 'remade');
    session.human = meanwhile(async () => {
      await kubectl('delete', 'statefulset/remade');
      await make('StatefulSet', 'remade');
    }, 'remade');
    expect(await gated(session, 'scale_down', { service: 'remade' })).toMatchObject({ status: 'stale' });
    expect(await replicasOf('statefulset/remade')).toBe(3);
  });

  test('pods that do not go: executed, and it says that they are still there', async () => {
    await make('StatefulSet', 'clings', { replicas: 2 });
    await kubectl('patch', 'pod/clings-1', '-p', '{"metadata":{"finalizers":["lab.example/hold"]}}');
    const done = await scale('clings', 1);
    expect(done.status).toBe('executed');
    expect(done.outcome?.summary).toBe(
      'scaled StatefulSet clings from 2 to 1 replicas; after 4s 2 of its pods are still there',
    );
    expect(session.progress.join('\n')).toContain('clings: 2 pods left, 1 wanted');
    await kubectl('patch', 'pod/clings-1', '--type=json', '-p', '[{"op":"remove","path":"/metadata/finalizers"}]');
  });

  test('brought back at once: failed, with how many are wanted now', async () => {
    await make('StatefulSet', 'fought', { replicas: 2 });
    await kubectl('patch', 'pod/fought-1', '-p', '{"metadata":{"finalizers":["lab.example/hold"]}}');
    session.progress.length = 0;
    const running = scale('fought', 1);
    await until(async () => session.progress.some((said) => said.startsWith('fought:')), Boolean);
    await kubectl('scale', 'statefulset/fought', '--replicas=2');
    const done = await running;
    expect(done.status).toBe('failed');
    expect(done.outcome?.summary).toContain('but somebody changed that at once: 2 replicas are wanted now');
    await kubectl('patch', 'pod/fought-1', '--type=json', '-p', '[{"op":"remove","path":"/metadata/finalizers"}]');
  });
});

describe.skipIf(at.lab.cluster === 'given')('on a wire that loses requests', () => {
  const isPatch = (method: string) => method === 'PATCH';
  const through = async (deadline = '5s') => {
    const wire = await startWire(bin, at.lab);
    return { wire, ...(await onCall(bin, [ns], { lab: wire.lab, deadline })) };
  };

  test('a colleague scales in the last moment: the API server itself refuses', async () => {
    const { wire, session: by } = await through();
    await make('Deployment', 'last-moment');
    wire.fault = (method) => (isPatch(method) ? 'hold' : 'pass');
    const running = scale('last-moment', 0, by);
    await wire.held();
    await kubectl('scale', 'deployment/last-moment', '--replicas=2');
    wire.release();
    const done = await running;
    expect(done.status).toBe('failed');
    expect(done.outcome?.summary).toBe(
      'refused, nothing was changed: Deployment last-moment is not what it was a moment ago: another object of that name, or other replicas.',
    );
    expect(await replicasOf('deployment/last-moment')).toBe(2);
  });

  test('the answer is lost: found in force', async () => {
    const { wire, session: by } = await through();
    await make('Deployment', 'unheard');
    wire.fault = (method) => (isPatch(method) ? 'lose' : 'pass');
    expect(await scale('unheard', 1, by)).toMatchObject({ status: 'executed' });
    expect(await replicasOf('deployment/unheard')).toBe(1);
  });

  test('the order is lost: failed, and nothing was changed', async () => {
    const { wire, session: by } = await through();
    await make('Deployment', 'unsent');
    wire.fault = (method) => (isPatch(method) ? 'drop' : 'pass');
    const done = await scale('unsent', 1, by);
    expect(done.status).toBe('failed');
    expect(done.outcome?.summary).toMatch(/^nothing was changed: Deployment unsent does not show the order/);
    expect(await replicasOf('deployment/unsent')).toBe(3);
  });

  test.each<[string, boolean, string, RegExp]>([
    ['before', false, 'failed', /kill-before in \S+ was not scaled: it has 3 replicas as before$/],
    ['after', true, 'executed', /kill-after in \S+ is scaled to 1 replicas$/],
  ])('kill -9 %s the order reached the cluster: the next server finds out', async (when, reached, status, words) => {
    const { wire, session: by, home } = await through();
    const name = `kill-${when}`;
    await make('Deployment', name);
    let ordered = false;
    wire.fault = (method) => {
      if (isPatch(method)) ordered = true;
      return isPatch(method) === !reached && ordered ? 'hold' : 'pass';
    };
    const running = scale(name, 1, by).catch(() => undefined);
    await wire.held();
    await by.kill();
    await running;
    wire.release('dropped');
    wire.fault = () => 'pass';
    const { session: next } = await onCall(bin, [ns], { home });
    const found = await settled(next);
    expect(found.status).toBe(status);
    expect(found.outcome?.summary).toMatch(words);
    expect(await replicasOf(`deployment/${name}`)).toBe(reached ? 1 : 3);
  });
});
