import { definePrompt } from '../src/mcp/prompt.ts';
import { environmentArgument, HUMAN_DECIDES, matrix, named, runbookSection } from './shared.ts';

export const llmProviderOutage = definePrompt({
  name: 'llm_provider_outage',
  title: 'LLM provider outage',
  description: 'Is it the provider? Wait and tell customers; act past one hour.',
  arguments: { environment: environmentArgument },
  render: async (args, context) =>
    `Analyses are slow or failing in ${named(args.environment, context.config.default_environment)}; find out whether the LLM provider is down.

1. Call check_llm_provider. Then get_system_health and get_fleet_summary: is anything broken here, too?
2. indicator none: it is not the provider; go on as triage_incident says. unknown: say that it is unknown, and ask the human to look at the status page.
3. The provider is down and nothing is broken here: declare_incident as SEV3 (partial degradation; higher only if the figures say so), cause "outside of this platform". No rollback, no restart: they would not help.
4. action_needed false: wait. The analysis engine queues work by itself. Look again every 15 minutes, and record each look with record_timeline_event.
5. Tell people with send_update: internal at once, customers in the wording that check_llm_provider gives as customer_message.
6. action_needed true (past one hour): ask the human what to do, with queue depth and age; do not choose yourself.
7. Provider back and queue shrinking: update_incident to mitigated; queue normal: resolved.

Severity matrix:

${matrix(context)}

${HUMAN_DECIDES} A message to customers is such a step: the human approves its words.

${await runbookSection(context, /llm/i)}`.trim(),
});
