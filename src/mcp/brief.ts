import type { Approval } from '../domain/approval.ts';
import type { Incident } from '../domain/incident.ts';
import { formatDuration, shortInstant } from '../domain/instant.ts';
import { fittingRows, shortLine, truncateBytes } from '../domain/text.ts';
import type { TimelineEvent } from '../domain/timeline.ts';

/** 400 tokens are about 1,600 bytes; the line of state above it takes up to 260, with two long names, and the fence around it 75. */
const MAX_BYTES = 1_260;
/** Bytes of one text in it. */
const LINE = 150;
const EVENTS = 4;

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
  const acted = approvals.slice(0, 3);
  const pending = approvals.filter((a) => a.status === 'pending' || a.status === 'approved' || a.status === 'running');
  const what = [
    'CONDITIONS',
    `- ${shortLine(incident.title, LINE)}; ${incident.environment}; ${shortLine(incident.components.slice(0, 6).join(', '), 100) || 'component unknown'}; declared ${shortInstant(incident.declared_at)} (${age} ago)`,
    `- root cause: ${incident.root_cause ? shortLine(incident.root_cause, LINE) : 'unknown'}`,
  ];
  const rest = [
    'ACTIONS',
    ...(acted.length > 0
      ? acted.map(
          (a) =>
            `- ${shortLine(`${a.approval_id} ${a.status}: ${a.plan.action} ${a.plan.target} ${a.plan.from} -> ${a.plan.to}`, LINE)}`,
        )
      : ['- none proposed yet']),
    'NEEDS',
    ...needs(incident, pending),
  ];
  const room = MAX_BYTES - Buffer.byteLength([...what, ...rest].join('\n'));
  return truncateBytes([...what, ...newestLines(events, room), ...rest].join('\n'), MAX_BYTES);
}

/** The newest telling events, as many as fit, oldest first: what happened gives way to what was done and what is needed. */
function newestLines(events: readonly TimelineEvent[], room: number): string[] {
  const newest = events
    .filter((e) => TELLING.has(e.kind))
    .slice(-EVENTS)
    .reverse();
  const lines = newest.map((e) => `- ${e.id} ${e.occurred_at.slice(11, 16)}Z ${e.kind}: ${shortLine(e.message, LINE)}`);
  return fittingRows(lines, room).reverse();
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
