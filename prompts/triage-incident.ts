import { definePrompt } from '../src/mcp/prompt.ts';
import { environmentArgument, given, HUMAN_DECIDES, matrix, named, runbookSection } from './shared.ts';

export const triageIncident = definePrompt({
  name: 'triage_incident',
  title: 'Triage an incident',
  description: 'The first five minutes: scope, component, recent changes, severity, declaration.',
  arguments: {
    symptom: { description: 'What was seen: an alert, a ticket, a feeling.' },
    environment: environmentArgument,
  },
  render: async (args, context) => {
    const environment = named(args.environment, context.config.default_environment);
    return `Triage trouble in ${environment}. Be quick: five minutes, then the incident is declared or ruled out.
${given('symptom', args.symptom)}
1. Scope: call get_fleet_summary with environment "${environment}". How many customers are affected?
2. Component: call get_system_health. Which service is degraded or down, since when, and which sources did not answer?
3. Changes: call check_recent_deploys with onset set to the earliest sign (an alert's started_at). Does a deploy fit? One that landed after the onset is no cause.
4. Severity: call assess_severity, which reads the same sources and maps them to this matrix; in doubt the higher one, without a debate:

${matrix(context)}

   A source that is down makes you less sure, not the severity lower. If analyses are slow and nothing here is broken, call check_llm_provider.
5. If anything is wrong, call declare_incident with that severity, detected_at and impact_started_at (instants with offset) and the components. If all is healthy and nobody is affected, say so and ask the human whether to declare a SEV4 for the record.
6. Record what you saw and suspect with record_timeline_event (observation, hypothesis), each with its evidence.
7. Propose one move and say why, with the figures: rollback_release if check_recent_deploys names a rollback_candidate and the deploy came before the onset; restart_service for a stuck process or a memory leak with no deploy to blame; scale_down if all are down and the bleeding must stop; none if nothing here is broken.

Stop after step 7 and ask the human before you call a tool that changes production. ${HUMAN_DECIDES}

${await runbookSection(context, /triage/i)}`.trim();
  },
});
