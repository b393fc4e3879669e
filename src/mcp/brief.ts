import type { Approval } from '../domain/approval.ts';
import type { Incident } from '../domain/incident.ts';
import { formatDuration, shortInstant } from '../domain/instant.ts';
import { oneLine, truncateBytes } from '../domain/text.ts';
import type { TimelineEvent } from '../domain/timeline.ts';

/** 400 tokens are about 1,600 bytes; the line of state above it takes up to 200. */
const MAX_BYTES = 1_380;
const LINE = 150;

const TELLING = new Set([
  'observation',
  'detection',
  'health_snapshot',
  'hypothesis',
  'decision',
  'mitigation',
  'recovery',
  'action',
  'command_finished',
]);

/** A cold-start handoff by conditions, actions, needs: what a new commander must know within half a minute. */
export function briefOf(
  incident: Incident,
  approvals: readonly Approval[],
  events: readonly TimelineEvent[],
  now: Date,
): string {
  const age = formatDuration(now.getTime() - Date.parse(incident.declared_at));
  const recent = events.filter((event) => TELLING.has(event.kind)).slice(-4);
  const acted = approvals.slice(0, 3);
  const pending = approvals.filter((a) => a.status === 'pending' || a.status === 'approved' || a.status === 'running');
  return truncateBytes(
    [
      'CONDITIONS',
      `- ${oneLine(incident.title, LINE)}; ${incident.environment}; ${incident.components.slice(0, 6).join(', ') || 'component unknown'}; declared ${shortInstant(incident.declared_at)} (${age} ago)`,
      `- root cause: ${incident.root_cause ? oneLine(incident.root_cause, LINE) : 'unknown'}`,
      ...recent.map(
        (event) => `- ${event.id} ${event.occurred_at.slice(11, 16)}Z ${event.kind}: ${oneLine(event.message, LINE)}`,
      ),
      'ACTIONS',
      ...(acted.length > 0
        ? acted.map(
            (a) => `- ${a.approval_id} ${a.status}: ${a.plan.action} ${a.plan.target} ${a.plan.from} -> ${a.plan.to}`,
          )
        : ['- none proposed yet']),
      'NEEDS',
      ...needs(incident, pending),
    ].join('\n'),
    MAX_BYTES,
  );
}

function needs(incident: Incident, pending: readonly Approval[]): string[] {
  const list: string[] = [];
  for (const a of pending.slice(0, 2)) {
    list.push(
      a.status === 'pending'
        ? `- a human's decision on ${a.approval_id}`
        : `- ${a.approval_id} is ${a.status}: see get_approval`,
    );
  }
  if (!incident.roles.commander) list.push('- a commander');
  if (incident.root_cause === null) list.push('- the root cause');
  if (incident.status === 'mitigated') list.push('- verified recovery, then status resolved');
  if (incident.status === 'resolved') list.push('- post-mortem, then status closed');
  return list.length > 0 ? list : ['- nothing open'];
}
