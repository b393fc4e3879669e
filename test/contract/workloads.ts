import { beforeAll, describe, expect, test } from 'vitest';
import type { WorkloadKind } from '../../src/ports/kubernetes.ts';
import { until } from '../helpers/process.ts';
import { type Adapters, adapters, type Body, type Check, type RawOptions, READ, raw, type World } from './world.ts';

const KINDS = ['Deployment', 'StatefulSet', 'DaemonSet'] as const satisfies WorkloadKind[];
const JSON_PATCH = 'application/json-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const OTHER_UID = '00000000-0000-4000-8000-000000000000';

/** Reading and changing workloads by our adapter, and the forms of refusal that it relies on. */
export function workloadsContract(world: () => World, check: Check): void {
  let our: Adapters;
  beforeAll(() => {
    our = adapters(world());
  });
  const pathOf = (kind: WorkloadKind): string => {
    const { namespace, name } = world().workloads[kind];
    return `/apis/apps/v1/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`;
  };
  const get = (kind: WorkloadKind) => {
    const { namespace, name } = world().workloads[kind];
    return our.reader.getWorkload(namespace, kind, name, READ);
  };
  const present = async (kind: WorkloadKind) => {
    const found = await get(kind);
    if (!found) throw new Error(`there is no ${kind}`);
    return found;
  };
  const settled = (kind: WorkloadKind) =>
    until(
      () => present(kind),
      (w) => w.observed_generation === w.generation && w.ready === w.desired && w.updated === w.desired,
      20_000,
    );

  describe('workloads', () => {
    test.each(KINDS)('%s: what is read of it', async (kind) => {
      const { namespace, name } = world().workloads[kind];
      const one = await present(kind);
      const { body } = await raw(world(), pathOf(kind));
      expect(one).toMatchObject({ kind, namespace, name, paused: false, conditions: [] });
      expect(one.uid).toBe(body.metadata.uid);
      expect(one.generation).toBe(body.metadata.generation);
      expect(one.observed_generation).toBe(one.generation);
      expect(one.desired).toBeGreaterThan(0);
      expect([one.ready, one.updated, one.available]).toEqual([one.desired, one.desired, one.desired]);
      expect(one.images).toEqual([expect.stringMatching(/^[\w./-]+:[\w.-]+$/)]);
      expect(one.labels).toEqual(body.metadata.labels ?? {});
      expect(Date.parse(one.created_at ?? '')).toBe(Date.parse(body.metadata.creationTimestamp));
      const listed = await our.reader.listWorkloads([namespace], READ);
      expect(listed.find((w) => w.kind === kind && w.name === name)).toEqual(one);
      const pods = await our.reader.summarizePods([namespace], READ);
      expect(pods.find((p) => p.owner === name)).toMatchObject({ pods: one.desired, ready: one.desired, problems: {} });
    });

    test('one that is not there is null, also in a namespace that is not there', async () => {
      const { namespace } = world().workloads.Deployment;
      expect(await our.reader.getWorkload(namespace, 'Deployment', 'ghost', READ)).toBeNull();
      expect(await our.reader.getWorkload('no-such-namespace', 'Deployment', 'ghost', READ)).toBeNull();
    });

    test('warnings are events of that type, newest first', async () => {
      const { troubled } = world();
      const warnings = await our.reader.listWarnings([troubled], 50, READ);
      expect(warnings.length).toBeGreaterThan(0);
      for (const { namespace, object, reason, count } of warnings) {
        expect(namespace).toBe(troubled);
        expect(object).toMatch(/^[A-Z]\w+\/[a-z]/);
        expect(reason).toMatch(/^[A-Z]\w+$/);
        expect(count).toBeGreaterThan(0);
      }
      const instants = warnings.map((warning) => warning.last_seen ?? '');
      expect(instants).toEqual(instants.toSorted().reverse());
      const { body } = await raw(world(), `/api/v1/namespaces/${troubled}/events?fieldSelector=type%3DWarning`);
      expect(new Set(body.items.map((event) => event.type))).toEqual(new Set(['Warning']));
    });

    test('restart: the annotation, a new generation, and the pods anew', async () => {
      const { namespace, name } = world().workloads.Deployment;
      const before = await present('Deployment');
      const at = new Date();
      const only_if = { uid: before.uid };
      const generation = await our.actuator.restart(namespace, 'Deployment', name, at, { ...READ, only_if });
      expect(generation).toBe(before.generation + 1);
      const after = await settled('Deployment');
      expect(after).toMatchObject({ generation, observed_generation: generation, ready: before.desired });
      expect(Date.parse(after.restarted_at ?? '')).toBe(Math.floor(at.getTime() / 1_000) * 1_000);
    });

    test('restart of another object of that name is refused and changes nothing', async () => {
      const { namespace, name } = world().workloads.StatefulSet;
      const before = await present('StatefulSet');
      const refused = our.actuator.restart(namespace, 'StatefulSet', name, new Date(), {
        ...READ,
        only_if: { uid: OTHER_UID },
      });
      await expect(refused).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await present('StatefulSet')).toEqual(before);
    });

    test('scale: under conditions that hold, and back', async () => {
      const { namespace, name } = world().workloads.Deployment;
      const { uid, desired, generation } = await settled('Deployment');
      const scale = (from: number, to: number) =>
        our.actuator.scale(namespace, 'Deployment', name, to, { ...READ, only_if: { uid, replicas: from } });
      await scale(desired, desired + 1);
      expect(await present('Deployment')).toMatchObject({ uid, desired: desired + 1, generation: generation + 1 });
      const { body } = await raw(world(), `${pathOf('Deployment')}/scale`);
      expect(body).toMatchObject({
        kind: 'Scale',
        apiVersion: 'autoscaling/v1',
        metadata: { name, namespace, uid },
        spec: { replicas: desired + 1 },
        status: { selector: expect.stringContaining('=') },
      });
      await scale(desired + 1, desired);
      expect(await settled('Deployment')).toMatchObject({ desired });
    });

    test.each([
      ['another uid', { uid: OTHER_UID }],
      ['other replicas', { replicas: 77 }],
    ])('scale under a condition that does not hold (%s) is refused and changes nothing', async (_name, other) => {
      const { namespace, name } = world().workloads.StatefulSet;
      const before = await present('StatefulSet');
      const only_if = { uid: before.uid, replicas: before.desired, ...other };
      const refused = our.actuator.scale(namespace, 'StatefulSet', name, 5, { ...READ, only_if });
      await expect(refused).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await present('StatefulSet')).toEqual(before);
    });
  });

  describe('refusals', () => {
    const test_ = { op: 'test', path: '/metadata/uid', value: OTHER_UID };
    const patch = (type: string, body: unknown): RawOptions => ({ method: 'PATCH', type, body });
    const ghost = (kind: WorkloadKind): string => pathOf(kind).replace(/[^/]+$/, 'ghost');
    test.each<[string, () => Promise<[string, RawOptions]>, number, string]>([
      ['an object that is not there', async () => [ghost('Deployment'), {}], 404, 'NotFound'],
      ['a path that is not there', async () => ['/apis/apps/v1/namespaces/default/wheels/x', {}], 404, 'NotFound'],
      [
        'a test of a JSON patch that fails',
        async () => [pathOf('Deployment'), patch(JSON_PATCH, [test_])],
        422,
        'Invalid',
      ],
      [
        'such a test of the scale',
        async () => [`${pathOf('Deployment')}/scale`, patch(JSON_PATCH, [test_])],
        422,
        'Invalid',
      ],
      [
        'a path of a JSON patch that is not there',
        async () => [pathOf('Deployment'), patch(JSON_PATCH, [{ op: 'remove', path: '/spec/wheels' }])],
        422,
        'Invalid',
      ],
      [
        'a patch of another uid',
        async () => [pathOf('Deployment'), patch(STRATEGIC, { metadata: { uid: OTHER_UID } })],
        422,
        'Invalid',
      ],
      [
        'a patch of an old version',
        async () => [pathOf('Deployment'), patch(STRATEGIC, { metadata: { resourceVersion: '1' } })],
        409,
        'Conflict',
      ],
      [
        'negative replicas',
        async () => [pathOf('Deployment'), patch(STRATEGIC, { spec: { replicas: -1 } })],
        422,
        'Invalid',
      ],
      [
        'a kind of patch that is none',
        async () => [pathOf('Deployment'), patch('text/plain', {})],
        415,
        'UnsupportedMediaType',
      ],
      [
        'the creation of what is there',
        async () => {
          const { body } = await raw(world(), pathOf('Deployment'));
          const { name, namespace, labels } = body.metadata;
          const metadata = { name, namespace, labels };
          const fresh: Partial<Body> = { ...body, metadata: metadata as Body['metadata'], status: undefined };
          return [pathOf('Deployment').replace(/\/[^/]+$/, ''), { method: 'POST', body: fresh }];
        },
        409,
        'AlreadyExists',
      ],
    ])('%s', async (_name, request, status, reason) => {
      const [path, options] = await request();
      const answer = await raw(world(), path, options);
      expect({ status: answer.status, reason: answer.body.reason }).toEqual({ status, reason });
      expect(answer.body).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status });
      expect(answer.body.message).not.toBe('');
    });

    test('name what was not found', async () => {
      const { body } = await raw(world(), ghost('Deployment'));
      expect(body.message).toBe('deployments.apps "ghost" not found');
      expect(body.details).toEqual({ name: 'ghost', group: 'apps', kind: 'deployments' });
    });

    const STRANGERS = [
      [401, /credentials were refused by the Kubernetes API server/, /sign in again/],
      [403, /the credentials do not allow to list secrets in namespace/, /ask for the verb "list" on secrets/],
    ] as const;
    for (const [status, message, next] of STRANGERS) {
      check(`of a stranger (${status}) name what is missing`, async () => {
        const { namespace, release } = world().release;
        await world().asStranger(status, async (kubeconfig) => {
          const stranger = adapters({ ...world(), kubeconfig });
          const expected = {
            code: 'FORBIDDEN',
            message: expect.stringMatching(message),
            next: expect.stringMatching(next),
          };
          await expect(stranger.helm.reader.history([namespace], [release], 1, READ)).rejects.toMatchObject(expected);
          const { name } = world().workloads.Deployment;
          const restart = stranger.actuator.restart(namespace, 'Deployment', name, new Date(), READ);
          await expect(restart).rejects.toMatchObject({ code: 'FORBIDDEN' });
        });
      });
    }

    test('reach the caller as the errors of the contract', async () => {
      const { namespace } = world().workloads.Deployment;
      const restart = our.actuator.restart(namespace, 'Deployment', 'ghost', new Date(), READ);
      await expect(restart).rejects.toMatchObject({ code: 'NOT_FOUND' });
      const subject = { verb: 'get', resource: 'wheels.apps', namespace } as const;
      const wheels = our.api.get({ path: `/apis/apps/v1/namespaces/${namespace}/wheels`, subject }, READ);
      await expect(wheels).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: expect.stringContaining('wheels.apps'),
      });
    });
  });

  describe('the inspector', () => {
    test('learns version and clock', async () => {
      const { version, server_date } = await our.inspector.server(READ);
      expect(version).toMatch(/^v1\.\d+\.\d+/);
      // The sandbox may run faster than the wall; the header is the wall's.
      expect(Math.abs(Date.parse(server_date ?? '') - Date.now())).toBeLessThan(60_000);
    });

    test('asks what it may do, and is answered in order', async () => {
      const { namespace } = world().workloads.Deployment;
      const question = (verb: 'get' | 'patch', resource: string, group: string) => ({
        verb,
        resource,
        group,
        namespace,
      });
      const questions = [question('get', 'secrets', ''), question('patch', 'deployments', 'apps')];
      const answers = await our.inspector.canI(questions, READ);
      expect(answers).toEqual(questions.map((asked) => ({ ...asked, allowed: true, problem: null })));
    });
  });
}
