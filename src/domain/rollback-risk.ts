import type { RevisionPayload } from './observe.ts';
import type { Risk } from './plan.ts';

const MIGRATION = /migrat|schema|db-?(init|update)/i;

/** What can go wrong, and how much it weighs. Source: design notes of Helm operators (hooks, CRDs, migrations, owners). */
export function rollbackHazards(
  from: RevisionPayload,
  to: RevisionPayload,
  changes: number,
  interferers: string[],
  marks: Record<string, string>[],
  why: string[],
): { warnings: string[]; risk: Risk } {
  const warnings: string[] = [...why.filter((reason) => reason.includes('skipped')).map((reason) => `${reason}.`)];
  let risk: Risk = 'medium';
  const hooks = to.hooks.filter((hook) => hook.events.some((event) => event.includes('rollback')));
  if (hooks.length > 0)
    warnings.push(`Hooks run again on rollback: ${hooks.map((h) => `${h.kind}/${h.name}`).join(', ')}.`);
  const migrations = [...from.hooks, ...to.hooks].filter((hook) => hook.kind === 'Job' && MIGRATION.test(hook.name));
  const migrationJob = /kind: Job[\s\S]{0,400}name: \S*(migrat|schema)/i.test(from.manifest);
  if (migrations.length > 0 || migrationJob) {
    risk = 'high';
    warnings.push(
      `A migration job ${migrations[0]?.name ?? ''} belongs to these revisions: the data may not fit the older version.`.replace(
        '  ',
        ' ',
      ),
    );
  }
  if (from.crds.length > 0 || to.crds.length > 0)
    warnings.push(
      `Custom resource definitions are not rolled back: ${[...new Set([...from.crds, ...to.crds])].join(', ')}.`,
    );
  if (to.status === 'failed' || to.status.startsWith('pending')) {
    risk = 'high';
    warnings.push(`Revision ${to.revision} itself is ${to.status}.`);
  }
  if (to.revision > from.revision) warnings.push(`Revision ${to.revision} is newer than the present ${from.revision}.`);
  if (changes === 0)
    warnings.push('The two revisions have the same manifests: the rollback changes nothing that can be seen.');
  warnings.push(...interferers);
  if (marks.some((m) => Object.keys(m).some((key) => key.startsWith('argocd.argoproj.io/')))) {
    risk = 'high';
    warnings.push('Argo CD owns these objects and may undo the rollback: pause its sync or revert in Git too.');
  }
  if (marks.some((m) => Object.keys(m).some((key) => key.includes('.toolkit.fluxcd.io/')))) {
    risk = 'high';
    warnings.push('Flux owns these objects and may undo the rollback: suspend it or revert in Git too.');
  }
  return { warnings, risk };
}
