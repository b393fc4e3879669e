import { definePrompt } from '../src/mcp/prompt.ts';
import { environmentArgument, given, matrix, named, severityArgument } from './shared.ts';

export const declareSeverity = definePrompt({
  name: 'declare_severity',
  title: 'Declare the severity',
  description: 'Find the level by the matrix and declare, or raise or lower an open incident.',
  arguments: {
    situation: { description: 'What is known.' },
    severity: severityArgument,
    environment: environmentArgument,
  },
  render: async (
    args,
    context,
  ) => `Declare the severity of the trouble in ${named(args.environment, context.config.default_environment)}.
${given('situation', args.situation)}
${matrix(context)}

1. Call assess_severity with environment "${named(args.environment, context.config.default_environment)}". It reads health, fleet and the provider itself. If people know a workaround, say so with workaround: true; if nobody said, leave it away.
2. ${args.severity ? `The human proposes ${named(args.severity, '')}. Where the figures ask for a higher level, take the higher one and say why.` : 'Take its level. Where you have a reason to doubt, take the higher one; do not debate it during the incident.'} A source that is down makes the answer less sure, not lower.
3. No incident is open: call declare_incident with that severity, the components, and detected_at and impact_started_at (with offset) as far as known. One is open: call update_incident with severity and the reason in figures.
4. Say in one line: level, row of the matrix, respond-by, who commands. If nobody commands, ask the human who does, and write it down with assign_role.

Where the human decides: whether an incident is lowered or called a false_alarm. Ask before you do either, and stop until there is an answer.`,
});
