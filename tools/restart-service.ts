import { z } from 'zod';
import type { Approval } from '../src/domain/approval.ts';
import { formatDuration, shortInstant, toInstant } from '../src/domain/instant.ts';
import { maskText } from '../src/domain/mask.ts';
import type { Workload } from '../src/domain/observe.ts';
import { cleanText } from '../src/domain/text.ts';
import { replaceable, rolloutOf } from '../src/domain/workload-rollout.ts';
import { conflict } from '../src/errors.ts';
import type { ReadContext, RunResult } from '../src/mcp/context.ts';
import { affectedCustomers, deadline } from '../src/mcp/plan-facts.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';
import { findWorkload } from '../src/mcp/workloads.ts';
import {
  called,
  giveOrder,
  orderSettled,
  podTroubles,
  refOf,
  type Verdict,
  type WorkloadRef,
  watchWorkload,
} from '../src/mcp/workloads-watch.ts';
import { gatedArguments, kindArg, namespaceArg } from './gated-arguments.ts';

export const restartService = defineTool({
  name: 'restart_service',
  title: 'Restart a service',
  effect: 'gated',
  description:
    'Plans a rolling restart of one Deployment, StatefulSet or DaemonSet (what `kubectl rollout restart` does). Runs only after a human approved it. Use it for a stuck process or a memory leak; it does not undo a bad deploy.',
  input: z.strictObject({
    service: s.kubeName.describe('Name of the workload, e.g. analysis-engine.'),
    namespace: namespaceArg,
    kind: kindArg,
    ...gatedArguments,
  }),
  plan: async (args, context) => {
    const env = context.environment(args.environment);
    const workload = await findWorkload(env, context, args.service, args);
    mustRestart(workload);
    const kubernetes = await env.kubernetes();
    const interferers = await kubernetes.interferers(workload, {
      deadline_ms: deadline(context),
      signal: context.signal,
    });
    const gap = workload.desired === 1 || workload.strategy === 'Recreate';
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
      blast_radius: { pods: replaceable(workload), customers: await affectedCustomers(env, context) },
      warnings: [...hazards(workload), ...interferers],
      risk: workload.kind === 'StatefulSet' || gap ? 'medium' : 'low',
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
    const ref = refOf(context.approval);
    const at = context.clock.now();
    const stamp = shortInstant(toInstant(at));
    // The annotation counts in seconds: a second restart within the same one would change nothing and roll out nothing.
    if (stamp === context.approval.world.restarted_at)
      return {
        status: 'failed',
        summary: `nothing was changed: ${called(ref)} was restarted this very second`,
        details: {},
      };
    const trouble = await giveOrder(
      context,
      ref,
      context.config.rollout_deadline,
      () =>
        context.actuators.kubernetes.restart(ref.namespace, ref.kind, plan.target, at, {
          deadline_ms: deadline(context),
          only_if: { uid: ref.uid },
        }),
      (workload) => workload.restarted_at === stamp,
    );
    return trouble ?? follow(context, ref, stamp);
  },
  reconcile: async (approval, context) => {
    const ref = refOf(approval);
    const kubernetes = await context.environment(ref.environment).kubernetes();
    const workload = await kubernetes.getWorkload(ref.namespace, ref.kind, ref.name, {
      deadline_ms: deadline(context),
    });
    if (!workload || workload.uid !== ref.uid)
      return {
        status: 'outcome_unknown',
        summary: `${called(ref)} ${workload ? 'is another object by now' : 'does not exist any more'}`,
        details: {},
      };
    return foundOut(approval, ref, workload, context);
  },
});

/** Throws `CONFLICT` where a new template would replace no pod: kubectl sets it all the same, and nothing restarts. */
function mustRestart(workload: Workload): void {
  const what = called(workload);
  if (workload.paused)
    throw conflict(`${what} is paused: a restart would not roll out.`, 'resume it first (`kubectl rollout resume`).');
  if (workload.desired === 0)
    throw workload.kind === 'DaemonSet'
      ? conflict(`no node wants a pod of ${what}: there is nothing to restart.`, 'check its node selector.')
      : conflict(`${what} has 0 replicas: there is nothing to restart.`, 'scale it up first.');
  if (workload.strategy === 'OnDelete')
    throw conflict(
      `${what} has the update strategy OnDelete: a restart would replace no pod.`,
      `a human deletes its pods one after the other (\`kubectl delete pod\`).`,
    );
  if (replaceable(workload) === 0)
    throw conflict(
      `${what} has partition ${workload.partition} of ${workload.desired} replicas: a restart would replace no pod.`,
      'lower the partition first, or a human deletes its pods one after the other.',
    );
}

