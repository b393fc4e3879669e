import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { connect, type Session } from '../helpers/session.ts';
import { colleague, writeConfiguration } from './helpers/at-hand.ts';
import { makeAccounts, writeAccountsKubeconfig } from './helpers/rbac-accounts.ts';
import { applyDocumented, documentedKubeconfig } from './helpers/rbac-documented.ts';
import { objectOf, releaseSecrets } from './helpers/rbac-releases.ts';
import { type Granted, grantedBy, keyOf } from './helpers/rbac-roles.ts';
import { workload } from './helpers/workloads.ts';

/** Looking with the accounts of docs/rbac, with each of its rights taken away in turn, and what doctor says of them. */

const bin = new Bin();
afterAll(() => bin.empty());

const at = colleague();
const READER = grantedBy('reader');
const nameOf = ({ verb, resource }: Granted): string => `no-${verb}-${resource}`;

interface Source {
  name: string;
  status: string;
  error?: string;
}

let watched: string;
let other: string;
let session: Session;
let documented: Home;

/** A release with one deploy, one that is not there, and one of each kind of workload with a warning; none has pods. */
async function platform(namespace: string): Promise<void> {
  const deployed = [{ objects: [objectOf('services', namespace, 'shop')] }];
  await at.apply(
    ...releaseSecrets(namespace, 'shop', deployed),
    ...(['Deployment', 'StatefulSet'] as const).map((kind) =>
      workload(kind, namespace, kind.toLowerCase(), { replicas: 0 }),
    ),
    objectOf('daemonsets.apps', namespace, 'daemonset'),
    {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'warned', namespace },
      involvedObject: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'deployment', namespace },
      type: 'Warning',
      reason: 'FailedCreate',
      message: 'quota exceeded',
      lastTimestamp: new Date().toISOString(),
    },
  );
}

beforeAll(async () => {
  const home = await at.namespace(bin, 'rbac-home');
  [watched, other] = [await at.namespace(bin, 'rbac-watched'), await at.namespace(bin, 'rbac-other')];
  const without = READER.map((missing) => ({
    name: nameOf(missing),
    granted: READER.filter((one) => one !== missing),
  }));
  await Promise.all([
    platform(watched),
    platform(other),
    applyDocumented(at, home, { reader: [watched], operator: [watched] }),
    makeAccounts(at, home, watched, [...without, { name: 'nobody', granted: [] }]),
  ]);
  const names = [...without.map(({ name }) => name), 'nobody'];
  const [roles, variants] = await Promise.all([
    documentedKubeconfig(bin, at, home),
    writeAccountsKubeconfig(bin, at, home, names),
  ]);
  const environment = (kubeconfig: string, context: string, namespaces: string[]) => ({
    kubeconfig,
    context,
    protected: false,
    releases: namespaces.flatMap((namespace) => ['shop', 'absent'].map((name) => ({ name, namespace }))),
  });
  const environments = {
    prod: environment(roles, 'reader', [watched]),
    half: environment(roles, 'reader', [watched, other]),
    ...Object.fromEntries(names.map((name) => [name, environment(variants, name, [watched])])),
  };
  const config = await writeConfiguration(bin, { more: { environments, default_environment: 'prod' } });
  session = await connect(bin, await makeHome(bin, config), 'second');
  const doctors = {
    looking: environment(roles, 'reader', [watched]),
    acting: environment(roles, 'operator', [watched]),
    nothing: environment(variants, 'nobody', [watched]),
    short: environment(variants, nameOf({ verb: 'get', group: '', resource: 'secrets' }), [watched]),
  };
  documented = await makeHome(bin, await writeConfiguration(bin, { more: { environments: doctors } }));
});

/** Everything that reads the cluster, and the sources that it names. */
async function look(environment: string): Promise<{ texts: string; sources: Source[] }> {
  const results = [
    await session.call('get_system_health', { environment, component: 'deployment' }),
    await session.call('check_recent_deploys', { environment, release: 'shop' }),
    await session.call('check_recent_deploys', { environment, release: 'absent' }),
  ];
  return {
    texts: results.map(({ text }) => text).join('\n'),
    sources: results.flatMap(({ data }) => (data.sources ?? []) as Source[]),
  };
}

