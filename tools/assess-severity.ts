import { z } from 'zod';
import { assessSeverity as assess } from '../src/domain/assess.ts';
import { maskText } from '../src/domain/mask.ts';
import { responseWords } from '../src/domain/matrix.ts';
import { respondBy } from '../src/domain/response-clock.ts';
import { oneLine } from '../src/domain/text.ts';
import { responseRules } from '../src/mcp/incidents.ts';
import { observeFleet, observeHealth } from '../src/mcp/observe.ts';
import * as s from '../src/mcp/schemas.ts';
import { readSource, sourceTrouble } from '../src/mcp/sources.ts';
import { defineTool } from '../src/mcp/tool.ts';

const number = z.number().nullable();

export const assessSeverity = defineTool({
  name: 'assess_severity',
  title: 'Assess the severity',
  effect: 'read',
  description:
    'Reads health, fleet and the LLM provider itself and maps the figures to the configured severity matrix, with reasons. In doubt it takes the higher level and says so; a source that is down makes the answer less sure, not lower. It declares nothing.',
  input: z.strictObject({
    environment: s.environmentArg,
    workaround: z.boolean().optional().describe('Whether users have a workaround, if people know.'),
    note: s.text(1_000).optional().describe('What people report; it is repeated, not judged.'),
  }),
  output: z.object({
    environment: z.string(),
    severity: s.severity,
    confidence: z.enum(['high', 'medium', 'low']),
    reasons: z.array(z.string()),
    row: z
      .object({
        severity: s.severity,
        description: z.string(),
        response_time: z.string(),
        examples: z.array(z.string()),
      })
      .nullable(),
    respond_by: z.string(),
    evidence: z.object({
      health: z.string().nullable(),
      components_down: z.array(z.string()),
      components_degraded: z.array(z.string()),
      customers_total: number,
      customers_affected: number,
      affected_percent: number,
      scope: z.string().nullable(),
      slo_current: number,
      slo_target: number,
      llm_indicator: z.string().nullable(),
      workaround: z.boolean().nullable(),
    }),
    note: z.string().nullable(),
    sources: s.sources,
  }),
  handle: async (args, context) => {
    const env = context.environment(args.environment);
    const [health, fleet, llm] = await Promise.all([
      observeHealth(env, context),
      observeFleet(env, context),
      readSource(
        'llm provider',
        context.config.source_deadline,
        context.signal,
        async (options) => (await env.llm())?.read(options) ?? null,
      ),
    ]);
    const provider = llm.value
      ? { provider: llm.value.provider, indicator: llm.value.indicator }
      : llm.report.status === 'not_configured'
        ? null
        : { provider: 'the LLM provider', indicator: 'unknown' as const };
    const sources = [...health.sources, fleet.source, llm.report];
    const found = assess({
      health: health.judged,
      fleet: fleet.judged,
      llm: provider,
      workaround: args.workaround ?? null,
      unread: sources.filter(({ status }) => status === 'error' || status === 'timeout').map(({ name }) => name),
      matrix: context.config.severity_matrix,
    });
    return {
      environment: env.name,
      severity: found.severity,
      confidence: found.confidence,
      reasons: found.reasons,
      row: found.row
        ? {
            severity: found.row.severity,
            description: found.row.description,
            response_time: responseWords(found.row),
            examples: found.row.examples,
          }
        : null,
      respond_by: respondBy(found.severity, context.clock.now(), responseRules(context)),
      evidence: found.evidence,
      note: args.note ? maskText(oneLine(args.note, 1_000)) : null,
      sources,
    };
  },
  render: (result) =>
    [
      `${result.severity} for ${result.environment} (confidence ${result.confidence}): ${result.row?.description ?? ''}; respond by ${result.respond_by}.`,
      ...result.reasons.map((reason) => `- ${reason}`),
      ...sourceTrouble(result.sources),
      'Next: declare_incident with this severity, unless all is green and nobody is affected.',
    ].join('\n'),
});
