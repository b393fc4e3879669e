import { describe, expect, it } from 'vitest';
import type { RevisionPayload } from '../../src/domain/observe.ts';
import { type HelmRun, outcomeFromRecords, outcomeOfRun } from '../../src/domain/rollback-outcome.ts';
import { type RollbackFacts, rollbackHazards } from '../../src/domain/rollback-risk.ts';
import { revision } from './builders.ts';

const PLAN = { target: 'core', namespace: 'prod', from: 12, to: 10 };
const DEADLINE = 300_000;
const ran = (over: Partial<HelmRun> = {}): HelmRun => ({
  exit_code: 0,
  stdout: '',
  stderr: '',
  timed_out: false,
  not_found: false,
  duration_ms: 5,
  ...over,
});
const made = (status: string, description = 'Rollback to 10', number = 13) => ({
  ...revision(number, null, status),
  description,
});

describe('the outcome of a rollback that ended', () => {
  const hook = 'Error: 1 error occurred:\n\t* job core-check failed: BackoffLimitExceeded\n';
  it.each([
    ['well', ran(), [made('deployed')], 'executed', /revision 10, now revision 13 \(deployed\)$/],
    [
      'well, and followed by another deploy',
      ran(),
      [made('deployed', 'Upgrade complete', 14), made('superseded')],
      'executed',
      /now revision 13 \(superseded\); another hand has made revision 14/,
    ],
    ['well, and the history cannot be read', ran(), undefined, 'executed', /revision 10$/],
    ['without an error and without a trace', ran(), [], 'failed', /wrote no new revision/],
    [
      'with an error',
      ran({ exit_code: 1, stderr: 'Error: context deadline exceeded' }),
      [made('failed')],
      'failed',
      /exit 1\).*deadline.*13 \(failed\): what helm applied of revision 10 stays.*not ready: web 0\/2 ready/,
    ],
    [
      'with an error before it wrote anything',
      ran({ exit_code: 1, stderr: 'Error: no' }),
      [],
      'failed',
      /still at revision 12; nothing was changed$/,
    ],
    [
      'by a hook',
      ran({ exit_code: 1, stderr: hook }),
      [made('pending-rollback')],
      'failed',
      /hook core-check stopped.*frees it.*helm rollback core 10 --namespace prod --no-hooks/,
    ],
    [
      'because the cluster went away',
      ran({ exit_code: 1, stderr: 'Error: connection refused' }),
      undefined,
      'outcome_unknown',
      /connection refused; the cluster could not be asked/,
    ],
    [
      'because the cluster went away for a while',
      ran({ exit_code: 1, stderr: 'Error: connection refused' }),
      [made('pending-rollback')],
      'outcome_unknown',
      /left pending-rollback: helm refuses every upgrade .* helm rollback core 10 --namespace prod;/,
    ],
    [
      'because the cluster was never there',
      ran({ exit_code: 1, stderr: 'Error: Kubernetes cluster unreachable: Get "https://x"' }),
      undefined,
      'failed',
      /had not begun, so nothing was changed$/,
    ],
    [
      'because another hand was quicker',
      ran({ exit_code: 1, stderr: 'Error: release: already exists' }),
      [made('deployed', 'Rollback to 9')],
      'failed',
      /another helm operation on core was quicker, and this one changed nothing$/,
    ],
    [
      'by our deadline',
      ran({ exit_code: null, timed_out: true }),
      [made('pending-rollback')],
      'outcome_unknown',
      /300 s/,
    ],
    ['by a signal before it began', ran({ exit_code: null }), [], 'failed', /killed before.*nothing was changed/],
    [
      'by a signal on the way',
      ran({ exit_code: null }),
      [made('pending-rollback')],
      'outcome_unknown',
      /killed on the way/,
    ],
    [
      'before it could start',
      ran({ exit_code: null, not_found: true }),
      [],
      'failed',
      /not found; nothing was changed/,
    ],
  ] as const)('%s', (_how, result, revisions, status, words) => {
    const seen = { revisions, unready: ['web 0/2 ready'], hooks: ['core-check'] };
    const outcome = outcomeOfRun(PLAN, result, seen, DEADLINE);
    expect(outcome.status).toBe(status);
    expect(outcome.summary).toMatch(words);
  });

  it('holds no secret that helm prints', () => {
    const seen = { revisions: [], unready: [], hooks: [] };
    const { summary } = outcomeOfRun(PLAN, ran({ exit_code: 1, stderr: 'password=hunter2secret' }), seen, DEADLINE);
    expect(summary).not.toContain('hunter2secret');
  });
});

