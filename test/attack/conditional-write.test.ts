import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKubernetes, type Kubernetes } from '../../src/adapters/kubernetes/index.ts';
import type { Workload } from '../../src/domain/observe.ts';
import { Bin } from '../helpers/bin.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { tellTests } from './tell-tests.ts';

/** A change reaches only the object, and the state of it, that was approved: the API server itself checks while it writes. */

tellTests('attacks: changes of another object');
const bin = new Bin();
afterAll(() => bin.empty());

const READ = { deadline_ms: 5_000 };
const OTHER = '00000000-0000-4000-8000-000000000000';

describe('a change of a workload that was replaced or moved meanwhile', () => {
  let sandbox: Sandbox;
  let kubernetes: Kubernetes;
  let before: Workload;
  const look = async (): Promise<Workload> => {
    const all = await kubernetes.reader.listWorkloads(['pulsestream-core-prod'], READ);
    return all.find((workload) => workload.kind === 'Deployment' && workload.desired > 1) as Workload;
  };

  beforeAll(async () => {
    sandbox = await startSandbox(bin, 'healthy');
    kubernetes = createKubernetes({ kubeconfig: sandbox.kubeconfig, env: {} });
    before = await look();
  });

  test.each<[string, (w: Workload) => Promise<unknown>]>([
    [
      'is refused for a restart of another object',
      (w) => kubernetes.actuator.restart(w.namespace, w.kind, w.name, new Date(), { ...READ, only_if: { uid: OTHER } }),
    ],
    [
      'is refused for a scale of another object',
      (w) =>
        kubernetes.actuator.scale(w.namespace, w.kind, w.name, 0, {
          ...READ,
          only_if: { uid: OTHER, replicas: w.desired },
        }),
    ],
    [
      'is refused for a scale from other replicas',
      (w) =>
        kubernetes.actuator.scale(w.namespace, w.kind, w.name, 0, {
          ...READ,
          only_if: { uid: w.uid, replicas: w.desired + 1 },
        }),
    ],
  ])('%s', async (_what, act) => {
    await expect(act(before)).rejects.toMatchObject({ code: expect.stringMatching(/^(CONFLICT|INVALID_INPUT)$/) });
    const after = await look();
    expect(after).toMatchObject({ uid: before.uid, generation: before.generation, desired: before.desired });
    expect((await sandbox.truth()).actions).toEqual([]);
  });

  test('goes through for the very object and state', async () => {
    const { namespace, kind, name, uid, desired } = before;
    await kubernetes.actuator.scale(namespace, kind, name, desired - 1, {
      ...READ,
      only_if: { uid, replicas: desired },
    });
    const scaled = await look();
    expect(scaled).toMatchObject({ name, desired: desired - 1 });
    const generation = await kubernetes.actuator.restart(namespace, kind, name, new Date(), {
      ...READ,
      only_if: { uid },
    });
    expect(generation).toBeGreaterThan(scaled.generation);
  });
});
