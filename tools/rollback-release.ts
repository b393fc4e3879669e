import { createHash } from 'node:crypto';
import { z } from 'zod';
import { diffManifests, workloadsIn } from '../src/domain/manifest-diff.ts';
import { maskText } from '../src/domain/mask.ts';
import type { RevisionPayload } from '../src/domain/observe.ts';
import type { Draft } from '../src/domain/plan.ts';
import { outcomeFromRecords, outcomeOfRun } from '../src/domain/rollback-outcome.ts';
import { rollbackHazards } from '../src/domain/rollback-risk.ts';
import { cleanText, oneLine } from '../src/domain/text.ts';
import { conflict, notConfigured, notFound, unavailable } from '../src/errors.ts';
import type { EnvironmentReaders, ReadContext } from '../src/mcp/context.ts';
import { affectedCustomers, deadline } from '../src/mcp/plan-facts.ts';
import { movedMeanwhile, namespaceOf, newRevision, refuseBlocked, targetRevision } from '../src/mcp/releases.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';
import { gatedArguments, namespaceArg } from './gated-arguments.ts';

const SHOWN_CHANGES = 40;
/** How many newest revisions are decoded to find the last healthy one. */
const DETAILED = 3;

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
    refuseBlocked(current);
    const target = targetRevision(history, current, args.revision, context.clock.now());
    context.progress(`comparing revision ${current.revision} with ${target.revision.revision}`);
    const [from, to] = await Promise.all([
      helm.payload(ref, current.revision, options),
      helm.payload(ref, target.revision.revision, options),
    ]);
    if (!from || !to) {
      throw unavailable(
        `a revision of ${ref.release} cannot be read, so its difference is unknown.`,
        'check the release Secrets, or name another revision.',
      );
    }
    const command = await helm.rollbackCommand(ref, to.revision);
    const dryRun = await helm.dryRunRollback(ref, to.revision, options);
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
    return draftOf(context, env, ref, from, to, command, target.why, args.reason);
  },
  run: async (plan, context) => {
    const ref = { release: plan.target, namespace: plan.namespace ?? '' };
    const moved = await movedMeanwhile(context, plan, ref);
    if (moved !== null) return { status: 'failed', summary: `${moved}; nothing was run`, details: {} };
    const result = await context.actuators.helm.rollback(ref, Number(plan.to), context.config.rollout_deadline);
    const after = await newRevision(context, plan.environment, ref, Number(plan.from)).catch(() => undefined);
    return outcomeOfRun(plan, result, after, context.config.rollout_deadline);
  },
  reconcile: async (approval, context) => {
    const { plan } = approval;
    const ref = { release: plan.target, namespace: plan.namespace ?? '' };
    const after = await newRevision(context, plan.environment, ref, Number(plan.from));
    const age = context.clock.now().getTime() - Date.parse(approval.runner?.started_at ?? approval.created_at);
    return outcomeFromRecords(plan, after, age, context.config.rollout_deadline);
  },
});

async function draftOf(
  context: ReadContext,
  env: EnvironmentReaders,
  ref: { release: string; namespace: string },
  from: RevisionPayload,
  to: RevisionPayload,
  command: string[],
  why: string[],
  reason: string,
): Promise<Draft> {
  const changes = diffManifests(from.manifest, to.manifest, {
    from: `revision ${from.revision}`,
    to: `revision ${to.revision}`,
  });
  const kubernetes = await env.kubernetes();
  const options = { deadline_ms: deadline(context), signal: context.signal };
  const touched = new Set(changes.map((change) => change.name));
  const live = (await kubernetes.listWorkloads([ref.namespace], options)).filter((w) =>
    workloadsIn(to.manifest).some((m) => m.kind === w.kind && m.name === w.name),
  );
  const changed = live.filter((w) => touched.has(w.name));
  const interferers = (await Promise.all(changed.slice(0, 10).map((w) => kubernetes.interferers(w, options)))).flat();
  const { warnings, risk } = rollbackHazards(
    from,
    to,
    changes.length,
    interferers,
    live.map((w) => ({ ...w.labels, ...w.annotations })),
    why,
  );
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
    blast_radius: {
      pods: changed.reduce((sum, w) => sum + w.desired, 0),
      customers: await affectedCustomers(env, context),
    },
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
      all_changes: sha256(JSON.stringify(changes)),
    },
  };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
