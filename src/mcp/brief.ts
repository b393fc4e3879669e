import type { Approval } from '../domain/approval.ts';
import type { Incident } from '../domain/incident.ts';
import { formatDuration, shortInstant } from '../domain/instant.ts';
import { oneLine, truncateBytes } from '../domain/text.ts';
import type { TimelineEvent } from '../domain/timeline.ts';

/** 400 tokens are about 1,600 bytes; the line of state above it takes up to 260, with two long names. */
const MAX_BYTES = 1_330;
/** Bytes, not characters: a sentence in three bytes a character takes no more room than another. */
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
    `- ${short(incident.title)}; ${incident.environment}; ${short(incident.components.slice(0, 6).join(', '), 100) || 'component unknown'}; declared ${shortInstant(incident.declared_at)} (${age} ago)`,
    `- root cause: ${incident.root_cause ? short(incident.root_cause) : 'unknown'}`,
  ];
  const rest = [
    'ACTIONS',
    ...(acted.length > 0
      ? acted.map(
          (a) =>
            `- ${short(`${a.approval_id} ${a.status}: ${a.plan.action} ${a.plan.target} ${a.plan.from} -> ${a.plan.to}`)}`,
        )
      : ['- none proposed yet']),
    'NEEDS',
    ...needs(incident, pending),
  ];
  const room = MAX_BYTES - Buffer.byteLength([...what, ...rest].join('\n'));
  return truncateBytes([...what, ...newestLines(events, room), ...rest].join('\n'), MAX_BYTES);
}

/** One line of at most so many bytes. */
function short(text: string, bytes = LINE): string {
  const line = oneLine(text);
  return Buffer.byteLength(line) <= bytes ? line : `${truncateBytes(line, bytes - 3)}…`;
}

/** The newest telling events, as many as fit, oldest first: what happened gives way to what was done and what is needed. */
function newestLines(events: readonly TimelineEvent[], room: number): string[] {
  const lines: string[] = [];
  let left = room;
  for (const event of events
    .filter((e) => TELLING.has(e.kind))
    .slice(-EVENTS)
    .reverse()) {
    const line = `- ${event.id} ${event.occurred_at.slice(11, 16)}Z ${event.kind}: ${short(event.message)}`;
    left -= Buffer.byteLength(line) + 1;
    if (left < 0) break;
    lines.unshift(line);
  }
  return lines;
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
