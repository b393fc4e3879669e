import { describe, expect, it } from 'vitest';
import type { RevisionPayload } from '../../src/domain/observe.ts';
import { type HelmRun, outcomeFromRecords, outcomeOfRun } from '../../src/domain/rollback-outcome.ts';
import { rollbackHazards } from '../../src/domain/rollback-risk.ts';
import { revision } from './builders.ts';

const PLAN = { target: 'core', from: 12, to: 10 };
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
  it.each([
    ['well', ran(), made('deployed'), 'executed', /revision 10, now revision 13 \(deployed\)/],
    ['well, and the history cannot be read', ran(), undefined, 'executed', /revision 10$/],
    ['without an error and without a trace', ran(), null, 'failed', /wrote no new revision/],
    [
      'with an error',
      ran({ exit_code: 1, stderr: 'Error: hook failed' }),
      made('failed'),
      'failed',
      /exit 1\).*hook failed.*13 \(failed\)/,
    ],
    [
      'by our deadline',
      ran({ exit_code: null, timed_out: true }),
      made('pending-rollback'),
      'outcome_unknown',
      /300 s/,
    ],
    ['by a signal before it began', ran({ exit_code: null }), null, 'failed', /killed before/],
    [
      'by a signal on the way',
      ran({ exit_code: null }),
      made('pending-rollback'),
      'outcome_unknown',
      /killed on the way/,
    ],
    [
      'before it could start',
      ran({ exit_code: null, not_found: true }),
      null,
      'failed',
      /not found; nothing was changed/,
    ],
  ] as const)('%s', (_how, result, after, status, words) => {
    const outcome = outcomeOfRun(PLAN, result, after, DEADLINE);
    expect(outcome.status).toBe(status);
    expect(outcome.summary).toMatch(words);
  });

  it('holds no secret that helm prints', () => {
    const { summary } = outcomeOfRun(PLAN, ran({ exit_code: 1, stderr: 'password=hunter2secret' }), null, DEADLINE);
    expect(summary).not.toContain('hunter2secret');
  });
});

describe('the outcome after a crash, from the records', () => {
  it.each([
    ['no new revision yet', null, 1_000, null],
    ['no new revision for long', null, 11_000, 'failed'],
    ['done', made('deployed'), 11_000, 'executed'],
    ['done and followed by nothing', made('superseded'), 11_000, 'executed'],
    ['under way', made('pending-rollback'), 60_000, null],
    ['left behind', made('pending-rollback'), DEADLINE + 31_000, 'failed'],
    ['failed', made('failed', 'Rollback "core" failed: timed out'), 11_000, 'failed'],
    ["another hand's upgrade", made('deployed', 'Upgrade complete'), 11_000, 'outcome_unknown'],
    ['a rollback to another revision', made('deployed', 'Rollback to 9'), 11_000, 'outcome_unknown'],
    ['a later revision', made('deployed', 'Rollback to 10', 14), 11_000, 'outcome_unknown'],
  ] as const)('%s', (_what, after, age, status) => {
    expect(outcomeFromRecords(PLAN, after, age, DEADLINE)?.status ?? null).toBe(status);
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

describe('what can go wrong with a rollback', () => {
  it.each([
    ['nothing special', payload(12), payload(10), 3, [], [], 'medium', null],
    [
      'a hook that runs again',
      payload(12),
      payload(10, { hooks: [{ name: 'warm', kind: 'Job', events: ['post-rollback'] }] }),
      3,
      [],
      [],
      'medium',
      /Hooks run again.*Job\/warm/,
    ],
    [
      'a migration between them',
      payload(12, { hooks: [{ name: 'db-migrate', kind: 'Job', events: ['pre-upgrade'] }] }),
      payload(10),
      3,
      [],
      [],
      'high',
      /migration job db-migrate/,
    ],
    [
      'custom resource definitions',
      payload(12, { crds: ['agents.example'] }),
      payload(10),
      3,
      [],
      [],
      'medium',
      /not rolled back: agents.example/,
    ],
    [
      'a target that had failed',
      payload(12),
      payload(11, { status: 'failed' }),
      3,
      [],
      [],
      'high',
      /Revision 11 itself is failed/,
    ],
    ['no difference', payload(12), payload(10), 0, [], [], 'medium', /same manifests/],
    ['an autoscaler', payload(12), payload(10), 3, ['HPA web keeps 2 to 6'], [], 'medium', /HPA web/],
    ['Argo CD', payload(12), payload(10), 3, [], [{ 'argocd.argoproj.io/instance': 'x' }], 'high', /Argo CD/],
    ['Flux', payload(12), payload(10), 3, [], [{ 'helm.toolkit.fluxcd.io/name': 'x' }], 'high', /Flux/],
  ] as const)('%s', (_what, from, to, changes, interferers, marks, risk, words) => {
    const found = rollbackHazards(from, to, changes, [...interferers], [...marks], []);
    expect(found.risk).toBe(risk);
    if (words === null) expect(found.warnings).toEqual([]);
    else expect(found.warnings.join('\n')).toMatch(words);
  });
});
