import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isUnfinishedRollback } from '../src/domain/last-healthy.ts';
import { diffManifests, type ManifestObject, manifestObjects } from '../src/domain/manifest-diff.ts';
import { maskText } from '../src/domain/mask.ts';
import type { RevisionPayload, Workload } from '../src/domain/observe.ts';
import type { Draft } from '../src/domain/plan.ts';
import { outcomeFromRecords, outcomeOfRun } from '../src/domain/rollback-outcome.ts';
import { deletedBy, marksIn, rollbackHazards, rollbackHooks } from '../src/domain/rollback-risk.ts';
import { cleanText } from '../src/domain/text.ts';
import { notFound, unavailable } from '../src/errors.ts';
import type { EnvironmentReaders, ReadContext } from '../src/mcp/context.ts';
import { affectedCustomers, deadline } from '../src/mcp/plan-facts.ts';
import { helmsDryRun, rehearseRollback } from '../src/mcp/rehearsal.ts';
import { movedMeanwhile, namespaceOf } from '../src/mcp/releases.ts';
import { refuseBlocked, revisionsAfter, targetRevision } from '../src/mcp/rollback-target.ts';
import { followRollout, notRolledOut } from '../src/mcp/rollout.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';
import { gatedArguments, namespaceArg } from './gated-arguments.ts';

const SHOWN_CHANGES = 40;
/** How many newest revisions are decoded to find the last healthy one. */
const DETAILED = 6;
/** Revisions between the two whose jobs are looked at. */
const BETWEEN = 10;
/** Workloads whose autoscalers and budgets are looked for. */
const INTERFERED = 10;
/** Beyond Helm's own deadlines until its process is ended: ended before them, Helm could not write down what became of it. */
const GRACE_MS = 30_000;
/** After a run, until a cluster that is away counts as not to be asked. */
const ASK_MS = 10_000;

export const rollbackRelease = defineTool({
  name: 'rollback_release',
  title: 'Roll back a Helm release',
  effect: 'gated',
  description:
    'Plans `helm rollback` of one release, by default to its last healthy revision (failed and short-lived ones are skipped), with the real difference and a dry run. Runs only after a human approved exactly that plan. Use it when a deploy before the onset fits the trouble; not when the deploy came after it.',
  input: z.strictObject({
    release: s.kubeName.describe('Helm release, e.g. pulsestream-core.'),
    namespace: namespaceArg,
    revision: z.number().int().min(1).max(1_000_000).optional().describe('Default: the last healthy one.'),
    ...gatedArguments,
  }),
  plan: async (args, context) => {
    const env = context.environment(args.environment);
    const ref = { release: args.release, namespace: namespaceOf(env, args.release, args.namespace) };
    const helm = await env.helm();
    const options = { deadline_ms: deadline(context), signal: context.signal };
    const history = await helm.history([ref.namespace], [ref.release], DETAILED, options);
    const current = history[0];
    if (!current) {
      throw notFound(
        `release ${ref.release} does not exist in namespace ${ref.namespace} of ${env.name}.`,
        'check_recent_deploys lists the releases; check the configured namespace.',
      );
    }
    refuseBlocked(history, current, context.clock.now());
    const read = (n: number) => helm.payload(ref, n, options);
    const present = await read(current.revision);
    let target = targetRevision(history, current, args.revision, context.clock.now());
    let goal = await read(target.revision.revision);
    if (args.revision === undefined && isUnfinishedRollback(current) && goal?.manifest === present?.manifest) {
      // What has just failed is not healthy, however long it lived once.
      const failed = target.revision.revision;
      target = targetRevision(
        history.filter((r) => r.revision !== failed),
        current,
        undefined,
        context.clock.now(),
      );
      target.why.unshift(
        `revision ${failed} skipped: revision ${current.revision} went back to it and did not end well`,
      );
      goal = await read(target.revision.revision);
    }
    const [from, to] = [current.revision, target.revision.revision];
    if (!present || !goal) {
      throw unavailable(
        `a revision of ${ref.release} cannot be read, so its difference is unknown.`,
        'check the release Secrets, or name another revision.',
      );
    }
    context.progress(`comparing revision ${from} with ${to}`);
    const between = history.map((r) => r.revision).filter((n) => n > to && n < from);
    const [command, ...others] = await Promise.all([
      helm.rollbackCommand(ref, to),
      ...between.slice(0, BETWEEN).map(read),
    ]);
    context.progress('asking the cluster whether it would take the change');
    const taken_back = from > to ? [present, ...others.filter((r) => r !== null)] : [];
    return draftOf(context, env, { helm, ref, from: present, to: goal, command, taken_back }, target.why, args.reason);
  },
  run: async (plan, context) => {
    const ref = refOf(plan);
    const moved = await movedMeanwhile(context, plan, ref);
    if (moved !== null) return { status: 'failed', summary: `${moved}; nothing was run`, details: {} };
    const helm = await context.environment(plan.environment).helm();
    const to = await helm.payload(ref, Number(plan.to), { deadline_ms: deadline(context) }).catch(() => null);
    const hooks = to ? rollbackHooks(to).map((hook) => hook.name) : [];
    const longest = longestRun(context, to ? hooks.length : BETWEEN);
    const names = new Set(to ? manifestObjects(to.manifest).map(keyOf) : []);
    const wanted = (workload: Workload): boolean => names.has(keyOf(workload));
    const ended = new AbortController();
    const following = followRollout(context, plan.environment, ref.namespace, wanted, ended.signal);
    const result = await context.actuators.helm.rollback(ref, Number(plan.to), longest).finally(() => ended.abort());
    await following;
    const revisions = await untilAsked(() => revisionsAfter(context, plan.environment, ref, Number(plan.from)));
    const unready =
      result.exit_code === 0 || !revisions?.length
        ? []
        : await notRolledOut(context, plan.environment, ref.namespace, wanted).catch(() => []);
    return outcomeOfRun(plan, result, { revisions, unready, hooks }, longest);
  },
  reconcile: async (approval, context) => {
    const { plan } = approval;
    const revisions = await revisionsAfter(context, plan.environment, refOf(plan), Number(plan.from));
    const age = context.clock.now().getTime() - Date.parse(approval.runner?.started_at ?? approval.created_at);
    return outcomeFromRecords(plan, revisions, age, longestRun(context, Number(approval.world.hooks ?? 0)));
  },
});

