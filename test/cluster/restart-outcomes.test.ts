import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { until } from '../helpers/process.ts';
import type { Session } from '../helpers/session.ts';
import { colleague } from './helpers/at-hand.ts';
import { gated, onCall, settled } from './helpers/on-call.ts';
import { freeze, shaped } from './helpers/shapes.ts';
import { startWire } from './helpers/wire.ts';
import { workload } from './helpers/workloads.ts';

/** How a restart that was approved ends when it does not go well. */

const bin = new Bin();
afterAll(() => bin.empty());
const at = colleague();
const STAMP = 'kubectl.kubernetes.io/restartedAt';
const STUCK = JSON.stringify({ spec: { template: { metadata: { annotations: { 'lab/fate': 'stuck' } } } } });

let ns: string;
beforeAll(async () => {
  ns = await at.namespace(bin, 'restart-ends');
});
const kubectl = (...argv: string[]) => at.kubectl('-n', ns, ...argv);
const rolled = (what: string) => kubectl('rollout', 'status', what, '--timeout=30s');
async function make(name: string, spec: Record<string, unknown> = {}): Promise<void> {
  await at.apply(shaped('Deployment', ns, name, spec, { replicas: 2 }));
  await rolled(`deployment/${name}`);
}
const stampOf = async (name: string): Promise<string | undefined> =>
  JSON.parse(await kubectl('get', 'deployment', name, '-o', 'json')).spec.template.metadata.annotations?.[STAMP];
const isPatch = (method: string) => method === 'PATCH';
const restart = (session: Session, service: string) => gated(session, 'restart_service', { service });

