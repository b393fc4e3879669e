import { definePrompt } from '../src/mcp/prompt.ts';
import { incidentArgument, named } from './shared.ts';

export const handoffIncident = definePrompt({
  name: 'handoff_incident',
  title: 'Hand an incident over',
  description: 'A handoff by conditions, actions, needs, for the next commander.',
  arguments: { incident_id: incidentArgument, to: { description: 'Who takes over.' } },
  render: async (args) => {
    const argument = args.incident_id ? ` with incident_id "${named(args.incident_id, '')}"` : '';
    return `Hand over ${named(args.incident_id, 'the open incident')}${args.to ? ` to ${named(args.to, '')}` : ''}.

1. Call get_incident${argument} and view "brief", then get_approval for plans that wait, and get_system_health for the present state.
2. Write the handoff in this order, at most ten lines: conditions (what is broken, for whom, since when, what is unknown), actions (what was done, by whom, what it changed, with event ids), needs (decisions that wait, deadlines that come, who is missing). Only what the record and the health say; "unknown" is an answer.
3. Show it to the human. Where the human decides: whether the handoff is accepted, and by whom. Stop until somebody says "I have it".
4. Then record it with record_timeline_event (kind communication) and write the new commander down with assign_role. The new commander confirms at a terminal with \`incident-mcp ack --commander\`.`;
  },
});
