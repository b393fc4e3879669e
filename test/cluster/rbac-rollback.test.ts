import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCommands } from '../../src/adapters/commands/index.ts';
import { createHelm } from '../../src/adapters/helm/index.ts';
import { createKubernetes } from '../../src/adapters/kubernetes/index.ts';
import { Bin } from '../helpers/bin.ts';
import { colleague, type HelmName } from './helpers/at-hand.ts';
import { makeAccounts, writeAccountsKubeconfig } from './helpers/rbac-accounts.ts';
import { CHART_RESOURCES, objectOf, type Revised, releaseSecrets } from './helpers/rbac-releases.ts';
import { type Granted, grantedBy, keyOf } from './helpers/rbac-roles.ts';

/**
 * Each right of the operator that only `helm rollback` uses is taken away from an account of its own, which then rolls back a release that needs
 * it, by our adapter and the real Helm. The workloads have no pods and the Jobs are suspended: what is asked for is refused before they matter.
 */

const bin = new Bin();
afterAll(() => bin.empty());

const at = colleague();
const READER = grantedBy('reader');
const OPERATOR = grantedBy('operator');

interface Case {
  missing: Granted;
  /** Without its group, for Helm's own words. */
  said: { verb: string; resource: string };
  name: string;
  helm: HelmName;
  /** As against an API server that does not stream its lists (before 1.34): Helm lists first. */
  lists: boolean;
}

const resourceOf = ({ resource, group }: Granted): string => (group === '' ? resource : `${resource}.${group}`);

/** Only Helm 3 asks for these. */
const HELM_3 = new Set(['get jobs.batch', 'list replicasets.apps']);
/** Helm does not need these itself; the tools of Kubernetes do. */
const byHelm = ({ resource }: Granted): boolean => !resource.includes('/');

const CASES: Case[] = OPERATOR.filter(byHelm).map((missing) => {
  const { verb, resource } = missing;
  return {
    missing,
    said: { verb, resource },
    name: `no-${verb}-${resource}`,
    helm: HELM_3.has(keyOf(missing)) ? 'helm3' : 'helm4',
    lists: verb === 'list',
  };
});

/** What revision 1 and 2 of the release hold, so that a rollback to 1 needs the right, and what of it exists now. */
function storyOf({ missing, name }: Case, namespace: string): { revisions: [Revised, Revised]; now: object[] } {
  const { verb } = missing;
  // A ReplicaSet is followed from its Deployment.
  const resource = missing.resource === 'replicasets' ? 'deployments.apps' : resourceOf(missing);
  const object = objectOf(resource, namespace, name);
  const now = verb === 'create' ? [] : [object];
  if (resource === 'jobs.batch') return { revisions: [{ objects: [], hooks: [object] }, { objects: [] }], now };
  if (verb === 'watch') {
    // What is ready when it is first listed needs no watch: beside something that is not, it is watched.
    const unready = objectOf('deployments.apps', namespace, name, { ready: false });
    const objects = resource === 'deployments.apps' ? [unready] : [object, unready];
    return { revisions: [{ objects }, { objects }], now: objects };
  }
  return {
    revisions: [{ objects: verb === 'delete' ? [] : [object] }, { objects: verb === 'create' ? [] : [object] }],
    now,
  };
}

let kubeconfig: string;
let home: string;
let namespace: string;
beforeAll(async () => {
  [home, namespace] = await Promise.all([at.namespace(bin, 'rbac-accounts'), at.namespace(bin, 'rbac-rollback')]);
  const all = [...READER, ...OPERATOR];
  const accounts = CASES.map(({ name, missing }) => ({ name, granted: all.filter((one) => one !== missing) }));
  const stories = CASES.map((one) => ({ name: one.name, ...storyOf(one, namespace) }));
  await Promise.all([
    makeAccounts(at, home, namespace, accounts),
    at.apply(...stories.flatMap(({ name, revisions, now }) => [...releaseSecrets(namespace, name, revisions), ...now])),
  ]);
  kubeconfig = await writeAccountsKubeconfig(
    bin,
    at,
    home,
    CASES.map(({ name }) => name),
  );
});

async function rollBack({ name, helm, lists }: Case) {
  const folder = join(await bin.folder(), 'helm');
  const env = { HOME: folder, ...(lists ? { KUBE_FEATURE_WatchListClient: 'false' } : {}) };
  const { actuator } = createHelm({
    kubernetes: createKubernetes({ env: {}, kubeconfig, context: name }).api,
    commands: createCommands({
      programs: { helm: at.lab.programs[helm] },
      env,
      passthrough: ['KUBE_FEATURE_WatchListClient'],
    }),
    context: name,
    kubeconfig,
    rollout_ms: 5_000,
  });
  return actuator.rollback({ release: name, namespace }, 1, 20_000);
}

describe.concurrent('without one of its rights helm rollback fails and names it', () => {
  test.each(CASES)('$name ($helm)', { timeout: 60_000 }, async (one) => {
    const { exit_code, stderr } = await rollBack(one);
    const { verb, resource } = one.said;
    expect(stderr).toContain(`cannot ${verb} resource "${resource}"`);
    expect(exit_code).toBe(1);
  });
});

test('the kinds of a usual chart are all tried', () => {
  const tried = new Set(CASES.map(({ missing }) => resourceOf(missing)));
  expect(CHART_RESOURCES.filter((resource) => !tried.has(resource))).toEqual([]);
});
