import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { approving, connect, type Session } from '../helpers/session.ts';
import { colleague, type HelmName, writeConfiguration } from './helpers/at-hand.ts';
import { writeChart } from './helpers/chart.ts';
import { makeAccounts, writeAccountsKubeconfig } from './helpers/rbac-accounts.ts';
import { applyDocumented, documentedKubeconfig } from './helpers/rbac-documented.ts';
import { CHART_RESOURCES, objectOf } from './helpers/rbac-releases.ts';
import { grantedBy, keyOf } from './helpers/rbac-roles.ts';
import { workload } from './helpers/workloads.ts';

/** Acting with the accounts of docs/rbac. Pods must become ready and Jobs end, which only the suite's own cluster promises. */

const bin = new Bin();
afterAll(() => bin.empty());

const at = colleague();
const own = at.lab.cluster === 'own';
const WORKLOADS = ['Deployment', 'StatefulSet', 'DaemonSet'] as const;
const REASON = 'the new revision answers with errors';

interface Rollback {
  helm: HelmName;
  /** As against an API server that does not stream its lists (before 1.34): Helm 4 lists, and then watches. */
  streams: boolean;
}
const ROLLBACKS: Rollback[] = [
  { helm: 'helm3', streams: true },
  { helm: 'helm4', streams: true },
  { helm: 'helm4', streams: false },
];

/** Rights whose absence the tools must tell by themselves: key, tool, workload, and what is said in the plan or at the end. */
const TOLD: [string, 'restart_service' | 'scale_down', string, 'plan' | 'end' | 'unknown end'][] = [
  ['patch deployments.apps/scale', 'scale_down', 'deployment', 'end'],
  ['patch statefulsets.apps/scale', 'scale_down', 'statefulset', 'end'],
  ['patch daemonsets.apps', 'restart_service', 'daemonset', 'end'],
  ['get daemonsets.apps', 'restart_service', 'daemonset', 'unknown end'],
  ['list horizontalpodautoscalers.autoscaling', 'restart_service', 'deployment', 'plan'],
  ['list poddisruptionbudgets.policy', 'restart_service', 'deployment', 'plan'],
];
const contextOf = (key: string): string => `no-${key.replaceAll(/[ ./]/g, '-')}`;

let home: string;
let kubeconfig: string;
let shortened: string;
let services: string;
const released = new Map<Rollback, string>();

beforeAll(async () => {
  if (!own) return;
  home = await at.namespace(bin, 'rbac-home');
  services = await at.namespace(bin, 'rbac-services');
  for (const one of ROLLBACKS) released.set(one, await at.namespace(bin, `rbac-${one.helm}`));
  const all = [services, ...released.values()];
  await applyDocumented(at, home, { reader: all, operator: all });
  await at.apply(
    ...WORKLOADS.map((kind) => workload(kind, services, kind.toLowerCase(), { replicas: 2 })),
    objectOf('horizontalpodautoscalers.autoscaling', services, 'deployment'),
    objectOf('poddisruptionbudgets.policy', services, 'deployment'),
  );
  kubeconfig = await documentedKubeconfig(bin, at, home);
  const granted = [...grantedBy('reader'), ...grantedBy('operator')];
  const short = TOLD.map(([key]) => ({ name: contextOf(key), granted: granted.filter((one) => keyOf(one) !== key) }));
  await makeAccounts(at, home, services, short);
  shortened = await writeAccountsKubeconfig(
    bin,
    at,
    home,
    short.map(({ name }) => name),
  );
});

async function asAccount(
  context: string,
  options: { helm?: HelmName; namespace: string; release?: string; streams?: boolean; kubeconfig?: string },
): Promise<Session> {
  const { namespace, release } = options;
  const config = await writeConfiguration(bin, {
    helm: options.helm ?? 'helm4',
    ...(release === undefined ? { namespaces: [namespace] } : { releases: [{ name: release, namespace }] }),
    environment: { kubeconfig: options.kubeconfig ?? kubeconfig, context },
    more: { rollout_deadline: '20s', program_environment: ['KUBE_FEATURE_WatchListClient'] },
  });
  const machine = await makeHome(bin, config);
  if (options.streams === false) machine.env.KUBE_FEATURE_WatchListClient = 'false';
  return connect(bin, machine, 'first');
}

