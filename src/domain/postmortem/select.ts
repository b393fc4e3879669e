import type { EventKind, TimelineEvent } from '../timeline.ts';

/** `n` of the items, spread evenly, with the first and the last; all of them when they fit. */
export function spread<T>(items: readonly T[], n: number): T[] {
  if (items.length <= n) return [...items];
  if (n <= 0) return [];
  if (n === 1) return items.slice(0, 1);
  const step = (items.length - 1) / (n - 1);
  return Array.from({ length: n }, (_, i) => items[Math.round(i * step)] as T);
}

/** What turned the incident; then what people did and meant; the rest is watching. */
const WEIGHT: Partial<Record<EventKind, 0 | 1>> = {
  declared: 0,
  status_changed: 0,
  severity_changed: 0,
  detection: 0,
  decision: 0,
  mitigation: 0,
  recovery: 0,
  approval_decided: 0,
  command_started: 0,
  command_finished: 0,
  clock_breached: 0,
  verification: 0,
  plan_proposed: 1,
  acknowledged: 1,
  role_assigned: 1,
  updated: 1,
  action: 1,
  hypothesis: 1,
  communication: 1,
  action_item: 1,
};

/**
 * At most `max` of the events, in their order: those that claims cite first, then kind by kind of weight. A group that does not fit whole is cut
 * evenly over its length, so that no phase of the incident goes blank.
 */
export function selectRows(
  events: readonly TimelineEvent[],
  max: number,
  cited: ReadonlySet<string> = new Set(),
): TimelineEvent[] {
  if (events.length <= max) return [...events];
  const groups: TimelineEvent[][] = [[], [], [], []];
  for (const event of events) {
    const weight = cited.has(event.id) ? 0 : 1 + (WEIGHT[event.kind] ?? 2);
    groups[weight]?.push(event);
  }
  const chosen = new Set<TimelineEvent>();
  for (const group of groups) for (const event of spread(group, max - chosen.size)) chosen.add(event);
  return events.filter((event) => chosen.has(event));
}
