import { z } from 'zod';
import { fence, oneLine } from '../src/domain/text.ts';
import { notFound } from '../src/errors.ts';
import { observeFleet } from '../src/mcp/observe.ts';
import { page } from '../src/mcp/page.ts';
import * as s from '../src/mcp/schemas.ts';
import { sourceTrouble } from '../src/mcp/sources.ts';
import { defineTool } from '../src/mcp/tool.ts';

const customerRow = z.object({
  customer: z.string(),
  agents_expected: z.number().nullable(),
  agents_connected: z.number().nullable(),
  error_ratio: z.number().nullable(),
  affected: z.boolean().nullable(),
});

export const getFleetSummary = defineTool({
  name: 'get_fleet_summary',
  title: 'Get the fleet summary',
  effect: 'read',
  description:
    'How many customers are affected: agents expected and connected, the connectivity SLO, the scope (all, many, some, none), the worst customers, agent versions. Gives the scope for the severity. Unknown figures are null, never 0. It changes nothing.',
  input: z.strictObject({
    environment: s.environmentArg,
    customer: s.text(200).optional().describe('Only this customer.'),
    limit: s.limit(100, 10).describe('Customers listed, worst first.'),
    cursor: z.string().max(400).optional().describe('From the previous answer.'),
  }),
  output: z.object({
    environment: z.string(),
    customers_total: z.number().nullable(),
    customers_affected: z.number().nullable(),
    affected_percent: z.number().nullable(),
    agents_expected: z.number().nullable(),
    agents_connected: z.number().nullable(),
    agents_unknown: z.number().nullable().describe('Expected, and not known whether connected.'),
    slo: z.object({ target: z.number(), current: z.number().nullable(), breached: z.boolean().nullable() }),
    scope: z.enum(['all', 'many', 'some', 'none']).nullable(),
    top_affected: z.array(customerRow),
    next_cursor: z.string().nullable(),
    versions: z.array(z.object({ version: z.string(), agents: z.number() })),
    gaps: z.array(z.string()),
    sources: s.sources,
  }),
  handle: async (args, context) => {
    const env = context.environment(args.environment);
    const seen = await observeFleet(env, context);
    if (!seen.judged)
      return nothingKnown(env.name, env.config.fleet?.slo_target ?? context.config.fleet.slo_target, seen.source);
    const all = seen.judged.customers;
    const chosen = args.customer
      ? all.filter((c) => c.customer === args.customer)
      : all.filter((c) => c.affected !== false);
    if (args.customer && chosen.length === 0) {
      throw notFound(
        `there is no customer "${oneLine(args.customer, 60)}" in the fleet of ${env.name}.`,
        'leave customer away to see those that are affected; names are case-sensitive.',
      );
    }
    const { items, next_cursor } = page(chosen, args.limit, args.cursor, (c) => c.customer);
    const { customers_total, customers_affected, affected_percent, slo, scope } = seen.judged;
    return {
      environment: env.name,
      customers_total,
      customers_affected,
      affected_percent,
      agents_expected: seen.judged.agents_expected,
      agents_connected: seen.judged.agents_connected,
      agents_unknown: seen.judged.agents_unknown,
      slo,
      scope,
      top_affected: items.map(
        ({ customer, agents_expected: expected, agents_connected: connected, error_ratio, affected }) => ({
          customer: oneLine(customer, 100),
          agents_expected: expected,
          agents_connected: connected,
          error_ratio,
          affected,
        }),
      ),
      next_cursor,
      versions: seen.versions.slice(0, 10).map((v) => ({ version: oneLine(v.version, 40), agents: v.agents })),
      gaps: seen.gaps,
      sources: [seen.source],
    };
  },
  render: (result) => {
    if (result.customers_total === null) {
      return [
        `The fleet of ${result.environment} is unknown; that is not the same as "nobody is affected".`,
        ...sourceTrouble(result.sources),
        ...(result.sources.some((x) => x.status === 'not_configured')
          ? ['Next: configure signals.prometheus or fleet.']
          : []),
      ].join('\n');
    }
    const rows = result.top_affected.map(
      (c) =>
        `${c.customer}: ${c.agents_connected ?? '?'}/${c.agents_expected ?? '?'} agents${c.error_ratio === null ? '' : `, ${Math.round(c.error_ratio * 100)} % errors`}`,
    );
    const { slo } = result;
    const unknown = result.agents_unknown ?? 0;
    const told = result.agents_expected === null ? '?' : result.agents_expected - unknown;
    const agents = `${result.agents_connected ?? '?'}/${told} connected${unknown > 0 ? ` (of ${unknown} more nothing is known)` : ''}`;
    return [
      `${result.customers_affected ?? 'unknown'} of ${result.customers_total} customers affected (${result.affected_percent ?? '?'} %), scope ${result.scope ?? 'unknown'}; agents ${agents}; SLO ${slo.current === null ? 'unknown' : `${(slo.current * 100).toFixed(1)} %`} of ${(slo.target * 100).toFixed(1)} %${slo.breached ? ', breached' : slo.current !== null && slo.breached === null ? ', whether breached is unknown' : ''}.`,
      ...(result.next_cursor ? [`More customers: call again with cursor ${result.next_cursor}.`] : []),
      ...result.gaps.map((gap) => `Not known: ${gap}`),
      ...sourceTrouble(result.sources),
      // Lists come last, since they are what a cut at 8 KB may take.
      ...(result.versions.length > 0
        ? [fence('agent versions', result.versions.map((v) => `${v.version}: ${v.agents} agents`).join('\n'))]
        : []),
      ...(rows.length > 0 ? [fence('customers', rows.join('\n'))] : []),
    ].join('\n');
  },
});

/** No source is an answer too: a source that is down is reported, a fleet that was never configured says how to get one. */
function nothingKnown(environment: string, target: number, source: Awaited<ReturnType<typeof observeFleet>>['source']) {
  return {
    environment,
    customers_total: null,
    customers_affected: null,
    affected_percent: null,
    agents_expected: null,
    agents_connected: null,
    agents_unknown: null,
    slo: { target, current: null, breached: null },
    scope: null,
    top_affected: [],
    next_cursor: null,
    versions: [],
    gaps: ['the whole fleet'],
    sources: [source],
  };
}
