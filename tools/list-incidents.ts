import { z } from 'zod';
import { shortInstant } from '../src/domain/instant.ts';
import { fence } from '../src/domain/text.ts';
import { page } from '../src/mcp/page.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';

export const listIncidents = defineTool({
  name: 'list_incidents',
  title: 'List incidents',
  effect: 'read',
  description: 'Lists incidents, newest first, by status or severity. Use get_incident for one of them.',
  input: z.strictObject({
    status: s.status.optional().describe('Only these.'),
    severity: s.severity.optional().describe('Only these.'),
    limit: s.limit(100, 20).describe('How many, at most.'),
    cursor: z.string().max(200).optional().describe('From the previous answer.'),
  }),
  output: z.object({
    incidents: z.array(
      z.object({
        id: z.string(),
        title: z.string(),
        severity: s.severity,
        status: s.status,
        environment: z.string(),
        drill: z.boolean(),
        declared_at: z.string(),
        resolved_at: z.string().nullable(),
      }),
    ),
    total: z.number(),
    next_cursor: z.string().nullable(),
    damaged: z.array(z.string()),
  }),
  handle: async (args, context) => {
    const all = (await context.record.incidents()).filter(
      (i) => (!args.status || i.status === args.status) && (!args.severity || i.severity === args.severity),
    );
    const { items, next_cursor } = page(all, args.limit, args.cursor, (incident) => incident.id);
    return {
      incidents: items.map(({ id, title, severity, status, environment, drill, declared_at, resolved_at }) => ({
        id,
        title,
        severity,
        status,
        environment,
        drill,
        declared_at,
        resolved_at,
      })),
      total: all.length,
      next_cursor,
      damaged: (await context.record.damaged()).map((d) => `${d.name}: ${d.problem}`),
    };
  },
  render: (result) => {
    const rows = result.incidents.map(
      (i) =>
        `${i.id} ${i.severity} ${i.status}${i.drill ? ' DRILL' : ''} ${i.environment} declared ${shortInstant(i.declared_at)}${i.resolved_at ? ` resolved ${shortInstant(i.resolved_at)}` : ''} | ${i.title}`,
    );
    return [
      `${result.total} incidents${result.incidents.length < result.total ? `, ${result.incidents.length} shown` : ''}.`,
      ...(result.next_cursor ? [`More: call again with cursor ${result.next_cursor}.`] : []),
      ...result.damaged.map((d) => `Damaged document, set aside: ${d}`),
      // Last, since it is what a cut at 8 KB may take.
      ...(rows.length > 0 ? [fence('incident titles', rows.join('\n'))] : []),
    ].join('\n');
  },
});