const troubled = (sources: Source[]): Source[] =>
  sources.filter(({ status }) => status === 'error' || status === 'timeout');

describe('the reader of docs/rbac', () => {
  test('lets every tool read what it needs', async () => {
    const { texts, sources } = await look('prod');
    expect(troubled(sources)).toEqual([]);
    expect(texts).toContain('FailedCreate: quota exceeded');
    expect(texts).toMatch(/shop rev 1 deployed/);
    expect(texts).toContain('tiny-1.0.0');
    const { components } = await session.ok('get_system_health');
    expect((components as { name: string }[]).map(({ name }) => name).sort()).toEqual([
      'daemonset',
      'deployment',
      'statefulset',
    ]);
    await session.ok('assess_severity');
    await session.ok('declare_incident', { title: 'Checkout fails', severity: 'SEV3' });
    await session.ok('get_incident');
  });

  test.each(READER.map((missing) => ({ missing, key: keyOf(missing) })))(
    'without "$key" the answer names it, and has the rest',
    async ({ missing, key }) => {
      const { texts, sources } = await look(nameOf(missing));
      const named = troubled(sources).filter(({ error }) => error?.includes(`not allow to ${key} `));
      expect(named, texts).not.toEqual([]);
      for (const { error } of named) {
        expect(error).toContain(`in namespace ${watched}`);
        expect(error).toContain('docs/rbac');
      }
      expect(troubled(sources)).toEqual(named);
      expect(texts).toContain(`not allow to ${key} `);
      if (missing.resource !== 'secrets' || missing.verb !== 'list') expect(texts).toMatch(/shop rev 1 deployed/);
    },
  );

  test('one kind of workload that may not be listed does not hide the others', async () => {
    const { components } = await session.ok('get_system_health', { environment: 'no-list-daemonsets' });
    expect((components as { name: string }[]).map(({ name }) => name).sort()).toEqual(['deployment', 'statefulset']);
  });

  test('a namespace without the Role does not hide the other', async () => {
    const health = await session.call('get_system_health', { environment: 'half' });
    expect((health.data.components as { namespace: string }[]).map(({ namespace }) => namespace)).toEqual(
      Array(3).fill(watched),
    );
    expect(health.text).toContain(`not allow to list deployments.apps in namespace ${other}`);
    expect(health.data.status).toBe('unknown');
    const deploys = await session.call('check_recent_deploys', { environment: 'half', release: 'shop' });
    expect(deploys.text).toMatch(/shop rev 1 deployed/);
    expect(deploys.text).toContain(`not allow to list secrets in namespace ${other}`);
    expect(deploys.text).not.toContain('not to blame');
  });

  test('an account with no rights at all gets an answer that says so', async () => {
    const { texts, sources } = await look('nobody');
    expect(sources.filter(({ name, status }) => /kubernetes|helm/.test(name) && status !== 'error')).toEqual([]);
    expect(texts).toContain('is unknown');
    expect(texts).toContain('deploys are unknown');
  });
});

test('doctor tells looking from acting, and names what is missing', async () => {
  const { stdout } = await documented.command(['doctor', '--json']);
  const { checks } = JSON.parse(stdout) as {
    checks: { section: string; name: string; status: string; found: string; next: string | null }[];
  };
  const of = (section: string, what: 'read' | 'act') =>
    checks.find((check) => check.section === section && check.name === `permissions to ${what}`);
  expect(of('looking', 'read')).toMatchObject({ status: 'ok', next: null });
  expect(of('looking', 'act')).toMatchObject({
    status: 'warn',
    found: expect.stringMatching(new RegExp(`^${watched}: none of the \\d+ rights to act$`)),
    next: expect.stringMatching(/docs\/rbac\/operator\.yaml.*--read-only/),
  });
  expect(of('acting', 'read')).toMatchObject({ status: 'ok', next: null });
  expect(of('acting', 'act')).toMatchObject({ status: 'ok', next: null });
  expect(of('nothing', 'read')).toMatchObject({
    status: 'fail',
    found: `${watched}: none of the ${READER.length} rights to look`,
    next: expect.stringContaining('docs/rbac/reader.yaml'),
  });
  expect(of('short', 'read')).toMatchObject({
    status: 'warn',
    found: expect.stringContaining(`${watched}: not allowed to get secrets, so `),
  });
});
