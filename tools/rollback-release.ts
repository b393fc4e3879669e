import { createHash } from 'node:crypto';
import { z } from 'zod';
import { lastHealthy } from '../src/domain/correlate.ts';
import { diffManifests, workloadsIn } from '../src/domain/manifest-diff.ts';
import { maskText } from '../src/domain/mask.ts';
import type { Revision, RevisionPayload } from '../src/domain/observe.ts';
import type { Draft, Risk } from '../src/domain/plan.ts';
import { cleanText, oneLine } from '../src/domain/text.ts';
import { AppError, conflict, invalidInput, notConfigured, notFound, unavailable } from '../src/errors.ts';
import type { EnvironmentReaders, ReadContext } from '../src/mcp/context.ts';
import { affectedCustomers, deadline } from '../src/mcp/plan-facts.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';
import { gatedArguments, namespaceArg } from './gated-arguments.ts';

const SHOWN_CHANGES = 40;
/** How many newest revisions are decoded to find the last healthy one. */
const DETAILED = 3;
const MIGRATION = /migrat|schema|db-?(init|update)/i;

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
    // undefined: the history could not be read afterwards, which only costs a detail. null: read, and there is no new revision.
    const after = await newRevision(context, plan.environment, ref, Number(plan.from)).catch(() => undefined);
    const details = {
      exit_code: result.exit_code,
      new_revision: after?.revision ?? null,
      release_status: after?.status ?? null,
      duration_ms: result.duration_ms,
    };
    if (result.exit_code === 0 && after === null) {
      // Helm writes its new revision before it touches anything, so its word alone is not believed.
      return {
        status: 'failed',
        summary: `helm ended without an error, but wrote no new revision: ${plan.target} is still at revision ${plan.from}`,
        details,
      };
    }
    if (result.exit_code === 0) {
      return {
        status: 'executed',
        summary: `rolled back ${plan.target} to revision ${plan.to}${after ? `, now revision ${after.revision} (${after.status})` : ''}`,
        details,
      };
    }
    const said = oneLine(maskText(cleanText(result.stderr || result.stdout)), 300);
    if (result.not_found)
      return { status: 'failed', summary: 'the helm program was not found; nothing was changed', details };
    if (result.timed_out) {
      return {
        status: 'outcome_unknown',
        summary: `helm did not end within ${Math.round(context.config.rollout_deadline / 1000)} s; the release is ${after?.status ?? 'in an unknown state'}`,
        details,
      };
    }
    if (result.exit_code === null) {
      // A signal of another hand ended it: without a new revision it had touched nothing, with one it may have.
      return after === null
        ? {
            status: 'failed',
            summary: `helm was killed before it wrote a new revision: ${plan.target} is still at revision ${plan.from}`,
            details,
          }
        : {
            status: 'outcome_unknown',
            summary: `helm was killed on the way; the release is ${after ? `at revision ${after.revision} (${after.status})` : 'in an unknown state'}`,
            details,
          };
    }
    return {
      status: 'failed',
      summary: `helm failed (exit ${result.exit_code}): ${said}${after ? `; the release is at revision ${after.revision} (${after.status})` : ''}`,
      details,
    };
  },
  reconcile: async (approval, context) => {
    const { plan } = approval;
    const ref = { release: plan.target, namespace: plan.namespace ?? '' };
    const after = await newRevision(context, plan.environment, ref, Number(plan.from));
    const age = context.clock.now().getTime() - Date.parse(approval.runner?.started_at ?? approval.created_at);
    if (!after) {
      // Helm writes its new revision before it touches anything: none after this long means that it never began.
      return age < 10_000
        ? null
        : {
            status: 'failed',
            summary: `helm wrote no new revision, so the rollback never began; ${plan.target} is still at revision ${plan.from}`,
            details: {},
          };
    }
    const details = { new_revision: after.revision, release_status: after.status };
    // Helm says in each revision what made it: another hand's deploy after the crash must not count as this rollback.
    if (after.revision !== Number(plan.from) + 1 || !madeByRollback(after.description, plan.to)) {
      return {
        status: 'outcome_unknown',
        summary: `${plan.target} is at revision ${after.revision} (${after.status}), which is not evidently this rollback: ${oneLine(maskText(after.description ?? 'no description'), 120)}`,
        details,
      };
    }
    if (after.status.startsWith('pending-')) {
      return age < context.config.rollout_deadline + 30_000
        ? null
        : {
            status: 'failed',
            summary: `helm was stopped in the middle: revision ${after.revision} is still ${after.status}`,
            details,
          };
    }
    if (after.status === 'deployed' || after.status === 'superseded') {
      return {
        status: 'executed',
        summary: `${plan.target} is at revision ${after.revision} (${after.status}), rolled back to ${plan.to}`,
        details,
      };
    }
    return { status: 'failed', summary: `revision ${after.revision} of ${plan.target} is ${after.status}`, details };
  },
});

