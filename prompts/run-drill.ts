import { SEVERITIES } from '../src/domain/severity.ts';
import { definePrompt } from '../src/mcp/prompt.ts';
import { HUMAN_DECIDES, matrix, named } from './shared.ts';

/** Scenarios of the sandbox; their names are part of the command line, not of the sandbox's code. */
export const SCENARIOS = [
  'healthy',
  'bad-deploy',
  'agent-disconnect',
  'database-outage',
  'memory-leak',
  'llm-outage',
  'single-tenant',
  'ui-glitch',
  'red-herring',
] as const;

export const runDrill = definePrompt({
  name: 'run_drill',
  title: 'Run a drill',
  description: 'Play an incident on the simulated platform, and be scored at the end.',
  arguments: {
    scenario: {
      description: 'Which one the server was started with, if it is no secret.',
      complete: () => [...SCENARIOS],
    },
  },
  render: async (
    args,
    context,
  ) => `Run a drill${args.scenario ? ` of the scenario ${named(args.scenario, '')}` : ''}. It needs a server that was started with \`incident-mcp serve --sandbox [SCENARIO]\`: the cluster in every plan must be "pulsestream-sandbox". Look at it with get_system_health first; if the cluster in a plan is another one, stop at once and tell the human: that is production.

Play it as if it were real, and do not look for the solution anywhere:

1. Triage: assess_severity, get_fleet_summary, get_system_health, check_recent_deploys with onset.
2. declare_incident with drill: true (nobody outside is notified), severity by the matrix (${SEVERITIES.join(', ')}), instants with offset.
3. Choose one move or none, say why with figures, and plan it: rollback_release, restart_service, scale_down, or none.
4. ${HUMAN_DECIDES}
5. After it ran: verify_mitigation, then update_incident to mitigated and resolved. Send internal updates with send_update in time.
6. draft_postmortem, add_action_item for what would prevent it, then draft_postmortem again until nothing is missing.
7. Ask the human to run \`incident-mcp score\` in a terminal and to show you the result: severity, first response, move, wrong moves, updates, post-mortem.

${matrix(context)}`,
});
