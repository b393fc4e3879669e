import { isKept, type ManifestObject, manifestObjects } from './manifest-diff.ts';
import { MASK, maskText } from './mask.ts';
import type { RevisionPayload } from './observe.ts';
import type { Change, Risk } from './plan.ts';
import type { Tree } from './rollback-patch.ts';
import { cleanText, oneLine } from './text.ts';

/** What a plan found out about a rollback. */
export interface RollbackFacts {
  from: RevisionPayload;
  to: RevisionPayload;
  /** The revisions that are taken back: after `to`, up to and with `from`. */
  taken_back: readonly RevisionPayload[];
  /** All changes, not only those shown. */
  changes: readonly Change[];
  interferers: readonly string[];
  /** Labels and annotations of the objects, live and in the manifests. */
  marks: readonly Record<string, string>[];
  /** Why this target was chosen. */
  why: readonly string[];
  /** Fields of live objects that will change; see `driftWarnings`. */
  drift: readonly Change[];
  /** Objects that the cluster could not try beforehand. */
  untried: readonly string[];
}

const SHOWN_DRIFT = 5;
/** Their deletion takes data with it. */
const PRECIOUS: Readonly<Record<string, string>> = {
  CustomResourceDefinition: 'and with it every object of that kind',
  PersistentVolumeClaim: 'and, by its reclaim policy, the data on it',
  Namespace: 'and with it everything inside',
};

/** What can go wrong, and how much it weighs. Source: design notes of Helm operators (hooks, CRDs, migrations, owners). */
export function rollbackHazards(facts: RollbackFacts): { warnings: string[]; risk: Risk } {
  const { from, to, changes } = facts;
  const high: string[] = [...migrations(facts), ...losses(facts), ...owners(facts.marks)];
  const warnings: string[] = facts.why.filter((reason) => reason.includes('skipped')).map((reason) => `${reason}.`);
  if (to.status === 'failed' || to.status.startsWith('pending'))
    high.push(`Revision ${to.revision} itself is ${to.status}.`);
  if (from.status === 'uninstalled')
    high.push(`${from.release} is uninstalled (revision ${from.revision}): this rollback installs it again.`);
  else if (to.status === 'uninstalled') warnings.push(`Revision ${to.revision} itself was uninstalled later.`);
  if (from.status === 'failed' && changes.length === 0) {
    high.push(
      `Revision ${from.revision} has the same manifests and is failed (${oneLine(maskText(cleanText(from.description ?? 'no reason given')), 140)}): find out why before the same is tried again.`,
    );
  } else if (changes.length === 0) {
    warnings.push('The two revisions have the same manifests: the rollback changes nothing that can be seen.');
  }
  if (to.revision > from.revision) warnings.push(`Revision ${to.revision} is newer than the present ${from.revision}.`);
  warnings.push(...driftWarnings(changes, facts.drift), ...hooks(to), ...definitions(facts), ...facts.interferers);
  if (facts.untried.length > 0)
    warnings.push(`The cluster could not try beforehand: ${facts.untried.slice(0, 5).join(', ')}.`);
  return { warnings: [...high, ...warnings], risk: high.length > 0 ? 'high' : 'medium' };
}

/** The hooks that `helm rollback` runs, which are those of the target. */
export const rollbackHooks = (to: Pick<RevisionPayload, 'hooks'>): RevisionPayload['hooks'] =>
  to.hooks.filter((hook) => hook.events.some((event) => event.endsWith('-rollback')));

function hooks(to: RevisionPayload): string[] {
  const run = rollbackHooks(to).map(
    ({ kind, name, events }) => `${events.filter((e) => e.endsWith('-rollback')).join(' and ')} ${kind}/${name}`,
  );
  return run.length === 0
    ? []
    : [
        `Hooks of revision ${to.revision} run again: ${run.join(', ')}. One that fails stops the rollback and leaves the release pending-rollback.`,
      ];
}

const MIGRATES = /migrat|flyway|liquibase|alembic|schema|db-?(init|update)/i;
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Jobs that changed the data when these revisions came, as far as name, image or command tell. */
function migrations({ taken_back, to }: RollbackFacts): string[] {
  return taken_back.flatMap((revision) => {
    const ranNot = new Set(
      revision.hooks.filter((h) => !h.events.some((e) => e.endsWith('-upgrade'))).map((h) => `${h.kind}/${h.name}`),
    );
    const jobs = [revision.manifest, revision.hook_manifests]
      .flatMap(objectsOf)
      .filter((object) => object.kind === 'Job' && !ranNot.has(`Job/${object.name}`) && MIGRATES.test(wordsOf(object)))
      .map((object) => object.name);
    const named = revision.hooks.filter(
      (h) => h.kind === 'Job' && !ranNot.has(`Job/${h.name}`) && MIGRATES.test(h.name),
    );
    const names = [...new Set([...jobs, ...named.map((h) => h.name)])];
    return names.length === 0
      ? []
      : [
          `Revision ${revision.revision} brought migration job ${names.join(', ')}: what it did to the data is not undone, and the data may not fit revision ${to.revision}.`,
        ];
  });
}

/** What does not parse has no part in this question; the difference of the manifests has refused it before. */
function objectsOf(manifest: string): ManifestObject[] {
  try {
    return manifestObjects(manifest);
  } catch {
    return [];
  }
}

