import { z } from 'zod';
import { metricsOf } from '../src/domain/metrics.ts';
import { renderPostmortem } from '../src/domain/postmortem/index.ts';
import { fence, truncateBytes } from '../src/domain/text.ts';
import { incidentOrOpen } from '../src/mcp/incidents.ts';
import * as s from '../src/mcp/schemas.ts';
import { wholeTimeline } from '../src/mcp/timeline-pages.ts';
import { defineTool } from '../src/mcp/tool.ts';

const DOCUMENT = 'postmortem.md';
const TEXT_BYTES = 5_500;

const metric = z.object({
  ms: z.number().nullable(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  basis: z.string(),
  reason: z.string().nullable(),
  warning: z.string().nullable(),
});

export const draftPostmortem = defineTool({
  name: 'draft_postmortem',
  title: 'Draft the post-mortem',
  effect: 'record',
  idempotent: true,
  description:
    'Writes the post-mortem from the record: sections, figures, timeline with event ids, gaps. Every figure is computed by the server; you add prose by `claims`, each with the event ids that show it. Text that humans edited between the marked lines stays. Says which sections are missing.',
  input: z.strictObject({
    incident_id: s.incidentId.optional().describe('Default: the only open incident.'),
    claims: z
      .array(
        z.strictObject({
          section: s.text(40).describe('Such as root_cause, trigger, went_well, action_items.'),
          text: s.text(2_000),
          evidence: z.array(s.eventId).max(20).default([]).describe('Event ids, e.g. ["E12"].'),
        }),
      )
      .max(50)
      .optional()
      .describe('Prose to add; without evidence it is marked UNVERIFIED.'),
  }),
  output: z.object({
    incident_id: z.string(),
    markdown: z.string(),
    uri: z.string(),
    path: z.string(),
    metrics: z.object({
      time_to_detect: metric,
      time_to_declare: metric,
      time_to_acknowledge: metric,
      time_to_mitigate: metric,
      time_to_resolve: metric,
      impact_ms: z.number().nullable(),
    }),
    missing: z.array(z.string()),
    unverified: z.array(z.string()),
  }),
  handle: async (args, context) => {
    const incident = await incidentOrOpen(context, args.incident_id);
    const events = await wholeTimeline(context.record, incident.id);
    const metrics = metricsOf(incident, events);
    const drafted = renderPostmortem({
      incident,
      events,
      metrics,
      approvals: await context.record.approvals({ incident_id: incident.id, limit: 200 }),
      claims: args.claims ?? [],
      similar: (await context.record.incidents())
        .filter(
          (other) =>
            other.id !== incident.id && !other.drill && other.components.some((c) => incident.components.includes(c)),
        )
        .slice(0, 5),
      previous: await context.record.readDocument(incident.id, DOCUMENT),
      now: context.clock.now(),
    });
    const path = await context.store.writeDocument(incident.id, DOCUMENT, drafted.markdown);
    await context.store.append(incident.id, () => [
      {
        kind: 'postmortem_drafted',
        message: `post-mortem drafted${drafted.missing.length > 0 ? `; missing: ${drafted.missing.join(', ')}` : '; no section is missing'}`,
        actor: { type: 'assistant', name: context.caller.name },
        change: { postmortem: { missing: drafted.missing } },
      },
    ]);
    return {
      incident_id: incident.id,
      markdown: drafted.markdown,
      uri: `incident://${incident.id}/postmortem`,
      path,
      metrics,
      missing: drafted.missing,
      unverified: drafted.unverified,
    };
  },
  render: (result) => {
    const whole = Buffer.byteLength(result.markdown) <= TEXT_BYTES;
    const shown = truncateBytes(result.markdown, TEXT_BYTES);
    return [
      `Post-mortem of ${result.incident_id} written to ${result.path} (${result.uri}).`,
      result.missing.length > 0
        ? `Missing sections: ${result.missing.join(', ')}. Ask the human what is known, record it, and draft again.`
        : 'No section is missing. Show it to the human, who decides when it is done.',
      ...(result.unverified.length > 0 ? [`Unverified claims (no evidence): ${result.unverified.length}.`] : []),
      fence('post-mortem', shown),
      ...(whole ? [] : [`Cut here; the whole text is at ${result.uri}.`]),
    ].join('\n');
  },
  incidentOf: (result) => result.incident_id,
});
