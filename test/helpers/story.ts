import type { Session } from './session.ts';

export interface EventSeen {
  id: string;
  seq: number;
  kind: string;
  message: string;
  occurred_at: string;
  actor: { type: string; name: string };
  approval_id?: string;
  supersedes?: string;
  evidence: string[];
}

/** Declares an incident and gives its id. */
export async function declareFrom(
  session: Session,
  severity: string,
  more: Record<string, unknown> = {},
): Promise<string> {
  const declared = await session.ok('declare_incident', { title: 'Analyses fail', severity, ...more });
  return (declared.incident as { id: string }).id;
}

/** The whole timeline, page by page, as a client reads it. */
export async function eventsOf(session: Session, incident: string): Promise<EventSeen[]> {
  const events: EventSeen[] = [];
  for (let since: number | null = 0; since !== null; ) {
    const page: Record<string, unknown> = await session.ok('get_incident', {
      incident_id: incident,
      view: 'timeline',
      since_seq: since,
      limit: 200,
    });
    events.push(...(page.timeline as EventSeen[]));
    since = page.next_since_seq as number | null;
  }
  return events;
}

export const kindsOf = (events: readonly EventSeen[]): string[] => events.map((event) => event.kind);

/** The form of every error: code, what went wrong, what to do next. */
export const ERROR =
  /^(INVALID_INPUT|NOT_FOUND|UNAVAILABLE|TIMEOUT|CONFLICT|NOT_CONFIGURED|FORBIDDEN|STORE): .+ Next: .+/s;
