import { definePrompt } from '../src/mcp/prompt.ts';
import { HUMAN_DECIDES, incidentArgument, named, releaseArgument, runbookSection } from './shared.ts';

export const mitigateIncident = definePrompt({
  name: 'mitigate_incident',
  title: 'Mitigate an incident',
  description: 'Choose the move, plan it, let the human approve it, run it once, and verify that it helped.',
  arguments: { incident_id: incidentArgument, release: releaseArgument },
  render: async (args, context) => {
    const id = named(args.incident_id, 'the open incident');
    return `Mitigate ${id}. Stop the harm first; the root cause can wait.

1. Call get_incident${args.incident_id ? ` with incident_id "${named(args.incident_id, '')}"` : ''} and view "brief": what is known, what was tried, what is open? Not needed if you triaged it yourself just now.
2. Call check_recent_deploys with incident_id${args.release ? ` and release "${named(args.release, '')}"` : ''}, and get_system_health, unless you did within the last minute.
3. Choose one move:
   - a deploy before the onset fits and there is a rollback_candidate: rollback_release (to the last healthy revision, which is not always the one before)
   - a stuck process or a memory leak, and no deploy to blame: restart_service
   - the bleeding must stop and nothing else helps: scale_down
   - nothing here is broken (a provider is down, one customer's own trouble): none; say so
4. Say in two sentences why, with event ids or figures, and call the tool with that as its reason. It answers with a plan and changes nothing yet; the server itself writes plan, reason and decision to the timeline.
5. ${HUMAN_DECIDES}
6. After executed: wait half a minute, call get_system_health and get_fleet_summary. Improved? Call update_incident with status "mitigated" and a reason with the figures. Unchanged or worse? Say so plainly, record it with record_timeline_event, and go back to step 3: one change at a time.
7. When all is healthy and stays so: update_incident with status "resolved". The server looks itself and refuses while health is red.

${await runbookSection(context, /mitigation/i)}`.trim();
  },
});
