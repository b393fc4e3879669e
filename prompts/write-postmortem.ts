import { definePrompt } from '../src/mcp/prompt.ts';
import { incidentArgument, matrix, named, runbookSection } from './shared.ts';

export const writePostmortem = definePrompt({
  name: 'write_postmortem',
  title: 'Write the post-mortem',
  description: 'Draft the post-mortem from the record; every claim points to an event of the timeline.',
  arguments: { incident_id: incidentArgument },
  render: async (args, context) => {
    const id = args.incident_id ? named(args.incident_id, '') : undefined;
    const argument = id ? ` with incident_id "${id}"` : '';
    return `Write the post-mortem of ${id ?? 'the incident'}.

1. Call draft_postmortem${argument}. Figures, instants and the timeline come from the record; do not write any of your own.
2. Read \`missing\` and \`unverified\`. For each missing section ask the human what is known, and record it: update_incident for root_cause, impact_started_at and mitigated_at, record_timeline_event for contributing factors, what went well or poorly, and decisions.
3. Read the timeline (get_incident${argument}, view "timeline") and call draft_postmortem again with \`claims\`: each with section, text and the event ids that show it. A claim without evidence is printed as UNVERIFIED; one with an unknown id is refused.
4. No blame: describe what the system made likely, not who erred. Do not write "human error" or "should have".
5. Show the human the draft, \`missing\` and \`unverified\`, and stop: the human edits and decides when it is done. After that, update_incident with status "closed". A SEV1 or SEV2 cannot be closed while sections are missing.

Severity levels, for the impact section:

${matrix(context)}

${await runbookSection(context, /post-?mortem/i)}`.trim();
  },
});