// The fates of pods are the own lab's.
describe.skipIf(at.lab.cluster === 'given')('pods that do not come up', () => {
  let session: Session;
  beforeAll(async () => {
    ({ session } = await onCall(bin, [ns], { deadline: '3s' }));
  });

  test('the deadline passes: failed, with how far it came and why', async () => {
    await make('stuck');
    await kubectl('patch', 'deployment/stuck', '-p', STUCK);
    const done = await restart(session, 'stuck');
    expect(done.plan.warnings.join('\n')).toMatch(/A rollout of it is going on already \(1 of 2 pods new, 2 ready/);
    expect(done.status).toBe('failed');
    expect(done.outcome?.summary).toMatch(
      /^the restart of Deployment stuck was ordered and goes on, but did not complete within 3s: 1 of 2 pods new, 2 ready, 2 old left; ImagePullBackOff in 1 pod$/,
    );
    expect(done.outcome?.details).toMatchObject({ updated: 1, ready: 2, desired: 2 });
    await kubectl('rollout', 'undo', 'deployment/stuck', '--to-revision=1');
    expect(await rolled('deployment/stuck')).toContain('successfully');
  });

  test('its progress deadline passes first: failed, as kubectl says it too', async () => {
    await make('gave-up', { progressDeadlineSeconds: 1 });
    await kubectl('patch', 'deployment/gave-up', '-p', STUCK);
    await kubectl('wait', 'deployment/gave-up', '--for=condition=Progressing=False', '--timeout=20s');
    const done = await restart(session, 'gave-up');
    expect(done.plan.warnings.join('\n')).toMatch(
      /Its last rollout exceeded its progress deadline .* may fail the same way/,
    );
    expect(done.status).toBe('failed');
    expect(done.outcome?.summary).toMatch(
      /was ordered, but exceeded its progress deadline: .*ProgressDeadlineExceeded/,
    );
    await expect(rolled('deployment/gave-up')).rejects.toThrow(/exceeded its progress deadline/);
  });

  test('a StatefulSet stops at the pod that does not become ready', async () => {
    await at.apply(workload('StatefulSet', ns, 'chain', { replicas: 2 }));
    await rolled('statefulset/chain');
    await kubectl('patch', 'statefulset/chain', '-p', STUCK);
    const done = await restart(session, 'chain');
    expect(done.status).toBe('failed');
    expect(done.outcome?.summary).toMatch(
      /did not complete within 3s: \d of 2 pods new, 1 ready; ImagePullBackOff in 1 pod/,
    );
  });
});

describe.skipIf(at.lab.cluster === 'given')('somebody else acts in the middle', () => {
  /** Restarts what cannot finish, and acts once the rollout is under way. */
  async function midway(name: string, act: () => Promise<unknown>) {
    const { session } = await onCall(bin, [ns], { deadline: '30s' });
    await make(name);
    await kubectl('patch', `deployment/${name}`, '-p', STUCK);
    const running = restart(session, name);
    await until(async () => session.progress.some((said) => said.includes('pods new')), Boolean);
    await act();
    return running;
  }

  test('deleted: failed at once', async () => {
    const done = await midway('deleted', () => kubectl('delete', 'deployment/deleted'));
    expect(done).toMatchObject({ status: 'failed' });
    expect(done.outcome?.summary).toBe('the restart of Deployment deleted was ordered, but it was deleted meanwhile');
  });

  test('undone: failed, although what runs now is complete', async () => {
    const done = await midway('undone', () => kubectl('rollout', 'undo', 'deployment/undone', '--to-revision=1'));
    expect(done).toMatchObject({ status: 'failed' });
    expect(done.outcome?.summary).toContain('its pod template was changed back or restarted anew by somebody else');
  });
});

// Policies belong to the whole cluster: on a given one nobody asked for them.
describe.skipIf(at.lab.cluster === 'given')('admission refuses the change', () => {
  test.each<['Forbidden' | undefined, string]>([
    ['Forbidden', 'with 403'],
    [undefined, 'with 422'],
  ])('%s, %s', async (reason) => {
    const frozen = await at.namespace(bin, `frozen-${reason ? 'a' : 'b'}`);
    const objects = freeze(frozen, 'change freeze until Monday, ask the release captain', reason);
    bin.add(() =>
      at.kubectl('delete', 'validatingadmissionpolicy,validatingadmissionpolicybinding', frozen, '--ignore-not-found'),
    );
    await at.apply(workload('Deployment', frozen, 'web'));
    await at.apply(...objects);
    // A policy is in force some moments after it was made.
    await until(
      () => at.kubectl('-n', frozen, 'label', 'deployment/web', 'a=b', '--overwrite', '--dry-run=server').catch(String),
      (said) => said.includes('change freeze'),
    );
    const { session } = await onCall(bin, [frozen]);
    for (const [tool, args] of [
      ['restart_service', { service: 'web' }],
      ['scale_down', { service: 'web' }],
    ] as const) {
      session.human = (form) => ({
        action: 'accept',
        content: {
          approve: true,
          approver: 'Ada',
          ...('target' in form.requestedSchema.properties ? { target: 'web' } : {}),
        },
      });
      const { text, data } = await session.call(tool, { ...args, reason: 'stuck' });
      expect(data).toMatchObject({ status: 'failed' });
      expect((data.outcome as { summary: string }).summary).toMatch(
        /^refused, nothing was changed: the cluster's admission control did not let patch deployments\.apps(\/scale)? "web" in namespace \S+ pass\. It said: .*change freeze until Monday, ask the release captain/,
      );
      // They are the cluster's words, not ours.
      expect(text).toMatch(/<untrusted source="outcome"[^>]*>\n[^<]*change freeze until Monday/);
    }
    expect(JSON.parse(await at.kubectl('-n', frozen, 'get', 'deployment/web', '-o', 'json')).metadata.generation).toBe(
      1,
    );
  });
});

describe.skipIf(at.lab.cluster === 'given')('the API server goes away', () => {
  test('the order arrives and its answer is lost: it is found in force, and followed', async () => {
    const wire = await startWire(bin, at.lab);
    const { session } = await onCall(bin, [ns], { lab: wire.lab });
    await make('lost-answer');
    wire.fault = (method) => (isPatch(method) ? 'lose' : 'pass');
    const done = await restart(session, 'lost-answer');
    expect(done).toMatchObject({ status: 'executed' });
    expect(await stampOf('lost-answer')).toBeDefined();
  });

  test('the order does not arrive: failed, and nothing was changed', async () => {
    const wire = await startWire(bin, at.lab);
    const { session } = await onCall(bin, [ns], { lab: wire.lab });
    await make('lost-order');
    wire.fault = (method) => (isPatch(method) ? 'drop' : 'pass');
    const done = await restart(session, 'lost-order');
    expect(done.status).toBe('failed');
    expect(done.outcome?.summary).toMatch(
      /^nothing was changed: Deployment lost-order does not show the order; the answer to the order was lost/,
    );
    expect(await stampOf('lost-order')).toBeUndefined();
  });

  test('it is away for a while in the middle: the outcome is the truth of after', async () => {
    const wire = await startWire(bin, at.lab);
    const { session } = await onCall(bin, [ns], { lab: wire.lab });
    await make('away');
    let orders = 0;
    wire.fault = (method) => {
      if (isPatch(method)) orders += 1;
      return orders > 0 && !isPatch(method) ? 'drop' : 'pass';
    };
    setTimeout(() => {
      wire.fault = () => 'pass';
    }, 3_000);
    expect(await restart(session, 'away')).toMatchObject({ status: 'executed' });
  });

  test.each<[string, (orders: number) => 'drop' | 'pass', RegExp]>([
    [
      'after the order',
      () => 'pass',
      /^the restart of Deployment gone was ordered; whether it completed cannot be read: /,
    ],
    ['with the order', () => 'drop', /^it is not known whether it took effect: the answer to the order was lost/],
  ])('it stays away %s: the outcome is unknown', async (_when, ofOrder, words) => {
    const wire = await startWire(bin, at.lab);
    const { session } = await onCall(bin, [ns], { lab: wire.lab, deadline: '2s' });
    await make('gone');
    let orders = 0;
    wire.fault = (method) => {
      if (isPatch(method)) orders += 1;
      return isPatch(method) ? ofOrder(orders) : orders > 0 ? 'drop' : 'pass';
    };
    const done = await restart(session, 'gone');
    expect(done.status).toBe('outcome_unknown');
    expect(done.outcome?.summary).toMatch(words);
  });

  test('before the order: an error, and nothing ran', async () => {
    const wire = await startWire(bin, at.lab);
    const { session } = await onCall(bin, [ns], { lab: wire.lab });
    await make('before');
    const yes = session.human;
    session.human = (form) => {
      wire.fault = () => 'drop';
      return yes(form);
    };
    const { isError, text } = await session.call('restart_service', { service: 'before', reason: 'stuck' });
    expect(isError).toBe(true);
    expect(text).toMatch(/^UNAVAILABLE: the connection to the Kubernetes API server /);
    expect(await stampOf('before')).toBeUndefined();
  });
});

describe.skipIf(at.lab.cluster === 'given')('kill -9 in the middle; the next server finds out', () => {
  async function killed(name: string, during: 'order' | 'rollout') {
    const wire = await startWire(bin, at.lab);
    const { session, home } = await onCall(bin, [ns], { lab: wire.lab });
    await make(name);
    let ordered = false;
    wire.fault = (method) => {
      if (isPatch(method)) ordered = true;
      // Of the rollout nothing is seen, so that it cannot be over before the kill.
      return during === 'order' ? (isPatch(method) ? 'hold' : 'pass') : ordered && !isPatch(method) ? 'hold' : 'pass';
    };
    const running = restart(session, name).catch(() => undefined);
    await wire.held();
    await session.kill();
    await running;
    wire.release('dropped');
    wire.fault = () => 'pass';
    const { session: next } = await onCall(bin, [ns], { home });
    return settled(next);
  }

  test('before the order reached the cluster: failed', async () => {
    const found = await killed('unborn', 'order');
    expect(found.status).toBe('failed');
    expect(found.outcome?.summary).toMatch(
      /after the server that ran it had stopped: Deployment unborn was not restarted$/,
    );
    expect(await stampOf('unborn')).toBeUndefined();
  });

  test('after the order: executed', async () => {
    const found = await killed('orphan', 'rollout');
    expect(found.status).toBe('executed');
    expect(found.outcome?.summary).toMatch(/restarted Deployment orphan: 2 of 2 pods new, 2 ready$/);
    expect(await stampOf('orphan')).toBeDefined();
  });
});
