import { z } from 'zod';
import { following, type Incident, type IncidentStatus, mayFollow } from '../src/domain/incident.ts';
import { maskText } from '../src/domain/mask.ts';
import { cleanText, oneLine } from '../src/domain/text.ts';
import type { IncidentChange, NewEvent } from '../src/domain/timeline.ts';
import { conflict, invalidInput } from '../src/errors.ts';
import { snapshot } from '../src/mcp/capture.ts';
import type { RecordContext } from '../src/mcp/context.ts';
import { publicEvent } from '../src/mcp/event-view.ts';
import { incidentResult } from '../src/mcp/incident-view.ts';
import { clockResult, incidentOrOpen } from '../src/mcp/incidents.ts';
import { notInFuture } from '../src/mcp/not-in-future.ts';
import { announce } from '../src/mcp/notices.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';

const input = z.strictObject({
  incident_id: s.incidentId.optional().describe('Default: the only open incident.'),
  severity: s.severity.optional().describe('The new one.'),
  status: s.status.optional().describe('investigating, identified, mitigated, resolved, closed, or false_alarm.'),
  title: s.text(200).optional().describe('The new one.'),
  summary: s.text(2_000).optional().describe('What is known now.'),
  root_cause: s.text(2_000).optional().describe('What people found, without blame.'),
  impact_started_at: s.instant.optional().describe('With offset.'),
  mitigated_at: s.instant.optional().describe('When the impact stopped, with offset, if not now.'),
  reason: s
    .text(1_000)
    .describe('Why; written to the timeline. It also overrides a red health when resolving: say so.'),
});
type Args = z.output<typeof input>;

export const updateIncident = defineTool({
  name: 'update_incident',
  title: 'Update an incident',
  effect: 'record',
  description:
    'Changes severity, status, title, summary, root cause or instants of an incident in one event. Resolving takes a health snapshot and is refused while health is red, unless reason says "override:" and why. Closing a SEV1 or SEV2 needs a post-mortem without missing sections.',
  input,
  output: z.object({
    incident: s.incidentView,
    clock: s.clockView,
    event: s.eventView,
    notifications: s.notifications,
  }),
  handle: async (args, context) => {
    const before = await incidentOrOpen(context, args.incident_id);
    refuseEmpty(args);
    notInFuture('impact_started_at', args.impact_started_at, context.clock.now());
    notInFuture('mitigated_at', args.mitigated_at, context.clock.now());
    const evidence = args.status === 'resolved' ? await resolvable(before, args, context) : [];
    const { incident, events } = await context.store.append(before.id, (current) => {
      const now = current ?? before;
      return [eventOf(now, args, evidence, context.caller.name)];
    });
    const event = events[0];
    const after = incident ?? before;
    if (!event) throw conflict('the update was not written.', 'try again.');
    const notifications =
      args.status !== undefined || args.severity !== undefined
        ? await announce(context, after, noticeKind(args.status), event.message)
        : [];
    return {
      incident: incidentResult(after),
      clock: clockResult(context, after),
      event: publicEvent(event),
      notifications,
    };
  },
  render: ({ incident, event }) => `${event.id}: ${event.message}\n${nextStep(incident.status)}`,
  incidentOf: (result) => result.incident.id,
});

/** What pages somebody must not be sent for an incident that is over: `updated` opens a pager's alert again. */
function noticeKind(status: IncidentStatus | undefined): 'resolved' | 'updated' | 'update' {
  if (status === 'resolved' || status === 'false_alarm') return 'resolved';
  return status === 'closed' ? 'update' : 'updated';
}

/** Said by whoever resolves over a red health, and not "no override needed". */
const OVERRIDE = /(?<!\b(?:no|not|without|never)\s)\boverrid(?:e|es|ing|den)\b/i;

function refuseEmpty(args: Args): void {
  const { incident_id: _id, reason: _reason, ...changes } = args;
  if (Object.values(changes).some((value) => value !== undefined)) return;
  throw invalidInput(
    'update_incident: nothing is to be changed.',
    `give one of: ${Object.keys(input.shape)
      .filter((k) => k !== 'incident_id' && k !== 'reason')
      .join(', ')}; to note something use record_timeline_event.`,
  );
}

