import { type ManifestObject, manifestObjects } from '../domain/manifest-diff.ts';
import { maskText } from '../domain/mask.ts';
import type { RevisionPayload } from '../domain/observe.ts';
import type { Change } from '../domain/plan.ts';
import { deletedBy, rollbackHooks } from '../domain/rollback-risk.ts';
import { oneLine } from '../domain/text.ts';
import { type AppError, conflict, forbidden, notConfigured, unavailable } from '../errors.ts';
import type { HelmReader, ReleaseRef } from '../ports/helm.ts';
import type { KubernetesReader, ReadOptions, Rehearsal, RehearsalStep } from '../ports/kubernetes.ts';

/** Objects that are tried, those that change first. */
const MOST = 200;
const SHOWN = 3;

const keyOf = ({ kind, name }: { kind: string; name: string }): string => `${kind}/${name}`;
const same = (a: ManifestObject, b: ManifestObject): boolean => keyOf(a) === keyOf(b) && a.namespace === b.namespace;

/**
 * Lets the cluster try what Helm would send it, and keeps nothing. Throws `CONFLICT`, or `FORBIDDEN`, with the cluster's own words when it would
 * refuse: Helm would find out in the middle, and leave the release half changed.
 */
export async function rehearseRollback(
  kubernetes: KubernetesReader,
  ref: ReleaseRef,
  step: { before: ManifestObject[]; after: ManifestObject[]; hooks: RevisionPayload; changes: readonly Change[] },
  options: ReadOptions,
): Promise<Rehearsal> {
  const { before, after } = step;
  const changed = new Set(step.changes.map(keyOf));
  const steps: RehearsalStep[] = [
    ...after.map((object) => ({ before: before.find((b) => same(b, object)) ?? null, after: object })),
    ...deletedBy(before, after).map((object) => ({ before: object, after: null })),
  ].sort((a, b) => rank(a, changed) - rank(b, changed));
  const names = new Set(rollbackHooks(step.hooks).map(keyOf));
  const hooks = manifestObjects(step.hooks.hook_manifests)
    .filter((object) => names.has(keyOf(object)))
    .map((object) => ({ before: null, after: object, hook: true }));
  const all = [...hooks, ...steps];
  const tried = await kubernetes.rehearse(ref, all.slice(0, MOST), options);
  // What the same rollback creates, others of its objects may need: the cluster cannot know that.
  const created = new Set(after.filter((o) => o.kind === 'Namespace').map((o) => o.name));
  const refusals = tried.refusals.filter(
    ({ error }) =>
      !(error.code === 'NOT_FOUND' && [...created].some((name) => error.message.includes(`namespace ${name} `))),
  );
  if (refusals.length > 0) throw refusal(ref, refusals);
  const beyond = all.length - MOST;
  return { ...tried, untried: beyond > 0 ? [...tried.untried, `${beyond} more objects`] : tried.untried };
}

const rank = ({ before, after }: RehearsalStep, changed: ReadonlySet<string>): number => {
  const object = after ?? before;
  return object && changed.has(keyOf(object)) ? 0 : 1;
};

/** Server-side apply: another writer has set these fields since. Source: Kubernetes, "Server-Side Apply", conflicts. */
const OTHERS_FIELDS = /Apply failed with \d+ conflicts?: (.*)/;

function refusal(ref: ReleaseRef, refusals: Rehearsal['refusals']): AppError {
  const shown = refusals.slice(0, SHOWN).map(({ object, error }) => {
    const conflicts = OTHERS_FIELDS.exec(error.message)?.[1];
    return `${object}: ${conflicts === undefined ? error.message.replace(/\.$/, '') : `fields of other writers, ${oneLine(conflicts, 300)}`}`;
  });
  const more = refusals.length > shown.length ? `; and ${refusals.length - shown.length} more` : '';
  const message = `the cluster would refuse this rollback of ${ref.release} (tried without keeping anything): ${shown.join('; ')}${more}; nothing was run.`;
  const [first] = refusals;
  if (refusals.some(({ error }) => OTHERS_FIELDS.test(error.message))) {
    return conflict(
      message,
      `set these fields back to what the present revision has (somebody changed them outside of Helm), or a human runs it at a terminal with --force-conflicts, which overwrites them.`,
    );
  }
  if (first?.error.code === 'FORBIDDEN') return forbidden(message, first.error.next);
  return conflict(message, 'mend what the cluster says, or choose another revision.');
}

/** Helm's own look: that it is there, reaches the cluster and knows the revision. It asks the cluster nothing about the objects. */
export async function helmsDryRun(
  helm: HelmReader,
  ref: ReleaseRef,
  revision: number,
  options: ReadOptions,
): Promise<void> {
  const dryRun = await helm.dryRunRollback(ref, revision, options);
  if (dryRun.not_found)
    throw notConfigured(
      'the helm program was not found.',
      'install helm, or name it under programs.helm in the configuration.',
    );
  if (dryRun.timed_out)
    throw unavailable(
      'the dry run of helm did not end in time; nothing was run.',
      'check that the cluster answers, then try again.',
    );
  if (dryRun.exit_code !== 0) {
    throw conflict(
      `the dry run of helm failed: ${oneLine(maskText(dryRun.stderr || dryRun.stdout), 300)}; nothing was run.`,
      'mend what helm says, or roll back to another revision.',
    );
  }
}
