import { randomBytes } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { approving, connect, type Session } from '../helpers/session.ts';
import { type Colleague, colleague, type HelmName, labAtHand, writeConfiguration } from './helpers/at-hand.ts';
import { installSettings, writeContexts, type Yaml } from './helpers/kubeconfigs.ts';
import { workload } from './helpers/workloads.ts';
import { startApiServer } from './lab/control-plane.ts';

/**
 * Two environments, two API servers, the same names in both: nothing that is meant for one reaches the other. What is in a cluster is compared by
 * the version of every object there, so that any write would be seen, whoever made it.
 */
const bin = new Bin();
afterAll(() => bin.empty());
const lab = labAtHand();

describe.skipIf(!lab.plane)('two API servers with the same names', () => {
  let here: Colleague;
  let there: Colleague;
  let ns: string;
  const parts: Record<string, { cluster: Yaml; user: Yaml }> = {};

  beforeAll(async () => {
    const plane = lab.plane as NonNullable<typeof lab.plane>;
    const name = `twin-${randomBytes(3).toString('hex')}`;
    const twin = await startApiServer(lab.programs, await bin.folder(), plane.etcd, name, (daemon) => {
      bin.add(() => daemon.stop());
      return daemon;
    });
    here = colleague();
    there = colleague({ ...lab, kubeconfig: twin.kubeconfig, context: twin.context });
    ns = await here.namespace(bin, 'twins');
    await there.kubectl('create', 'namespace', ns);
    await here.apply(workload('Deployment', ns, 'web', { replicas: 2 }));
    await there.apply(workload('Deployment', ns, 'web', { replicas: 5 }));
    await installSettings(bin, here, ns);
    await installSettings(bin, there, ns, 'helm4');
    await installSettings(bin, there, ns, 'helm4');
    await here.kubectl('-n', ns, 'rollout', 'status', 'deployment/web', '--timeout=60s');
    for (const [context, at] of [
      ['here', here],
      ['there', there],
    ] as const) {
      const view = JSON.parse(await at.kubectl('config', 'view', '--raw', '--minify', '--flatten', '-o', 'json')) as {
        clusters: { cluster: Yaml }[];
        users: { user: Yaml }[];
      };
      parts[context] = { cluster: view.clusters[0]?.cluster ?? {}, user: view.users[0]?.user ?? {} };
    }
  });

  /** Every object of the namespace with its version. */
  const state = async (at: Colleague): Promise<Record<string, string>> => {
    const { items } = JSON.parse(
      await at.kubectl('-n', ns, 'get', 'secrets,configmaps,deployments,replicasets', '-o', 'json'),
    ) as { items: { kind: string; metadata: { name: string; uid: string; resourceVersion: string } }[] };
    return Object.fromEntries(items.map(({ kind, metadata: m }) => [`${kind}/${m.name}/${m.uid}`, m.resourceVersion]));
  };
  const web = async (at: Colleague) =>
    JSON.parse(await at.kubectl('-n', ns, 'get', 'deployment', 'web', '-o', 'json')) as {
      spec: { replicas: number; template: { metadata: { annotations?: Record<string, string> } } };
    };
  const revisions = async (at: Colleague): Promise<number> =>
    (JSON.parse(await at.helm('helm4', 'history', 'settings', '-n', ns, '-o', 'json')) as unknown[]).length;
  const file = (current: 'here' | 'there', contexts = parts): Promise<string> =>
    writeContexts(bin, contexts, { 'current-context': current });

  async function session(
    helm: HelmName,
    environments: Record<string, Yaml>,
    env: Record<string, string>,
    more: Yaml = {},
  ): Promise<Session> {
    const common = {
      protected: false,
      releases: [{ name: 'settings', namespace: ns, services: ['web'] }],
      namespaces: [],
    };
    const named = Object.entries(environments).map(([name, one]) => [name, { ...common, ...one }]);
    const config = await writeConfiguration(bin, {
      helm,
      more: {
        environments: Object.fromEntries(named),
        default_environment: named[0]?.[0],
        rollout_deadline: '3s',
        verification_window: '1s',
        ...more,
      },
    });
    const home = await makeHome(bin, config);
    Object.assign(home.env, env);
    const made = await connect(bin, home, 'first');
    return made;
  }

  /** All acts, each approved for its target. */
  const ACTS = [
    ['rollback_release', { release: 'settings', revision: 1, reason: 'wrong settings' }, 'settings'],
    ['restart_service', { service: 'web', reason: 'a stuck process' }, 'web'],
    ['scale_down', { service: 'web', replicas: 1, reason: 'stop the bleeding' }, 'web'],
  ] as const;

  const hostile = async (): Promise<Record<string, string>> => {
    // Both names lead to the twin, and so does all that Helm would take from the environment.
    const wrong = { here: parts.there, there: parts.there } as typeof parts;
    const HELM_KUBEAPISERVER = String(parts.there?.cluster.server);
    return {
      KUBECONFIG: await file('there', wrong),
      HELM_KUBECONTEXT: 'there',
      HELM_NAMESPACE: 'default',
      HELM_KUBEAPISERVER,
      HELM_KUBETOKEN: 'a-token-for-the-other',
    };
  };
  const HANDED_ON = ['HELM_KUBECONTEXT', 'HELM_NAMESPACE', 'HELM_KUBEAPISERVER', 'HELM_KUBETOKEN'];

  test.each([
    ['helm4', 'a file in the configuration'],
    ['helm3', 'KUBECONFIG'],
  ] as const)('each environment reads and changes its own cluster alone, by %s and %s', async (helm, by) => {
    const kubeconfig = await file('there');
    const named = by === 'KUBECONFIG' ? {} : { kubeconfig };
    const env = by === 'KUBECONFIG' ? { ...(await hostile()), KUBECONFIG: kubeconfig } : await hostile();
    const client = await session(
      helm,
      { prod: { ...named, context: 'here' }, other: { ...named, context: 'there' } },
      env,
      { program_environment: HANDED_ON },
    );
    for (const [environment, own, other] of [
      ['prod', here, there],
      ['other', there, here],
    ] as const) {
      const { deploys } = (await client.ok('check_recent_deploys', { environment })) as { deploys: unknown[] };
      expect(deploys).toHaveLength(await revisions(own));
      const { components } = (await client.ok('get_system_health', { environment })) as { components: Yaml[] };
      const { replicas } = (await web(own)).spec;
      expect(components.find(({ name }) => name === 'web')).toMatchObject({ desired: replicas });

      const before = await state(other);
      for (const [tool, args, target] of ACTS) {
        const mine = await state(own);
        client.human = approving(target);
        const done = await client.call(tool, { ...args, environment });
        // The twin has no controllers: what is asked of it is there, and rolls out never.
        if (own === here || tool !== 'restart_service') expect(done.data.status, done.text).toBe('executed');
        expect(await state(own), `${tool} changed its own cluster`).not.toEqual(mine);
        expect(await state(other), `${tool} for ${environment} touched the other cluster`).toEqual(before);
      }
      const { spec } = await web(own);
      expect(spec.replicas).toBe(1);
      expect(spec.template.metadata.annotations).toHaveProperty(['kubectl.kubernetes.io/restartedAt']);
      // As it was, for the other way of naming the file.
      await own.kubectl('-n', ns, 'scale', 'deployment/web', `--replicas=${replicas}`);
      if (own === here) await own.kubectl('-n', ns, 'rollout', 'status', 'deployment/web', '--timeout=60s');
    }
  });

  test.each(ACTS)(
    '%s: the current context is changed while the human reads the form: nothing runs',
    async (tool, args, target) => {
      const kubeconfig = await file('here');
      const client = await session('helm4', { prod: { kubeconfig } }, {});
      const before = [await state(here), await state(there)];
      client.human = async (form) => {
        await rename(await file('there'), kubeconfig);
        return approving(target)(form);
      };
      const answer = await client.call(tool, args);
      expect(client.forms).toHaveLength(1);
      expect(client.forms[0]?.message).toContain(String(parts.here?.cluster.server));
      expect(answer.data.status, answer.text).toBe('stale');
      expect([await state(here), await state(there)]).toEqual(before);
      // What is read from now on is the other one, by name.
      const now = await client.call(tool, args);
      expect(String((now.data.plan as Yaml | undefined)?.cluster ?? now.text)).toContain(
        String(parts.there?.cluster.server),
      );
    },
  );
});