/** Checked again under the store's lock with the newest state, so that two updates at once cannot both pass. */
function eventOf(incident: Incident, args: Args, evidence: string[], client: string): NewEvent {
  const change: IncidentChange = {};
  const words: string[] = [];
  if (args.status !== undefined && args.status !== incident.status) {
    checkTransition(incident, args.status);
    change.status = args.status;
    words.push(`status ${incident.status} -> ${args.status}`);
  }
  if (args.severity !== undefined && args.severity !== incident.severity) {
    change.severity = args.severity;
    words.push(`severity ${incident.severity} -> ${args.severity}`);
  }
  if (args.title !== undefined) {
    change.title = maskText(oneLine(args.title, 200));
    words.push(`title "${change.title}"`);
  }
  if (args.summary !== undefined) {
    change.summary = maskText(cleanText(args.summary));
    words.push('summary');
  }
  if (args.root_cause !== undefined) {
    change.root_cause = maskText(cleanText(args.root_cause));
    words.push(`root cause: ${oneLine(change.root_cause, 300)}`);
  }
  if (args.impact_started_at !== undefined) {
    change.impact_started_at = args.impact_started_at;
    words.push(`impact started at ${args.impact_started_at}`);
  }
  if (args.mitigated_at !== undefined) {
    change.mitigated_at = args.mitigated_at;
    words.push(`mitigated at ${args.mitigated_at}`);
  }
  if (words.length === 0)
    throw conflict(`${incident.id} is that already; nothing was changed.`, 'look at it with get_incident.');
  const kind = change.status ? 'status_changed' : change.severity ? 'severity_changed' : 'updated';
  return {
    kind,
    message: `${words.join('; ')} (${maskText(oneLine(args.reason, 1_000))})`,
    actor: { type: 'assistant', name: client },
    evidence,
    change,
  };
}

function checkTransition(incident: Incident, to: IncidentStatus): void {
  if (!mayFollow(incident.status, to)) {
    throw conflict(
      `${to} cannot follow ${incident.status}.`,
      `from ${incident.status} it can go to: ${following(incident.status).join(', ') || 'nothing; declare a new incident'}.`,
    );
  }
  if (to !== 'closed' || incident.drill) return;
  if (incident.severity_peak !== 'SEV1' && incident.severity_peak !== 'SEV2') return;
  if (incident.postmortem === null) {
    throw conflict(
      `${incident.id} was ${incident.severity_peak} and has no post-mortem.`,
      'draft it with draft_postmortem, then close.',
    );
  }
  if (incident.postmortem.missing.length > 0) {
    throw conflict(
      `the post-mortem of ${incident.id} still lacks: ${incident.postmortem.missing.join(', ')}.`,
      'record what is missing, draft it again with draft_postmortem, then close.',
    );
  }
}

/** Resolved means recovery verified: the server looks itself, and writes down what it saw. */
async function resolvable(incident: Incident, args: Args, context: RecordContext): Promise<string[]> {
  if (incident.status === 'resolved') return [];
  checkTransition(incident, 'resolved');
  context.progress('looking at health before resolving');
  const seen = await snapshot(context, incident.environment);
  const { events } = await context.store.append(incident.id, () => [
    {
      kind: 'health_snapshot',
      message: `before resolving: ${seen.words}`,
      actor: { type: 'system', name: 'incident-mcp' },
      data: seen.data,
    },
  ]);
  const id = events[0]?.id ?? '';
  if (seen.status === 'healthy' || OVERRIDE.test(args.reason)) return [id];
  throw conflict(
    `health is ${seen.status} (${id}: ${seen.words}); ${incident.id} was not resolved.`,
    'wait until it is healthy, or resolve with a reason that begins with "override:" and says why a human accepts it.',
  );
}

const NEXT: Partial<Record<IncidentStatus, string>> = {
  investigating: 'Next: find the component and the change; plan a mitigation.',
  identified: 'Next: plan the mitigation; a human approves it.',
  mitigated: 'Next: watch get_system_health; when recovery is verified set status resolved.',
  resolved: 'Next: draft_postmortem (a duty for SEV1 and SEV2), then status closed.',
};
const nextStep = (status: IncidentStatus): string => NEXT[status] ?? '';
