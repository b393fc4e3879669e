import { z } from 'zod';
import type { Approval } from '../src/domain/approval.ts';
import { formatDuration } from '../src/domain/instant.ts';
import { maskText } from '../src/domain/mask.ts';
import type { Workload } from '../src/domain/observe.ts';
import { ownersOf } from '../src/domain/owners.ts';
import type { Draft } from '../src/domain/plan.ts';
import { cleanText, oneLine } from '../src/domain/text.ts';
import { rolloutOf } from '../src/domain/workload-rollout.ts';
import { conflict, invalidInput } from '../src/errors.ts';
import type { EnvironmentReaders, ReadContext, RunResult, WriteContext } from '../src/mcp/context.ts';
import { affectedCustomers, deadline } from '../src/mcp/plan-facts.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';
import { findWorkload, kindOf } from '../src/mcp/workloads.ts';
import { called, giveOrder, orderSettled, refOf, watchWorkload } from '../src/mcp/workloads-watch.ts';
import { gatedArguments, kindArg, namespaceArg } from './gated-arguments.ts';

type Args = {
  reason: string;
  service?: string | undefined;
  namespace?: string | undefined;
  kind?: Workload['kind'] | undefined;
  replicas: number;
};

export const scaleDown = defineTool({
  name: 'scale_down',
  title: 'Scale down',
  effect: 'gated',
  description:
    "Plans to stop the bleeding: without `service` the platform's own scale-down of the whole environment, with it the scale of that workload to `replicas`. It takes capacity away from customers; runs only after a human approved it.",
  input: z.strictObject({
    service: s.kubeName.optional().describe('Workload to scale; without it the whole platform.'),
    namespace: namespaceArg,
    kind: kindArg,
    replicas: z.number().int().min(0).max(1_000).default(0).describe('Only with service.'),
    ...gatedArguments,
  }),
  plan: async (args, context) => {
    const env = context.environment(args.environment);
    return args.service === undefined
      ? planPlatform(env, context, args)
      : planWorkload(env, context, args, args.service);
  },
  run: (plan, context) => (plan.namespace === null ? runPlatform(plan.command, context) : runWorkload(context)),
  reconcile: async (approval, context) => {
    const { plan } = approval;
    const env = context.environment(plan.environment);
    const kubernetes = await env.kubernetes();
    const options = { deadline_ms: deadline(context) };
    if (plan.namespace !== null) {
      const workload = await kubernetes.getWorkload(plan.namespace, kindOf(plan.command), plan.target, options);
      return foundOut(approval, workload, context.clock.now());
    }
    // What the platform's tool did in the middle is its own affair; replicas alone would not prove that it finished.
    const workloads = await kubernetes.listWorkloads(env.namespaces, options);
    const left = workloads.reduce((sum, w) => sum + w.desired, 0);
    return {
      status: 'outcome_unknown',
      summary: `the platform's command was cut off; ${left} replicas are wanted now (${approval.world.replicas} before)`,
      details: { replicas: left },
    };
  },
});

async function planPlatform(env: EnvironmentReaders, context: ReadContext, args: Args): Promise<Draft> {
  if (args.replicas !== 0 || args.namespace !== undefined || args.kind !== undefined) {
    throw invalidInput(
      'replicas, namespace and kind go with service only.',
      'name the service, or leave them away for the whole platform.',
    );
  }
  const kubernetes = await env.kubernetes();
  const workloads = await kubernetes.listWorkloads(env.namespaces, {
    deadline_ms: deadline(context),
    signal: context.signal,
  });
  const running = workloads.filter((w) => w.desired > 0);
  const pods = running.reduce((sum, w) => sum + w.desired, 0);
  return {
    action: 'scale_down',
    environment: env.name,
    cluster: await kubernetes.cluster(),
    target: env.name,
    namespace: null,
    from: pods,
    to: 'scaled down by the platform command',
    command: env.platform.scaleDownCommand(),
    changes: running.slice(0, 40).map((w) => ({
      kind: w.kind,
      name: w.name,
      field: 'replicas',
      from: String(w.desired),
      to: 'as the platform command decides, at most all to 0',
    })),
    changes_total: running.length,
    blast_radius: { pods, customers: await affectedCustomers(env, context) },
    warnings: [
      `The whole environment ${env.name} is scaled down: customers lose service until somebody scales it up again.`,
      "What the platform's command does in detail cannot be seen beforehand; the list shows the most that it can touch.",
    ],
    risk: 'high',
    reason: maskText(cleanText(args.reason)),
    // Wanted replicas, not ready pods: those move all the time in an outage.
    world: {
      replicas: pods,
      workloads: running
        .map((w) => `${w.namespace}/${w.name}=${w.desired}`)
        .sort()
        .join(','),
    },
  };
}

async function planWorkload(
  env: EnvironmentReaders,
  context: ReadContext,
  args: Args,
  service: string,
): Promise<Draft> {
  const workload = await findWorkload(env, context, service, args);
  if (workload.kind === 'DaemonSet')
    throw conflict(`${service} is a DaemonSet: it has no replicas to scale.`, 'restart it, or scale another service.');
  if (workload.desired === args.replicas)
    throw conflict(`${service} has ${args.replicas} replicas already.`, 'nothing needs to be done.');
  if (args.replicas > workload.desired) {
    throw invalidInput(
      `${service} has ${workload.desired} replicas; ${args.replicas} would be a scale up.`,
      'this tool only takes capacity away.',
    );
  }
  const kubernetes = await env.kubernetes();
  const interferers = await kubernetes.interferers(workload, {
    deadline_ms: deadline(context),
    signal: context.signal,
  });
  return {
    action: 'scale_down',
    environment: env.name,
    cluster: await kubernetes.cluster(),
    target: workload.name,
    namespace: workload.namespace,
    from: workload.desired,
    to: args.replicas,
    command: [
      'kubectl',
      'scale',
      `${workload.kind.toLowerCase()}/${workload.name}`,
      `--replicas=${args.replicas}`,
      `--namespace=${workload.namespace}`,
    ],
    changes: [
      {
        kind: workload.kind,
        name: workload.name,
        field: 'replicas',
        from: String(workload.desired),
        to: String(args.replicas),
      },
    ],
    changes_total: 1,
    blast_radius: { pods: workload.desired - args.replicas, customers: await affectedCustomers(env, context) },
    warnings: [...hazards(workload, args.replicas), ...interferers],
    risk: args.replicas === 0 || workload.scale_deletes_volumes ? 'high' : 'medium',
    reason: maskText(cleanText(args.reason)),
    world: { uid: workload.uid, generation: workload.generation, kind: workload.kind, replicas: workload.desired },
  };
}