/** A chart of every usual kind: one of each that both versions have, and one that only this version has. */
async function usualChart(namespace: string, version: 1 | 2): Promise<string> {
  const pods = { replicas: 1, image: `registry.example/app:${version}.0.0` };
  const others = CHART_RESOURCES.filter((resource) => !resource.endsWith('.apps') && resource !== 'jobs.batch');
  const objects = ['kept', `only-in-${version}`].flatMap((name) => [
    ...WORKLOADS.map((kind) => workload(kind, namespace, name, pods)),
    ...others.map((resource) => {
      const object = objectOf(resource, namespace, name);
      return { ...object, metadata: { ...object.metadata, labels: { version: `v${version}` } } };
    }),
  ]);
  const hook = objectOf('jobs.batch', namespace, 'hook') as { spec?: object; metadata: { name: string } };
  const annotations = { 'helm.sh/hook': 'pre-rollback,post-rollback' };
  return writeChart(
    bin,
    { name: 'usual', version: `${version}.0.0` },
    {
      'templates/objects.yaml': objects,
      'templates/hook.yaml': {
        ...hook,
        metadata: { name: 'hook', annotations },
        spec: { ...hook.spec, suspend: false },
      },
    },
  );
}

describe.skipIf(!own).concurrent('the operator of docs/rbac', () => {
  test.each(ROLLBACKS)('rolls back a usual chart with $helm, lists streamed: $streams', async (one) => {
    const { helm, streams } = one;
    const namespace = released.get(one) ?? '';
    await at.helm(helm, 'install', 'usual', await usualChart(namespace, 1), '-n', namespace);
    await at.helm(helm, 'upgrade', 'usual', await usualChart(namespace, 2), '-n', namespace);
    const session = await asAccount('operator', { helm, namespace, release: 'usual', streams });
    session.human = approving('usual');
    const { text, data } = await session.call('rollback_release', { release: 'usual', revision: 1, reason: REASON });
    expect(data.status, text).toBe('executed');
    const names = await at.kubectl('-n', namespace, 'get', 'deployments,services,ingresses,jobs', '-o', 'name');
    expect(names).toContain('deployment.apps/only-in-1');
    expect(names).toContain('job.batch/hook');
    expect(names).not.toContain('only-in-2');
  });

  test('restarts each kind and scales what has replicas', async () => {
    const session = await asAccount('operator', { namespace: services });
    for (const service of ['deployment', 'statefulset', 'daemonset']) {
      session.human = approving(service);
      const { text, data } = await session.call('restart_service', { service, reason: REASON });
      expect(data.status, text).toBe('executed');
    }
    for (const service of ['deployment', 'statefulset']) {
      session.human = approving(service);
      const { text, data } = await session.call('scale_down', { service, replicas: 1, reason: REASON });
      expect(data.status, text).toBe('executed');
    }
    expect(session.forms[0]?.message).toContain('HorizontalPodAutoscaler deployment');
    expect(session.forms[0]?.message).toContain('PodDisruptionBudget deployment');
    expect(session.forms.map(({ message }) => message).join()).not.toContain('not allowed');
  });
});

describe.skipIf(!own)('with less than the operator of docs/rbac', () => {
  test.each(TOLD)('without "%s" %s of the %s says so in its %s', async (key, tool, service, where) => {
    const session = await asAccount(contextOf(key), { namespace: services, kubeconfig: shortened });
    session.human = where === 'plan' ? () => ({ action: 'decline' }) : approving(service);
    const { text, data } = await session.call(tool, {
      service,
      reason: REASON,
      ...(tool === 'scale_down' ? { replicas: 0 } : {}),
    });
    const form = session.forms[0]?.message ?? '';
    const told = where === 'plan' ? form : text;
    const [verb, resource] = key.split(' ');
    expect(told).toMatch(new RegExp(`not allow(ed)? to ${verb} ${resource} .*in namespace ${services}`));
    if (where !== 'unknown end') expect(told).toContain('docs/rbac');
    expect(data.status).toBe({ plan: 'declined', end: 'failed', 'unknown end': 'outcome_unknown' }[where]);
  });

  test('who may only look: every change is refused with the right that it needs, and nothing is changed', async () => {
    const session = await asAccount('reader', { namespace: services });
    const generations = (): Promise<string> =>
      at.kubectl(
        ...['-n', services, 'get', 'deployments,statefulsets,daemonsets'],
        ...['-o', 'jsonpath={.items[*].metadata.generation}'],
      );
    const before = await generations();
    for (const service of ['deployment', 'statefulset', 'daemonset']) {
      session.human = approving(service);
      const { text } = await session.call('restart_service', { service, reason: REASON });
      expect(text).toMatch(
        new RegExp(`nothing was changed: .* not allow to patch ${service}s.apps "${service}" in namespace ${services}`),
      );
      expect(text).toContain('docs/rbac');
    }
    expect(await generations()).toBe(before);
    const release = await asAccount('reader', { namespace: [...released.values()][0] ?? '', release: 'usual' });
    release.human = approving('usual');
    const { text, isError } = await release.call('rollback_release', {
      release: 'usual',
      revision: 1,
      reason: REASON,
    });
    expect(isError).toBe(true);
    expect(text).toMatch(
      /^FORBIDDEN: .* not allow to \w+ [\w.]+ "\w+" in namespace .*nothing was run\. Next: .*docs\/rbac/,
    );
    expect(release.forms).toEqual([]);
  });
});