describe('the outcome after a crash, from the records', () => {
  it.each([
    ['no new revision yet', [], 1_000, null],
    ['no new revision for long', [], 11_000, 'failed'],
    ['done', [made('deployed')], 11_000, 'executed'],
    [
      'done and followed by another deploy',
      [made('deployed', 'Upgrade complete', 14), made('superseded')],
      11_000,
      'executed',
    ],
    ['under way', [made('pending-rollback')], 60_000, null],
    ['left behind', [made('pending-rollback')], DEADLINE + 31_000, 'outcome_unknown'],
    ['failed at its objects', [made('failed', 'Rollback "core" failed: timed out')], 11_000, 'failed'],
    ['failed at its wait', [made('failed', 'Release "core" failed: context deadline exceeded')], 11_000, 'failed'],
    ["another hand's upgrade", [made('deployed', 'Upgrade complete')], 11_000, 'outcome_unknown'],
    ["another hand's failed upgrade", [made('failed', 'Upgrade "core" failed: x')], 11_000, 'outcome_unknown'],
    ['a rollback to another revision', [made('deployed', 'Rollback to 9')], 11_000, 'outcome_unknown'],
    ['a later revision alone', [made('deployed', 'Rollback to 10', 14)], 11_000, 'outcome_unknown'],
  ] as const)('%s', (_what, revisions, age, status) => {
    expect(outcomeFromRecords(PLAN, revisions, age, DEADLINE)?.status ?? null).toBe(status);
  });
});

const payload = (number: number, over: Partial<RevisionPayload> = {}): RevisionPayload => ({
  ...revision(number, null),
  manifest: '',
  hooks: [],
  hook_manifests: '',
  crds: [],
  config: {},
  ...over,
});

const job = (name: string, more = ''): string =>
  `apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: ${name}\nspec:\n  template:\n    spec:\n      containers:\n      - name: a\n        image: x\n${more}`;
const gone = (kind: string) => [{ kind, name: 'x', field: 'object', from: 'present', to: 'deleted' }];
const changed = [{ kind: 'Deployment', name: 'web', field: 'image', from: 'a', to: 'b' }];
const field = (from: string | null, to: string | null) => ({
  kind: 'Deployment',
  name: 'web',
  field: 'replicas',
  from,
  to,
});

