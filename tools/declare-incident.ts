import { z } from 'zod';
import { type Incident, isActive } from '../src/domain/incident.ts';
import { shortInstant, toInstant } from '../src/domain/instant.ts';
import { maskText } from '../src/domain/mask.ts';
import { cleanText, oneLine } from '../src/domain/text.ts';
import { captureSituation } from '../src/mcp/capture.ts';
import { incidentResult } from '../src/mcp/incident-view.ts';
import { clockResult } from '../src/mcp/incidents.ts';
import { notInFuture } from '../src/mcp/not-in-future.ts';
import { announce } from '../src/mcp/notices.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';

export const declareIncident = defineTool({
  name: 'declare_incident',
  title: 'Declare an incident',
  effect: 'record',
  description:
    'Opens an incident: gives it a number, starts its clock and timeline, and notifies. Declare early; severity can be changed later and in doubt the higher one is right. The server captures health, fleet and recent deploys for the record by itself. It changes nothing in production.',
  input: z.strictObject({
    title: s.text(200).describe('What is wrong, in a few words.'),
    severity: s.severity.describe('From the severity matrix.'),
    environment: s.environmentArg,
    summary: s.text(2_000).optional().describe('What is known so far.'),
    detected_at: s.instant.optional().describe('First alert or report, with offset. Default: now.'),
    detected_by: s.detectedBy.optional().describe('Where it came from.'),
    impact_started_at: s.instant.optional().describe('When users first felt it, with offset, if known.'),
    components: z.array(s.text(100)).max(30).optional().describe('Affected services.'),
    commander: s.text(100).optional().describe('Who leads, if somebody does.'),
    drill: z.boolean().optional().describe('True for an exercise.'),
    idempotency_key: s.idempotencyKey.optional().describe('The same key gives the first answer again.'),
  }),
  output: z.object({
    incident: s.incidentView,
    clock: s.clockView,
    notifications: s.notifications,
    also_open: z.array(z.string()),
    repeated: z.boolean(),
  }),
  handle: async (args, context) => {
    const environment = context.environment(args.environment).name;
    const now = context.clock.now();
    notInFuture('detected_at', args.detected_at, now);
    notInFuture('impact_started_at', args.impact_started_at, now);
    let alsoOpen: string[] = [];
    const secretId = await context.secretId();
    const { incident, repeated } = await context.store.declare((id, open) => {
      alsoOpen = open.filter((other) => isActive(other) && other.environment === environment).map((other) => other.id);
      const title = maskText(oneLine(args.title, 200));
      return {
        kind: 'declared',
        message: `${id} declared as ${args.severity} in ${environment}: ${title}`,
        actor: { type: 'assistant', name: context.caller.name },
        // A terminal that knows another secret proves no human to this incident.
        data: { secret_id: secretId },
        change: {
          declared: {
            id,
            title,
            severity: args.severity,
            environment,
            summary: args.summary ? maskText(cleanText(args.summary)) : null,
            components: (args.components ?? []).map((name) => maskText(oneLine(name, 100))),
            drill: args.drill ?? false,
            declared_at: toInstant(now),
            detected_at: args.detected_at ?? toInstant(now),
            detected_by: args.detected_by
              ? {
                  source: args.detected_by.source,
                  reference: args.detected_by.reference ? maskText(oneLine(args.detected_by.reference, 300)) : null,
                }
              : null,
            impact_started_at: args.impact_started_at ?? null,
          },
          ...(args.commander
            ? {
                role: {
                  role: 'commander',
                  person: maskText(oneLine(args.commander, 100)),
                  known_by: 'claimed_by_assistant',
                },
              }
            : {}),
        },
      };
    }, args.idempotency_key);
    const notifications = repeated ? [] : await announce(context, incident, 'declared', declaredText(incident));
    if (!repeated) context.background('capture of the situation', (later) => captureSituation(later, incident));
    return {
      incident: incidentResult(incident),
      clock: clockResult(context, incident),
      notifications,
      also_open: alsoOpen.filter((id) => id !== incident.id),
      repeated,
    };
  },
  render: (result, context) => {
    const { incident } = result;
    const sent = result.notifications.map((n) => `${n.channel} ${n.status}`).join(', ');
    return [
      `${incident.id} ${result.repeated ? 'was declared before (same idempotency_key)' : 'declared'}: ${incident.title} (${incident.severity}, ${incident.environment}) at ${shortInstant(incident.declared_at)}.`,
      `Notifications: ${sent || 'none'}.`,
      ...(result.also_open.length > 0
        ? [`Also open: ${result.also_open.join(', ')}; if it is the same trouble, say so with record_timeline_event.`]
        : []),
      result.clock.commander ? '' : 'Nobody commands yet: ask the human who does.',
      `Next: mitigate. check_recent_deploys tells whether a rollback fits; the plan of ${context.config.default_environment === incident.environment ? 'a change' : `a change in ${incident.environment}`} needs a human's approval.`,
    ]
      .filter((line) => line !== '')
      .join('\n');
  },
  incidentOf: (result) => result.incident.id,
});

const declaredText = (incident: Incident): string =>
  `${incident.drill ? 'DRILL: ' : ''}${incident.severity} declared in ${incident.environment}: ${incident.title}${incident.summary ? `\n${incident.summary}` : ''}`;