type Helm = Awaited<ReturnType<EnvironmentReaders['helm']>>;

const refOf = (plan: { target: string; namespace: string | null }): Step['ref'] => ({
  release: plan.target,
  namespace: plan.namespace ?? '',
});
const keyOf = ({ kind, name }: { kind: string; name: string }): string => `${kind}/${name}`;

/** Helm waits `--timeout` for each hook and for the workloads. */
const longestRun = (context: Pick<ReadContext, 'config'>, hooks: number): number =>
  context.config.rollout_deadline * (1 + hooks) + GRACE_MS;

/** The outcome is worth a wait: a cluster that is away is asked again, undefined when it stays away. */
async function untilAsked<T>(ask: () => Promise<T>): Promise<T | undefined> {
  for (const end = Date.now() + ASK_MS; ; ) {
    try {
      return await ask();
    } catch {
      if (Date.now() > end) return undefined;
      await new Promise((wake) => setTimeout(wake, 500));
    }
  }
}

interface Step {
  helm: Helm;
  ref: { release: string; namespace: string };
  from: RevisionPayload;
  to: RevisionPayload;
  command: string[];
  taken_back: RevisionPayload[];
}

async function draftOf(
  context: ReadContext,
  env: EnvironmentReaders,
  { helm, ref, from, to, command, taken_back }: Step,
  why: string[],
  reason: string,
): Promise<Draft> {
  // Of an uninstalled release nothing is there.
  const present = from.status === 'uninstalled' ? '' : from.manifest;
  const changes = diffManifests(present, to.manifest, {
    from: `revision ${from.revision}`,
    to: `revision ${to.revision}`,
  });
  const [before, after] = [manifestObjects(present), manifestObjects(to.manifest)];
  const options = { deadline_ms: deadline(context), signal: context.signal };
  const kubernetes = await env.kubernetes();
  const seen = Promise.all([
    rehearseRollback(kubernetes, ref, { before, after, hooks: to, changes }, options),
    kubernetes.listWorkloads([ref.namespace], options),
    affectedCustomers(env, context),
  ]);
  // Where both fail, what Helm says comes first.
  seen.catch(() => undefined);
  await helmsDryRun(helm, ref, to.revision, options);
  const [rehearsal, workloads, customers] = await seen;
  const of = (objects: ManifestObject[]) => new Set(objects.map(keyOf));
  const [kept, gone, touched] = [of(after), of(deletedBy(before, after)), new Set(changes.map(keyOf))];
  const drifted = new Set(rehearsal.drift.map(keyOf));
  const live = workloads.filter((w) => kept.has(keyOf(w)));
  const changed = live.filter((w) => touched.has(keyOf(w)) || drifted.has(keyOf(w)));
  const interferers = await Promise.all(changed.slice(0, INTERFERED).map((w) => kubernetes.interferers(w, options)));
  const { warnings, risk } = rollbackHazards({
    from,
    to,
    taken_back,
    changes,
    interferers: [...new Set(interferers.flat())],
    marks: [...live.map((w) => ({ ...w.labels, ...w.annotations })), ...marksIn(after)],
    why,
    drift: rehearsal.drift,
    untried: rehearsal.untried,
  });
  const deleted = workloads.filter((w) => gone.has(keyOf(w)));
  return {
    action: 'rollback_release',
    environment: env.name,
    cluster: await kubernetes.cluster(),
    target: ref.release,
    namespace: ref.namespace,
    from: from.revision,
    to: to.revision,
    command,
    changes: changes.slice(0, SHOWN_CHANGES),
    changes_total: changes.length,
    blast_radius: { pods: [...changed, ...deleted].reduce((sum, w) => sum + w.desired, 0), customers },
    warnings,
    risk,
    reason: maskText(cleanText(reason)),
    world: {
      from_revision: from.revision,
      from_status: from.status,
      from_manifest: sha256(from.manifest),
      to_revision: to.revision,
      to_status: to.status,
      to_manifest: sha256(to.manifest),
      to_hooks: sha256(JSON.stringify([to.hooks, to.hook_manifests])),
      hooks: rollbackHooks(to).length,
      all_changes: sha256(JSON.stringify(changes)),
    },
  };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
