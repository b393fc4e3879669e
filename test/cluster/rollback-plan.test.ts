import { afterAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { until } from '../helpers/process.ts';
import { approving } from '../helpers/session.ts';
import { colleague, HELMS } from './helpers/at-hand.ts';
import { deployed, formOf, hookJob, type PlanSeen, rewritten, sessionFor, withPolicy } from './helpers/deployed.ts';
import { workload } from './helpers/workloads.ts';

const bin = new Bin();
afterAll(() => bin.empty());
const at = colleague();

const ROLLBACK = { release: 'web', revision: 1, reason: 'it is slow' };
const app = (ns: string, image: string, more: Parameters<typeof workload>[3] = {}) =>
  workload('Deployment', ns, 'web', { image: `registry.example/web:${image}`, ...more });
const config = (data: Record<string, string>, name = 'settings') => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});
const secret = (value: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'keys' },
  stringData: { anything: value },
});
describe.each(HELMS)('a plan with %s', (which) => {
  test('shows the human what differs, what runs, and how it can go wrong', async () => {
    const ns = await at.namespace(bin, 'plan');
    const one = await deployed(
      bin,
      at,
      which,
      ns,
      'web',
      {
        'templates/app.yaml': [
          app(ns, '1.0.0', {
            replicas: 2,
            env: [
              { name: 'MODE', value: 'safe' },
              { name: 'API_TOKEN', value: 'planted-1' },
            ],
          }),
          config({ 'app.yaml': 'level: info\nlimit: 10\n', password: 'planted-2' }),
          secret('planted-3'),
        ],
        'templates/hooks.yaml': [
          hookJob('web-before', 'pre-rollback'),
          hookJob('web-after', 'post-rollback,post-upgrade'),
        ],
      },
      {
        'templates/app.yaml': [
          app(ns, '2.0.0', {
            replicas: 3,
            env: [
              { name: 'MODE', value: 'fast' },
              { name: 'API_TOKEN', value: 'planted-4' },
            ],
          }),
          config({ 'app.yaml': 'level: info\nlimit: 20\n', password: 'planted-5' }),
          secret('planted-6'),
          config({}, 'extra'),
        ],
        'templates/hooks.yaml': [hookJob('web-data', 'pre-upgrade', { command: ['manage', 'migrate'] })],
      },
    );
    await at.apply(
      {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'web-scaler', namespace: ns },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
          minReplicas: 3,
          maxReplicas: 9,
        },
      },
      {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name: 'web-budget', namespace: ns },
        spec: { minAvailable: 2, selector: { matchLabels: { app: 'web' } } },
      },
    );
    const { session } = await sessionFor(bin, one);
    const { text, data } = await session.call('rollback_release', {
      release: 'web',
      revision: 1,
      reason: 'it is slow',
    });
    expect(data.status).toBe('approval_required');
    const plan = data.plan as PlanSeen;
    expect(plan).toMatchObject({ from: 2, to: 1, risk: 'high', blast_radius: { pods: 3 } });
    const form = formOf(session);
    for (const line of [
      `Target:       web in namespace ${ns}`,
      'From -> to:   2 -> 1',
      '- Deployment/web containers[app].image: registry.example/web:2.0.0 -> registry.example/web:1.0.0',
      '- Deployment/web replicas: 3 -> 2',
      '- Deployment/web env[API_TOKEN]: *** -> *** (changed)',
      '- Deployment/web env[MODE]: fast -> safe',
      '- ConfigMap/settings data.app.yaml: limit: 20 -> limit: 10',
      '- ConfigMap/settings data.password: *** -> *** (changed)',
      '- Secret/keys stringData.anything: *** -> *** (changed)',
      '- ConfigMap/extra object: present -> deleted',
      '! Revision 2 brought migration job web-data: what it did to the data is not undone',
      '! Hooks of revision 1 run again: pre-rollback Job/web-before, post-rollback Job/web-after.',
      '! HorizontalPodAutoscaler web-scaler keeps Deployment web between 3 and 9 replicas',
      '! PodDisruptionBudget web-budget asks for at least 2 available',
    ])
      expect(form).toContain(line);
    expect(form).not.toContain('changed outside of Helm');
    expect(`${form}${text}${JSON.stringify(data)}`).not.toContain('planted-');
    // A plan is no act: what was tried in the cluster was not kept.
    expect(await one.value('deployment/web', '{.spec.replicas}')).toBe('3');
    expect(await one.history()).toHaveLength(2);
  });

  test('tells what was changed by hand; Helm 4 with server-side apply cannot overwrite it', async () => {
    const ns = await at.namespace(bin, 'drift');
    const one = await deployed(
      bin,
      at,
      which,
      ns,
      'web',
      { 'templates/app.yaml': app(ns, '1.0.0', { replicas: 2 }) },
      { 'templates/app.yaml': app(ns, '2.0.0', { replicas: 2 }) },
    );
    const scale = (replicas: number) => at.kubectl('-n', ns, 'scale', 'deployment/web', `--replicas=${replicas}`);
    await scale(1);
    const { session } = await sessionFor(bin, one);
    const { isError, text } = await session.call('rollback_release', ROLLBACK);
    if (which === 'helm4') {
      expect(isError).toBe(true);
      expect(text).toMatch(
        /^CONFLICT: the cluster would refuse this rollback of web .*Deployment\/web: fields of other writers.*\.spec\.replicas.*nothing was run\. Next: .*--force-conflicts/s,
      );
      expect(session.forms).toEqual([]);
    } else
      expect(formOf(session)).toContain('! Deployment/web replicas is 1 now, changed outside of Helm: the rollback');
    // Once it has been set back there is nothing to tell.
    await scale(2);
    expect((await session.ok('rollback_release', ROLLBACK)).status).toBe('approval_required');
    expect(formOf(session)).not.toContain('outside of Helm');
    // The same plan by its digest, and the human is told what holds now.
    await scale(0);
    await session.ok('rollback_release', ROLLBACK);
    expect(formOf(session)).toContain(
      '! Deployment/web replicas is 0 now, changed outside of Helm: the rollback sets 2.',
    );
  });

  test('is refused where the cluster would refuse the old objects, and nothing is kept', async () => {
    const ns = await at.namespace(bin, 'refused');
    const one = await deployed(
      bin,
      at,
      which,
      ns,
      'web',
      { 'templates/app.yaml': [app(ns, '1.0.0'), config({ level: 'info' })] },
      { 'templates/app.yaml': [app(ns, '2.0.0'), config({ level: 'debug' })] },
    );
    await at.kubectl('-n', ns, 'patch', 'configmap/settings', '--patch', '{"immutable":true}');
    const { session } = await sessionFor(bin, one);
    const { isError, text } = await session.call('rollback_release', ROLLBACK);
    expect(isError).toBe(true);
    expect(text).toMatch(
      /^CONFLICT: the cluster would refuse this rollback of web .*ConfigMap\/settings: .*immutable/s,
    );
    expect(text).toMatch(/nothing was run\. Next: /);
    expect(session.forms).toEqual([]);
    expect(await one.history()).toHaveLength(2);
  });

  test.skipIf(at.lab.cluster === 'given')('is refused where a policy would refuse, in its own words', async () => {
    const ns = await at.namespace(bin, 'policy');
    const one = await deployed(
      bin,
      at,
      which,
      ns,
      'web',
      { 'templates/app.yaml': app(ns, '1.0.0') },
      { 'templates/app.yaml': app(ns, '2.0.0') },
    );
    await withPolicy(
      bin,
      at,
      ns,
      'Deny',
      "!object.spec.template.spec.containers.exists(c, c.image.endsWith(':1.0.0'))",
    );
    const { session } = await sessionFor(bin, one);
    const { text } = await until(
      () => session.call('rollback_release', ROLLBACK),
      ({ isError }) => isError,
    );
    expect(text).toMatch(
      /^FORBIDDEN: the cluster would refuse this rollback of web .*Deployment\/web: .*not on our list/s,
    );
    expect(await one.history()).toHaveLength(2);
  });

  test('is refused where the old revision uses a version of the API that is gone', async () => {
    const ns = await at.namespace(bin, 'gone');
    const budget = (version: string) => ({
      apiVersion: version,
      kind: 'PodDisruptionBudget',
      metadata: { name: 'web' },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
    });
    const one = await deployed(
      bin,
      at,
      which,
      ns,
      'web',
      { 'templates/app.yaml': [app(ns, '1.0.0'), budget('policy/v1')] },
      { 'templates/app.yaml': [app(ns, '2.0.0'), budget('policy/v1')] },
    );
    // As the cluster's upgrade leaves it: the record of the old revision names what is served no more.
    await rewritten(one, 1, (record) => {
      record.manifest = String(record.manifest).replace('policy/v1', 'policy/v1beta1');
    });
    const { session } = await sessionFor(bin, one);
    const { text } = await session.call('rollback_release', ROLLBACK);
    expect(text).toMatch(
      /^CONFLICT: .*PodDisruptionBudget\/web: the cluster knows no kind PodDisruptionBudget of policy\/v1beta1/,
    );
  });
});

