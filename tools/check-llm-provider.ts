import { z } from 'zod';
import { judgeProvider } from '../src/domain/llm.ts';
import { fence, oneLine } from '../src/domain/text.ts';
import { notFound } from '../src/errors.ts';
import * as s from '../src/mcp/schemas.ts';
import { readSource, sourceTrouble } from '../src/mcp/sources.ts';
import { defineTool } from '../src/mcp/tool.ts';

export const checkLlmProvider = defineTool({
  name: 'check_llm_provider',
  title: 'Check the LLM provider',
  effect: 'read',
  description:
    "Reads the LLM provider's status page and the analysis queue, applies the runbook's one-hour rule and gives the wording for customers. Use it when analyses are slow or fail and nothing here is broken. It changes nothing.",
  input: z.strictObject({
    provider: s.text(100).optional().describe('Default: the configured one.'),
    environment: s.environmentArg,
  }),
  output: z.object({
    provider: z.string(),
    indicator: z.enum(['none', 'minor', 'major', 'critical', 'unknown']),
    description: z.string().nullable(),
    outage_started_at: z.string().nullable(),
    outage_minutes: z.number().nullable(),
    queue: z.object({ depth: z.number().nullable(), oldest_minutes: z.number().nullable() }),
    action_needed: z.boolean().nullable(),
    guidance: z.string(),
    customer_message: z.string().nullable(),
    sources: s.sources,
  }),
  handle: async (args, context) => {
    const env = context.environment(args.environment);
    const settings = (env.config.signals ?? context.config.signals).llm_provider;
    const configured = settings?.name ?? 'LLM provider';
    if (args.provider !== undefined && args.provider.toLowerCase() !== configured.toLowerCase()) {
      throw notFound(`no provider is called "${oneLine(args.provider, 60)}".`, `the configured one is ${configured}.`);
    }
    const deadline = context.config.source_deadline;
    const [status, queue] = await Promise.all([
      readSource('llm provider', deadline, context.signal, async (options) => (await env.llm())?.read(options) ?? null),
      readSource(
        'prometheus',
        deadline,
        context.signal,
        async (options) => (await env.metrics())?.queue(options) ?? null,
      ),
    ]);
    const indicator = status.value?.indicator ?? 'unknown';
    const startedAt = status.value?.outage_started_at ?? null;
    const oldest = queue.value?.oldest_seconds ?? null;
    return {
      provider: configured,
      indicator,
      description: status.value ? oneLine(status.value.description, 200) : null,
      outage_started_at: startedAt,
      ...judgeProvider(indicator, startedAt, context.clock.now()),
      queue: {
        depth: queue.value?.depth ?? null,
        oldest_minutes: oldest === null ? null : Math.round(oldest / 6) / 10,
      },
      sources: [status.report, queue.report],
    };
  },
  render: (result) =>
    [
      `${result.provider}: ${result.indicator}${result.outage_minutes === null ? '' : `, for ${result.outage_minutes} minutes`}; queue ${result.queue.depth ?? 'unknown'} deep, oldest ${result.queue.oldest_minutes ?? 'unknown'} minutes. Action needed: ${result.action_needed ?? 'unknown'}.`,
      result.guidance,
      ...(result.description ? [fence('status page', result.description)] : []),
      ...(result.customer_message ? [`For customers: "${result.customer_message}"`] : []),
      ...sourceTrouble(result.sources),
    ].join('\n'),
});
