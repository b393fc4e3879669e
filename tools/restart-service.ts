import { z } from 'zod';
import { maskText } from '../src/domain/mask.ts';
import type { Workload } from '../src/domain/observe.ts';
import { cleanText } from '../src/domain/text.ts';
import { conflict } from '../src/errors.ts';
import { affectedCustomers, deadline } from '../src/mcp/plan-facts.ts';
import { refusal } from '../src/mcp/refusal.ts';
import { rolloutDone, waitForRollout } from '../src/mcp/rollout.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';
import { findWorkload, kindOf } from '../src/mcp/workloads.ts';
import { gatedArguments, namespaceArg } from './gated-arguments.ts';

export const restartService = defineTool({
  name: 'restart_service',
  title: 'Restart a service',
  effect: 'gated',
  description:
    'Plans a rolling restart of one Deployment, StatefulSet or DaemonSet (what `kubectl rollout restart` does). Runs only after a human approved it. Use it for a stuck process or a memory leak; it does not undo a bad deploy.',
  input: z.strictObject({
    service: s.kubeName.describe('Name of the workload, e.g. analysis-engine.'),
    namespace: namespaceArg,
    ...gatedArguments,
  }),
  plan: async (args, context) => {
    const env = context.environment(args.environment);
    const workload = await findWorkload(env, context, args.service, args.namespace);
    const kubernetes = await env.kubernetes();
    if (workload.paused)
      throw conflict(
        `${workload.kind} ${workload.name} is paused: a restart would not roll out.`,
        'resume it first (`kubectl rollout resume`).',
      );
    if (workload.desired === 0)
      throw conflict(
        `${workload.kind} ${workload.name} has 0 replicas: there is nothing to restart.`,
        'scale it up first.',
      );
    const interferers = await kubernetes.interferers(workload, {
      deadline_ms: deadline(context),
      signal: context.signal,
    });
    const warnings = [...interferers];
    if (workload.desired === 1)
      warnings.push('It has one replica: expect a gap unless its rollout starts the new pod first.');
    if (workload.kind === 'StatefulSet') warnings.push('A StatefulSet restarts one pod after the other, in order.');
    if (workload.updated < workload.desired) warnings.push('A rollout of this workload is going on already.');
    return {
      action: 'restart_service',
      environment: env.name,
      cluster: await kubernetes.cluster(),
      target: workload.name,
      namespace: workload.namespace,
      // Neither readiness nor replicas: they move all the time in an outage, and a restart means the same whatever they are.
      from: workload.restarted_at === null ? 'not restarted by hand so far' : `restarted at ${workload.restarted_at}`,
      to: 'new pods of the same template',
      command: [
        'kubectl',
        'rollout',
        'restart',
        `${workload.kind.toLowerCase()}/${workload.name}`,
        `--namespace=${workload.namespace}`,
      ],
      changes: [
        {
          kind: workload.kind,
          name: workload.name,
          field: 'spec.template.metadata.annotations[kubectl.kubernetes.io/restartedAt]',
          from: workload.restarted_at,
          to: 'the instant of the restart',
        },
      ],
      changes_total: 1,
      blast_radius: { pods: workload.desired, customers: await affectedCustomers(env, context) },
      warnings,
      risk: workload.kind === 'StatefulSet' || workload.desired === 1 ? 'medium' : 'low',
      reason: maskText(cleanText(args.reason)),
      world: {
        uid: workload.uid,
        kind: workload.kind,
        images: workload.images.join(' '),
        restarted_at: workload.restarted_at,
      },
    };
  },
  run: async (plan, context) => {
    const kind = kindOf(plan.command);
    const namespace = plan.namespace ?? '';
    const ordered = await context.actuators.kubernetes
      .restart(namespace, kind, plan.target, context.clock.now(), {
        deadline_ms: deadline(context),
        only_if: { uid: String(context.approval.world.uid) },
      })
      .catch(refusal);
    if (typeof ordered !== 'number') return ordered;
    const generation = ordered;
    const end = await waitForRollout(
      context,
      plan.environment,
      { namespace, kind, name: plan.target, generation },
      context.config.rollout_deadline,
    );
    const details = { generation, ready: end.workload?.ready ?? null, desired: end.workload?.desired ?? null };
    return end.done
      ? {
          status: 'executed',
          summary: `restarted ${kind} ${plan.target}: ${details.ready}/${details.desired} ready`,
          details,
        }
      : {
          status: 'failed',
          summary: `the restart of ${kind} ${plan.target} was ordered but did not finish in time: ${details.ready ?? '?'}/${details.desired ?? '?'} ready`,
          details,
        };
  },
  reconcile: async (approval, context) => {
    const kind = kindOf(approval.plan.command);
    const env = context.environment(approval.plan.environment);
    const workload = await (await env.kubernetes()).getWorkload(
      approval.plan.namespace ?? '',
      kind,
      approval.plan.target,
      { deadline_ms: deadline(context) },
    );
    if (!workload)
      return {
        status: 'outcome_unknown',
        summary: `${kind} ${approval.plan.target} does not exist any more`,
        details: {},
      };
    return restarted(workload, approval.world.restarted_at ?? null, approval.runner?.started_at ?? null);
  },
});

/** The annotation says when somebody restarted it; one that is about as old as our run is ours. */
function restarted(workload: Workload, before: unknown, startedAt: string | null) {
  const details = { generation: workload.generation, ready: workload.ready, desired: workload.desired };
  const at = workload.restarted_at;
  if (at === before) {
    return { status: 'failed' as const, summary: `${workload.name} was not restarted`, details };
  }
  const ours = at !== null && startedAt !== null && Math.abs(Date.parse(at) - Date.parse(startedAt)) < 60_000;
  if (!ours) {
    return {
      status: 'outcome_unknown' as const,
      summary: `${workload.name} changed, but not evidently by this restart`,
      details,
    };
  }
  return rolloutDone(workload)
    ? {
        status: 'executed' as const,
        summary: `restarted ${workload.name}: ${workload.ready}/${workload.desired} ready`,
        details,
      }
    : null;
}