const [which] = HELMS;

describe('the target', () => {
  test('is refused where it is not there, pruned, the present one, or the release is not there', async () => {
    const ns = await at.namespace(bin, 'target');
    const version = (image: string) => ({ 'templates/app.yaml': app(ns, image) });
    const one = await deployed(bin, at, which, ns, 'web', version('1.0.0'));
    for (const image of ['2.0.0', '3.0.0']) await one.deploy(version(image), '--history-max', '2');
    const { session } = await sessionFor(bin, one);
    const plan = async (args: object) => (await session.call('rollback_release', { ...ROLLBACK, ...args })).text;
    expect(await plan({ revision: 9 })).toMatch(
      /^NOT_FOUND: web has no revision 9\. Next: it has: 3 \(deployed\), 2 \(superseded\)/,
    );
    expect(await plan({ revision: 1 })).toMatch(
      /^NOT_FOUND: web has no revision 1 any more: Helm keeps a limited number/,
    );
    expect(await plan({ revision: 3 })).toMatch(/^CONFLICT: web is at revision 3 already/);
    expect(await plan({ revision: undefined })).toMatch(
      /^NOT_FOUND: web has no earlier healthy revision: .*lived only/,
    );
    await one.helm('uninstall', 'web');
    expect(await plan({})).toMatch(/^NOT_FOUND: release web does not exist in namespace/);
  });

  test('of an uninstalled release is installed again, when the human is told so', async () => {
    const ns = await at.namespace(bin, 'uninstalled');
    const version = { 'templates/app.yaml': [app(ns, '1.0.0', { replicas: 2 }), config({ a: '1' })] };
    const one = await deployed(bin, at, which, ns, 'web', version, version);
    await one.helm('uninstall', 'web', '--keep-history');
    const { session } = await sessionFor(bin, one);
    expect((await session.call('rollback_release', { release: 'web', reason: 'bring it back' })).text).toMatch(
      /^CONFLICT: web is uninstalled \(revision 2, its history was kept\): nothing of it runs\. Next: to install it again name the revision/,
    );
    session.human = approving('web');
    const done = await session.ok('rollback_release', { ...ROLLBACK, revision: 2 });
    expect(formOf(session)).toContain('! web is uninstalled (revision 2): this rollback installs it again.');
    expect(formOf(session)).toContain('- Deployment/web object: (none) -> created');
    expect(done.status).toBe('executed');
    expect(await one.value('deployment/web', '{.status.readyReplicas}')).toBe('2');
  });

  test('with the same manifests says so', async () => {
    const ns = await at.namespace(bin, 'same');
    const version = { 'templates/app.yaml': app(ns, '1.0.0') };
    const one = await deployed(bin, at, which, ns, 'web', version, version);
    const { session } = await sessionFor(bin, one);
    await session.ok('rollback_release', ROLLBACK);
    expect(formOf(session)).toContain('Changes:      none that can be seen');
    expect(formOf(session)).toContain('! The two revisions have the same manifests: the rollback changes nothing');
  });

  test('is not planned over a pending operation, and the way out works', async () => {
    const ns = await at.namespace(bin, 'pending');
    const one = await deployed(
      bin,
      at,
      which,
      ns,
      'web',
      { 'templates/app.yaml': app(ns, '1.0.0') },
      { 'templates/app.yaml': app(ns, '2.0.0') },
    );
    // What an upgrade leaves behind whose pipeline was cancelled.
    await rewritten(
      one,
      2,
      (record) => {
        (record.info as Record<string, unknown>).status = 'pending-upgrade';
      },
      { status: 'pending-upgrade' },
    );
    await rewritten(
      one,
      1,
      (record) => {
        (record.info as Record<string, unknown>).status = 'deployed';
      },
      { status: 'deployed' },
    );
    const { session } = await sessionFor(bin, one);
    const { text } = await session.call('rollback_release', ROLLBACK);
    expect(text).toMatch(
      /^CONFLICT: web is pending-upgrade at revision 2 since \S+ \(\d+\w+\): another helm operation is running, or was cut off/,
    );
    const way = /terminal: helm (rollback web 1 --namespace \S+)\.$/.exec(text)?.[1];
    await at.helm(which, ...String(way).split(' '));
    expect((await one.history()).at(-1)).toEqual({ revision: 3, status: 'deployed', description: 'Rollback to 1' });
  });

  test('owned by Argo CD or Flux is told to the human, by name', async () => {
    const ns = await at.namespace(bin, 'owned');
    const flux = { 'helm.toolkit.fluxcd.io/name': 'web', 'helm.toolkit.fluxcd.io/namespace': 'flux-system' };
    const one = await deployed(
      bin,
      at,
      which,
      ns,
      'web',
      {
        'templates/app.yaml': [
          app(ns, '1.0.0'),
          { ...config({ a: '1' }), metadata: { name: 'settings', labels: flux } },
        ],
      },
      { 'templates/app.yaml': [app(ns, '2.0.0', { annotations: { 'argocd.argoproj.io/sync-wave': '2' } })] },
    );
    const { session } = await sessionFor(bin, one);
    await session.ok('rollback_release', ROLLBACK);
    expect(formOf(session)).toContain(
      '! Flux HelmRelease flux-system/web owns these objects and may undo the rollback',
    );
    expect(formOf(session)).not.toContain('Argo CD');
    await at.kubectl(
      '-n',
      ns,
      'annotate',
      'deployment/web',
      `argocd.argoproj.io/tracking-id=shop:apps/Deployment:${ns}/web`,
    );
    await session.ok('rollback_release', ROLLBACK);
    expect(formOf(session)).toContain('! Argo CD application shop owns these objects');
  });

  test.skipIf(at.lab.cluster === 'given')(
    'tells which definitions stay, which go back, and which are lost',
    async () => {
      const ns = await at.namespace(bin, 'crds');
      const crd = (plural: string) => ({
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: `${plural}.${ns}.example` },
        spec: {
          group: `${ns}.example`,
          scope: 'Namespaced',
          names: {
            plural,
            singular: plural.slice(0, -1),
            kind: plural.slice(0, -1).replace(/^./, (c) => c.toUpperCase()),
          },
          versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
        },
      });
      for (const plural of ['stays', 'lost'])
        bin.add(() => at.kubectl('delete', 'crd', `${plural}.${ns}.example`, '--wait=false', '--ignore-not-found'));
      const one = await deployed(
        bin,
        at,
        which,
        ns,
        'web',
        { 'crds/stays.yaml': crd('stays'), 'templates/app.yaml': app(ns, '1.0.0') },
        { 'crds/stays.yaml': crd('stays'), 'templates/app.yaml': [app(ns, '2.0.0'), crd('lost')] },
      );
      const { session } = await sessionFor(bin, one);
      const plan = (await session.ok('rollback_release', ROLLBACK)).plan as PlanSeen;
      expect(plan.risk).toBe('high');
      expect(plan.warnings).toContain(
        `The rollback deletes CustomResourceDefinition lost.${ns}.example, and with it every object of that kind.`,
      );
      expect(plan.warnings).toContain(
        `Custom resource definitions of the chart's crds folder are not rolled back: stays.${ns}.example.`,
      );
    },
  );
});
