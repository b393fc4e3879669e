import { z } from 'zod';
import { concerns } from '../src/domain/health-findings.ts';
import { shortInstant, toInstant } from '../src/domain/instant.ts';
import { HEALTH } from '../src/domain/observe.ts';
import { fence, oneLine } from '../src/domain/text.ts';
import { notFound } from '../src/errors.ts';
import { observeHealth } from '../src/mcp/observe.ts';
import * as s from '../src/mcp/schemas.ts';
import { readSource, sourceTrouble } from '../src/mcp/sources.ts';
import { defineTool } from '../src/mcp/tool.ts';

const SHOWN = 40;
const SHOWN_ALERTS = 20;
const LINES = 20;
const ALERT_LINES = 10;

export const getSystemHealth = defineTool({
  name: 'get_system_health',
  title: 'Get system health',
  effect: 'read',
  description:
    'Health of one environment in one call: workloads, pods, alerts, error rate, latency and health endpoints, worst first, with which sources did not answer. "unknown" means that nobody knows, not that it is fine. It changes nothing.',
  input: z.strictObject({
    environment: s.environmentArg,
    component: s.text(100).optional().describe('Only this service, with more detail.'),
  }),
  output: z.object({
    environment: z.string(),
    status: z.enum(HEALTH),
    components: z.array(
      z.object({
        name: z.string(),
        kind: z.string(),
        namespace: z.string().nullable(),
        status: z.enum(HEALTH),
        reason: z.string().nullable(),
        ready: z.number().nullable(),
        desired: z.number().nullable(),
        restarts: z.number().nullable(),
      }),
    ),
    components_total: z.number(),
    components_unhealthy: z.number(),
    alerts: z.array(
      z.object({
        name: z.string(),
        severity: z.string(),
        component: z.string().nullable(),
        namespace: z.string().nullable(),
        started_at: z.string().nullable(),
        summary: z.string(),
        state: z.enum(['active', 'silenced', 'inhibited']),
      }),
    ),
    alerts_total: z.number(),
    alerts_firing: z.number().describe('Neither silenced nor inhibited.'),
    events: z.array(
      z.object({ object: z.string(), reason: z.string(), message: z.string(), last_seen: z.string().nullable() }),
    ),
    sources: s.sources,
    checked_at: z.string(),
  }),
  handle: async (args, context) => {
    const env = context.environment(args.environment);
    const seen = await observeHealth(env, context);
    const wanted = args.component;
    const components = wanted ? seen.judged.components.filter((c) => c.name === wanted) : seen.judged.components;
    if (wanted && components.length === 0 && seen.judged.components.length > 0) {
      throw notFound(
        `no component is called ${oneLine(wanted, 60)} in ${env.name}.`,
        `there are: ${seen.judged.components
          .slice(0, 30)
          .map((c) => c.name)
          .join(', ')}.`,
      );
    }
    const alerts = wanted
      ? seen.alerts.filter((a) =>
          components.length === 0
            ? a.component === wanted
            : components.some((c) => concerns(a, c.name, c.namespace ?? null)),
        )
      : seen.alerts;
    const told = wanted ? await warnings(env, context, wanted) : { events: [], sources: [] };
    return {
      environment: env.name,
      status: wanted ? (components[0]?.status ?? 'unknown') : seen.judged.status,
      components: components
        .slice(0, SHOWN)
        .map(({ name, kind, namespace, status, reason, ready, desired, restarts }) => ({
          name,
          kind,
          namespace: namespace ?? null,
          status,
          reason: reason ?? null,
          ready: ready ?? null,
          desired: desired ?? null,
          restarts: restarts ?? null,
        })),
      components_total: components.length,
      components_unhealthy: components.filter((c) => c.status !== 'healthy').length,
      alerts: alerts.slice(0, SHOWN_ALERTS).map(({ severity, component, namespace, started_at, state, ...a }) => ({
        name: oneLine(a.name, 80),
        severity,
        component,
        namespace: namespace ?? null,
        started_at,
        summary: oneLine(a.summary, 200),
        state,
      })),
      alerts_total: alerts.length,
      alerts_firing: alerts.filter((a) => a.state === 'active').length,
      events: told.events,
      sources: [...seen.sources, ...told.sources],
      checked_at: toInstant(context.clock.now()),
    };
  },
  render: (result) => {
    const sick = result.components.filter((c) => c.status !== 'healthy');
    const unhealthy = result.components_unhealthy;
    const well = result.components_total - unhealthy;
    const rows = (sick.length > 0 ? sick : result.components)
      .slice(0, LINES)
      .map(
        (c) =>
          `${c.name} (${c.kind}${c.namespace ? ` ${c.namespace}` : ''}) ${c.status}: ${c.reason ?? 'ok'}; ready ${c.ready ?? '?'}/${c.desired ?? '?'}, restarts ${c.restarts ?? 'unknown'}`,
      );
    const active = result.alerts.filter((a) => a.state === 'active');
    const quiet = result.alerts_total - result.alerts_firing;
    const alerts = active
      .slice(0, ALERT_LINES)
      .map(
        (a) =>
          `${a.severity} ${a.name}${a.component ? ` on ${a.component}` : ''}${a.namespace ? ` in ${a.namespace}` : ''} since ${a.started_at ? shortInstant(a.started_at) : 'unknown'}${a.summary ? `: ${a.summary}` : ''}`,
      );
    return [
      `${result.environment} is ${result.status}: ${unhealthy} of ${result.components_total} components are not healthy${unhealthy === 0 ? '' : `, ${well} healthy`}; ${result.alerts_firing} alerts fire${quiet > 0 ? `, ${quiet} silenced or inhibited` : ''}.`,
      ...sourceTrouble(result.sources),
      ...(rows.length > 0 ? [fence('components', rows.join('\n'))] : []),
      ...(unhealthy > LINES
        ? [`${unhealthy - LINES} more unhealthy components are not shown: ask with component.`]
        : []),
      ...(alerts.length > 0 ? [fence('alerts', alerts.join('\n'))] : []),
      ...(result.alerts_firing > alerts.length
        ? [`${result.alerts_firing - alerts.length} more alerts fire and are not shown: ask with component.`]
        : []),
      ...(result.events.length > 0
        ? [fence('kubernetes events', result.events.map((e) => `${e.object} ${e.reason}: ${e.message}`).join('\n'))]
        : []),
    ].join('\n');
  },
});

/** Newest warnings about one component; their absence or failure is no failure of the call, and is named among the sources. */
async function warnings(
  env: Parameters<typeof observeHealth>[0],
  context: Parameters<typeof observeHealth>[1],
  component: string,
) {
  const { value, report } = await readSource(
    'kubernetes events',
    context.config.source_deadline,
    context.signal,
    async (options) => (await env.kubernetes()).listWarnings(env.namespaces, 200, options),
  );
  const events = (value ?? [])
    .filter((event) => event.object.includes(component))
    .slice(0, 8)
    .map((event) => ({
      object: event.object,
      reason: event.reason,
      message: oneLine(event.message, 200),
      last_seen: event.last_seen,
    }));
  return { events, sources: [report] };
}