/** Name, images, commands and arguments of a Job. */
function wordsOf({ name, tree }: ManifestObject): string {
  const template = isTree(tree.spec) && isTree(tree.spec.template) ? tree.spec.template : {};
  const spec = isTree(template.spec) ? template.spec : {};
  const containers = [spec.initContainers, spec.containers].flatMap((list) => (Array.isArray(list) ? list : []));
  return [name, ...containers.filter(isTree).flatMap((c) => [c.image, c.command, c.args].flat())].map(String).join(' ');
}

/** Objects that go, and take data with them. */
const losses = ({ changes }: RollbackFacts): string[] =>
  changes
    .filter((c) => c.field === 'object' && c.to === 'deleted' && Object.hasOwn(PRECIOUS, c.kind))
    .map((c) => `The rollback deletes ${c.kind} ${c.name}, ${PRECIOUS[c.kind]}.`);

/** Definitions of the chart's `crds/` folder stay as they are; those among the templates go back with all the rest. */
function definitions({ from, to, changes }: RollbackFacts): string[] {
  const warnings: string[] = [];
  const kept = [...new Set([...from.crds, ...to.crds])];
  if (kept.length > 0)
    warnings.push(`Custom resource definitions of the chart's crds folder are not rolled back: ${kept.join(', ')}.`);
  const changed = new Set(
    changes.filter((c) => c.kind === 'CustomResourceDefinition' && c.field !== 'object').map((c) => c.name),
  );
  if (changed.size > 0)
    warnings.push(
      `Custom resource definitions among the templates are rolled back too: ${[...changed].join(', ')}; objects that use what is new in them may no longer be valid.`,
    );
  return warnings;
}

/**
 * Who else applies these objects. Only marks that their owner sets count: a chart may carry hints for Argo CD and be installed without it.
 * Source: Argo CD, "Resource Tracking"; Flux, "HelmRelease" and "Kustomization" (labels of the objects they apply).
 */
function owners(marks: readonly Record<string, string>[]): string[] {
  const found = new Set<string>();
  for (const mark of marks) {
    const tracked = mark['argocd.argoproj.io/tracking-id']?.split(':')[0] ?? mark['argocd.argoproj.io/instance'];
    if (tracked !== undefined)
      found.add(
        `Argo CD application ${oneLine(tracked, 80)} owns these objects and may undo the rollback: pause its sync or revert in Git too.`,
      );
    for (const [part, kind] of FLUX) {
      const name = mark[`${part}.toolkit.fluxcd.io/name`];
      const namespace = mark[`${part}.toolkit.fluxcd.io/namespace`];
      if (name !== undefined)
        found.add(
          `Flux ${kind} ${oneLine(namespace === undefined ? name : `${namespace}/${name}`, 120)} owns these objects and may undo the rollback: suspend it or revert in Git too.`,
        );
    }
  }
  return [...found];
}
const FLUX = [
  ['helm', 'HelmRelease'],
  ['kustomize', 'Kustomization'],
] as const;

/**
 * What the rollback changes beyond the difference of the manifests: fields that somebody or something changed in the cluster since. `drift` is the
 * step of the live objects, `changes` that of the manifests.
 */
function driftWarnings(changes: readonly Change[], drift: readonly Change[]): string[] {
  // A Secret is written as stringData and read as data.
  const planned = new Map(changes.map((c) => [`${c.kind}/${c.name} ${c.field.replace(/^stringData\b/, 'data')}`, c]));
  const beyond = drift.filter((c) => {
    const plan = planned.get(`${c.kind}/${c.name} ${c.field}`);
    return plan === undefined || (c.from !== plan.from && c.kind !== 'Secret');
  });
  const shown = beyond.slice(0, SHOWN_DRIFT).map((c) => {
    const what = `${c.kind}/${c.name} ${oneLine(c.field, 80)}`;
    if (c.from?.startsWith(MASK) || c.to?.startsWith(MASK))
      return `${what} was changed outside of Helm: the rollback sets it back.`;
    const to = c.to === null ? 'removes it' : `sets ${oneLine(c.to, 80)}`;
    return `${what} is ${c.from === null ? 'not set' : oneLine(c.from, 80)} now, changed outside of Helm: the rollback ${to}.`;
  });
  const hidden = beyond.length - shown.length;
  return hidden > 0 ? [...shown, `${hidden} more fields were changed outside of Helm and will be set back.`] : shown;
}

/** Labels and annotations of every object of a manifest. */
export const marksIn = (objects: readonly ManifestObject[]): Record<string, string>[] =>
  objects.map(({ tree }) => {
    const { labels, annotations } = isTree(tree.metadata) ? tree.metadata : {};
    const flat = { ...(isTree(labels) ? labels : {}), ...(isTree(annotations) ? annotations : {}) };
    return Object.fromEntries(Object.entries(flat).map(([key, value]) => [key, String(value)]));
  });

/** Objects that Helm deletes: in the present manifest only, and not to be kept. */
export const deletedBy = (from: readonly ManifestObject[], to: readonly ManifestObject[]): ManifestObject[] =>
  from.filter(
    (a) => !isKept(a) && !to.some((b) => a.kind === b.kind && a.name === b.name && a.namespace === b.namespace),
  );