describe('what can go wrong with a rollback', () => {
  it.each<[string, Partial<RollbackFacts>, 'medium' | 'high', RegExp | null]>([
    ['nothing special', {}, 'medium', null],
    [
      'a hook that runs again',
      { to: payload(10, { hooks: [{ name: 'warm', kind: 'Job', events: ['post-rollback', 'post-upgrade'] }] }) },
      'medium',
      /Hooks of revision 10 run again: post-rollback Job\/warm\./,
    ],
    [
      'a hook of other moments',
      { to: payload(10, { hooks: [{ name: 'warm', kind: 'Job', events: ['test', 'pre-upgrade'] }] }) },
      'medium',
      null,
    ],
    [
      'a migration, by the name of its hook',
      { taken_back: [payload(12, { hooks: [{ name: 'db-migrate', kind: 'Job', events: ['pre-upgrade'] }] })] },
      'high',
      /Revision 12 brought migration job db-migrate/,
    ],
    [
      'a migration in a revision between, by its command',
      {
        taken_back: [
          payload(12),
          payload(11, { manifest: job('prepare', '        command: [alembic, upgrade, head]\n') }),
        ],
      },
      'high',
      /Revision 11 brought migration job prepare/,
    ],
    [
      'a migration that only an install runs',
      { taken_back: [payload(12, { hooks: [{ name: 'db-migrate', kind: 'Job', events: ['pre-install'] }] })] },
      'medium',
      null,
    ],
    ['a migration of the target alone', { to: payload(10, { manifest: job('migrate') }) }, 'medium', null],
    [
      'custom resource definitions',
      { from: payload(12, { crds: ['agents.example'] }) },
      'medium',
      /not rolled back: agents.example/,
    ],
    ['the end of a definition', { changes: gone('CustomResourceDefinition') }, 'high', /every object of that kind/],
    ['the end of a volume', { changes: gone('PersistentVolumeClaim') }, 'high', /deletes PersistentVolumeClaim x/],
    ['the end of a ConfigMap', { changes: gone('ConfigMap') }, 'medium', null],
    ['a target that had failed', { to: payload(11, { status: 'failed' }) }, 'high', /Revision 11 itself is failed/],
    ['an uninstalled release', { from: payload(12, { status: 'uninstalled' }) }, 'high', /installs it again/],
    ['no difference', { changes: [] }, 'medium', /same manifests: the rollback changes nothing/],
    [
      'a try that failed before',
      { from: payload(12, { status: 'failed', description: 'Release "core" failed: timed out' }), changes: [] },
      'high',
      /Revision 12 has the same manifests and is failed \(Release "core" failed: timed out\)/,
    ],
    ['an autoscaler', { interferers: ['HPA web keeps 2 to 6'] }, 'medium', /HPA web/],
    ['Argo CD', { marks: [{ 'argocd.argoproj.io/instance': 'shop' }] }, 'high', /Argo CD application shop owns/],
    [
      'Argo CD by its annotation',
      { marks: [{ 'argocd.argoproj.io/tracking-id': 'shop:apps/Deployment:prod/web' }] },
      'high',
      /Argo CD application shop owns/,
    ],
    ['a hint for Argo CD', { marks: [{ 'argocd.argoproj.io/sync-wave': '1' }] }, 'medium', null],
    [
      'Flux',
      { marks: [{ 'helm.toolkit.fluxcd.io/name': 'x', 'helm.toolkit.fluxcd.io/namespace': 'flux-system' }] },
      'high',
      /Flux HelmRelease flux-system\/x owns/,
    ],
    ['a hint for Flux', { marks: [{ 'kustomize.toolkit.fluxcd.io/prune': 'disabled' }] }, 'medium', null],
    [
      'a field that was changed by hand',
      { drift: [field('0', '3')] },
      'medium',
      /Deployment\/web replicas is 0 now, changed outside of Helm: the rollback sets 3/,
    ],
    [
      'a field that changes as planned',
      { changes: [...changed, field('2', '3')], drift: [field('2', '3')] },
      'medium',
      null,
    ],
    [
      'a planned field that is not what Helm wrote',
      { changes: [...changed, field('2', '3')], drift: [field('0', '3')] },
      'medium',
      /replicas is 0 now/,
    ],
    ['what cannot be tried', { untried: ['Widget/x'] }, 'medium', /could not try beforehand: Widget\/x/],
  ])('%s', (_what, facts, risk, words) => {
    const found = rollbackHazards({
      from: payload(12),
      to: payload(10),
      taken_back: [payload(12)],
      changes: changed,
      interferers: [],
      marks: [],
      why: [],
      drift: [],
      untried: [],
      ...facts,
    });
    expect(found.risk).toBe(risk);
    if (words === null) expect(found.warnings).toEqual([]);
    else expect(found.warnings.join('\n')).toMatch(words);
  });
});