/** The release's configured namespace; a name that is configured twice or nowhere is never guessed. */
function namespaceOf(env: EnvironmentReaders, release: string, given: string | undefined): string {
  const configured = env.config.releases.filter((r) => r.name === release);
  if (given !== undefined) {
    if (env.namespaces.includes(given)) return given;
    throw invalidInput(
      `namespace ${given} is not configured for ${env.name}.`,
      `use one of: ${env.namespaces.join(', ')}.`,
    );
  }
  if (configured.length === 1 && configured[0]) return configured[0].namespace;
  if (configured.length > 1) {
    throw invalidInput(
      `release ${release} is configured in ${configured.map((r) => r.namespace).join(' and ')}.`,
      'say which one with namespace.',
    );
  }
  throw notConfigured(
    `release ${release} is not configured for ${env.name}.`,
    `use one of: ${env.config.releases.map((r) => r.name).join(', ') || 'none'}; or add it under environments.${env.name}.releases.`,
  );
}

function refuseBlocked(current: Revision): void {
  if (!current.status.startsWith('pending-') && current.status !== 'uninstalling') return;
  throw conflict(
    `${current.release} is ${current.status} at revision ${current.revision}: another helm operation is running or was cut off, and helm refuses until it ends.`,
    'wait until it ends; if nobody runs it any more, a human must free the release (for instance by `helm rollback` at a terminal after deleting the pending revision).',
  );
}

function targetRevision(history: Revision[], current: Revision, wanted: number | undefined, now: Date) {
  if (wanted !== undefined) {
    if (wanted === current.revision)
      throw conflict(
        `${current.release} is at revision ${wanted} already.`,
        'name an earlier revision, or leave revision away for the last healthy one.',
      );
    const revision = history.find((r) => r.revision === wanted);
    if (!revision) {
      throw notFound(
        `${current.release} has no revision ${wanted}.`,
        `it has: ${history
          .slice(0, 10)
          .map((r) => `${r.revision} (${r.status})`)
          .join(', ')}.`,
      );
    }
    return { revision, why: ['the revision was named by the caller'] };
  }
  const found = lastHealthy(history, current.revision, now);
  if (!found.revision) {
    throw notFound(
      `${current.release} has no earlier healthy revision: ${found.reasons.join('; ') || 'the history is empty'}.`,
      'name a revision, or mend it forward with a new deploy.',
    );
  }
  return { revision: found.revision, why: found.reasons };
}

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
  const { warnings, risk } = hazards(
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

/** What can go wrong, and how much it weighs. Source: design notes of Helm operators (hooks, CRDs, migrations, owners). */
function hazards(
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

/**
 * Helm takes no condition, so the last look is as late as it can be: comparing, dry run and figures of the second look take seconds, in
 * which another hand may have deployed or the kubeconfig may lead elsewhere. Says what moved; null where nothing did.
 */
async function movedMeanwhile(
  context: ReadContext,
  plan: { environment: string; cluster: string; from: string | number },
  ref: { release: string; namespace: string },
): Promise<string | null> {
  try {
    const env = context.environment(plan.environment);
    const cluster = await (await env.kubernetes()).cluster();
    if (cluster !== plan.cluster) return `the environment leads to ${cluster} now, not to ${plan.cluster}`;
    const options = { deadline_ms: deadline(context) };
    const [newest] = await (await env.helm()).history([ref.namespace], [ref.release], 0, options);
    if (newest?.revision === Number(plan.from)) return null;
    return `${ref.release} is at revision ${newest?.revision ?? 'none'} now, not at ${plan.from}: another hand was quicker`;
  } catch (error) {
    return `the release could not be looked at once more (${error instanceof AppError ? error.message : 'unexpected failure'})`;
  }
}

/** Source: helm.sh/helm, pkg/action/rollback.go: the words of a rollback under way or done, and of one that failed. */
const madeByRollback = (description: string | null, to: string | number): boolean =>
  description === `Rollback to ${to}` || /^Rollback "[^"]*" failed/.test(description ?? '');

/** The newest revision after `from`; null while there is none. Errors: those of reading the history. */
async function newRevision(
  context: ReadContext,
  environment: string,
  ref: { release: string; namespace: string },
  from: number,
) {
  const helm = await context.environment(environment).helm();
  const [newest] = await helm.history([ref.namespace], [ref.release], 1, { deadline_ms: deadline(context) });
  return newest && newest.revision > from ? newest : null;
}