function hazards(workload: Workload): string[] {
  const { kind, strategy, desired, partition } = workload;
  const { state, said } = rolloutOf(workload);
  return [
    ...(strategy === 'Recreate'
      ? ['Its strategy is Recreate: all pods stop before the first new one starts.']
      : desired === 1
        ? ['It has one replica: expect a gap unless its rollout starts the new pod first.']
        : []),
    ...(kind === 'StatefulSet'
      ? [
          'A StatefulSet restarts one pod after the other, from the highest ordinal; one that does not become ready stops it there.',
        ]
      : []),
    ...(partition > 0 ? [`Its partition is ${partition}: pods with a smaller ordinal are not restarted.`] : []),
    ...(state === 'stuck'
      ? [
          `Its last rollout exceeded its progress deadline (${said}): new pods of the same template may fail the same way.`,
        ]
      : []),
    ...(state === 'going' ? [`A rollout of it is going on already (${said}).`] : []),
  ];
}

const detailsOf = (workload: Workload | null): RunResult['details'] => ({
  generation: workload?.generation ?? null,
  updated: workload?.updated ?? null,
  ready: workload?.ready ?? null,
  desired: workload?.desired ?? null,
});

/** A template that says another instant was taken back (`kubectl rollout undo`) or restarted once more. */
function judge(workload: Workload, stamp: string): Verdict & { overtaken: boolean } {
  const overtaken = workload.restarted_at !== stamp;
  const { state, said } = rolloutOf(workload);
  if (overtaken) return { verdict: 'bad', said, overtaken };
  return { verdict: state === 'done' ? 'good' : state === 'stuck' ? 'bad' : 'wait', said, overtaken };
}

const restarted = (ref: WorkloadRef, said: string): string => `restarted ${called(ref)}: ${said}`;
const OVERTAKEN = 'was ordered, but its pod template was changed back or restarted anew by somebody else meanwhile';
const STUCK = 'was ordered, but exceeded its progress deadline';

/** Waits for the rollout that was ordered and says how it ended. */
async function follow(context: ReadContext, ref: WorkloadRef, stamp: string): Promise<RunResult> {
  const limit = context.config.rollout_deadline;
  const seen = await watchWorkload(context, ref, limit, (workload) => judge(workload, stamp));
  const details = detailsOf(seen.workload);
  if (seen.end === 'good') return { status: 'executed', summary: restarted(ref, seen.said), details };
  const restart = `the restart of ${called(ref)}`;
  if (seen.end === 'gone')
    return { status: 'failed', summary: `${restart} was ordered, but it was ${seen.said} meanwhile`, details };
  if (seen.end === 'unread')
    return {
      status: 'outcome_unknown',
      summary: `${restart} was ordered; whether it completed cannot be read: ${seen.said}`,
      details,
    };
  const why =
    seen.end === 'late'
      ? `was ordered and goes on, but did not complete within ${formatDuration(limit)}`
      : judge(seen.workload, stamp).overtaken
        ? OVERTAKEN
        : STUCK;
  const facts = [seen.said, ...seen.workload.conditions, ...(await podTroubles(context, ref))];
  return { status: 'failed', summary: `${restart} ${why}: ${facts.join('; ')}`, details };
}

/** What became of a restart whose server died. Null: it still goes on. */
function foundOut(approval: Approval, ref: WorkloadRef, workload: Workload, context: ReadContext): RunResult | null {
  const now = context.clock.now();
  const details = detailsOf(workload);
  const at = workload.restarted_at;
  if (at === (approval.world.restarted_at ?? null)) {
    if (!orderSettled(approval, now)) return null;
    return { status: 'failed', summary: `${called(ref)} was not restarted`, details };
  }
  const startedAt = approval.runner?.started_at ?? null;
  // The annotation says when somebody restarted it; one that is about as old as our run is ours.
  const ours = at !== null && startedAt !== null && Math.abs(Date.parse(at) - Date.parse(startedAt)) < 60_000;
  if (!ours)
    return {
      status: 'outcome_unknown',
      summary: `${called(ref)} changed, but not evidently by this restart`,
      details,
    };
  const { state, said } = rolloutOf(workload);
  if (state === 'done') return { status: 'executed', summary: restarted(ref, said), details };
  const waited = now.getTime() - Date.parse(startedAt);
  if (state === 'stuck')
    return { status: 'failed', summary: `the restart of ${called(ref)} ${STUCK}: ${said}`, details };
  if (waited < context.config.rollout_deadline) return null;
  return {
    status: 'failed',
    summary: `the restart of ${called(ref)} was ordered, but did not complete within ${formatDuration(waited)}: ${said}`,
    details,
  };
}