async function runPlatform(argv: string[], context: WriteContext): Promise<RunResult> {
  const result = await context.actuators.platform.run(argv, context.config.rollout_deadline);
  const details = { exit_code: result.exit_code, duration_ms: result.duration_ms };
  const said = oneLine(maskText(cleanText(result.stdout || result.stderr)), 200);
  if (result.exit_code === 0)
    return { status: 'executed', summary: `the platform's scale-down ran${said ? `: ${said}` : ''}`, details };
  if (result.not_found)
    return { status: 'failed', summary: `the program ${argv[0]} was not found; nothing was changed`, details };
  if (result.timed_out) return { status: 'outcome_unknown', summary: `${argv[0]} did not end in time`, details };
  return {
    status: 'failed',
    summary: `${argv[0]} failed (exit ${result.exit_code}): ${oneLine(maskText(cleanText(result.stderr)), 200)}`,
    details,
  };
}

/** What goes with it, and who may take it back. */
function hazards(workload: Workload, replicas: number): string[] {
  const { helm, argo, flux } = ownersOf(workload);
  const { state, said } = rolloutOf(workload);
  return [
    ...(replicas === 0 ? [`${workload.name} stops wholly.`] : []),
    ...(workload.scale_deletes_volumes
      ? ['Its volume claims go with the pods (whenScaled: Delete): the data on them is lost.']
      : []),
    ...(helm
      ? [`Helm owns it (${oneLine(helm, 60)}): the next upgrade or rollback sets the replicas of its chart again.`]
      : []),
    ...(argo ? ['Argo CD owns it and may bring the replicas back: pause its sync or change Git too.'] : []),
    ...(flux ? ['Flux owns it and may bring the replicas back: suspend it or change Git too.'] : []),
    ...(state === 'done' ? [] : [`A rollout of it is going on (${said}).`]),
  ];
}

async function runWorkload(context: WriteContext): Promise<RunResult> {
  const { plan } = context.approval;
  const ref = refOf(context.approval);
  const [from, to] = [Number(plan.from), Number(plan.to)];
  const limit = context.config.rollout_deadline;
  const trouble = await giveOrder(
    context,
    ref,
    limit,
    () =>
      context.actuators.kubernetes.scale(ref.namespace, ref.kind, ref.name, to, {
        deadline_ms: deadline(context),
        only_if: { uid: ref.uid, replicas: from },
      }),
    (workload) => workload.desired === to,
  );
  if (trouble) return trouble;
  const seen = await watchWorkload(context, ref, limit, (workload) => {
    if (workload.desired !== to) return { verdict: 'bad', said: `${workload.desired} replicas are wanted` };
    const settled = workload.observed_generation >= workload.generation && workload.pods <= to;
    return { verdict: settled ? 'good' : 'wait', said: `${workload.pods} pods left, ${to} wanted` };
  });
  const details = { replicas: seen.workload?.desired ?? null, pods: seen.workload?.pods ?? null };
  const scaled = `scaled ${called(ref)} from ${from} to ${to} replicas`;
  switch (seen.end) {
    case 'good':
      return { status: 'executed', summary: scaled, details };
    case 'late':
      return {
        status: 'executed',
        summary: `${scaled}; after ${formatDuration(limit)} ${seen.workload.pods} of its pods are still there`,
        details,
      };
    case 'unread':
      return {
        status: 'executed',
        summary: `${scaled}; whether its pods are gone cannot be read: ${seen.said}`,
        details,
      };
    case 'gone':
      return { status: 'failed', summary: `${scaled}, but it was ${seen.said} meanwhile`, details };
    default:
      return {
        status: 'failed',
        summary: `${scaled}, but somebody changed that at once: ${seen.said} now (an autoscaler, Argo CD, Flux or a person)`,
        details,
      };
  }
}

/** What became of a scale whose server died. Null: the order may still be on its way. */
function foundOut(approval: Approval, workload: Workload | null, now: Date): RunResult | null {
  const { plan, world } = approval;
  const what = `${plan.target} in ${plan.namespace}`;
  if (!workload || workload.uid !== world.uid)
    return {
      status: 'outcome_unknown',
      summary: workload ? `${what} is another object by now` : `${what} does not exist any more`,
      details: {},
    };
  const details = { replicas: workload.desired, pods: workload.pods };
  if (workload.desired === Number(plan.to))
    return { status: 'executed', summary: `${what} is scaled to ${workload.desired} replicas`, details };
  if (workload.generation !== world.generation)
    return {
      status: 'outcome_unknown',
      summary: `${what} was changed since, and ${workload.desired} replicas are wanted now`,
      details,
    };
  if (!orderSettled(approval, now)) return null;
  return {
    status: 'failed',
    summary: `${what} was not scaled: it has ${workload.desired} replicas as before`,
    details,
  };
}
