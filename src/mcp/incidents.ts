import { type Incident, isOpen } from '../domain/incident.ts';
import { clockOf, type ResponseClock, type ResponseRules, stateLine } from '../domain/response-clock.ts';
import { conflict, invalidInput, notFound } from '../errors.ts';
import type { ReadContext } from './context.ts';

/** The incident of an id, or `NOT_FOUND` that names those there are. */
export async function incidentById(context: Pick<ReadContext, 'record'>, id: string): Promise<Incident> {
  const incident = await context.record.incident(id);
  if (incident) return incident;
  const known = (await context.record.incidents()).slice(0, 5).map((i) => i.id);
  throw notFound(
    `there is no incident ${id}.`,
    known.length > 0
      ? `the newest are ${known.join(', ')}; list_incidents shows all.`
      : 'declare one with declare_incident.',
  );
}

/** The open incidents, newest first. */
export async function openIncidents(context: Pick<ReadContext, 'record'>, environment?: string): Promise<Incident[]> {
  const all = await context.record.incidents();
  return all.filter((i) => isOpen(i) && (environment === undefined || i.environment === environment));
}

/**
 * The incident that a call means: the one it names, else the only open one. With several open ones nothing is guessed.
 * Errors: `NOT_FOUND`, `CONFLICT`.
 */
export async function incidentOrOpen(context: Pick<ReadContext, 'record'>, id: string | undefined): Promise<Incident> {
  if (id !== undefined) return incidentById(context, id);
  const open = await openIncidents(context);
  if (open.length === 1) return open[0] as Incident;
  if (open.length === 0) {
    throw notFound(
      'no incident is open.',
      'give incident_id (list_incidents shows the closed ones), or declare one with declare_incident.',
    );
  }
  throw conflict(
    `${open.length} incidents are open: ${open
      .slice(0, 5)
      .map((i) => `${i.id} (${i.title.slice(0, 40)})`)
      .join(', ')}.`,
    'say which one with incident_id.',
  );
}

/** The incident that a gated act belongs to; null where none is open, since production must be mendable without one. */
export async function incidentForAct(
  context: Pick<ReadContext, 'record'>,
  id: string | undefined,
  environment: string,
): Promise<Incident | null> {
  if (id === undefined) {
    const open = await openIncidents(context, environment);
    if (open.length > 1) return incidentOrOpen({ record: context.record }, undefined);
    return open[0] ?? null;
  }
  const incident = await incidentById(context, id);
  if (!isOpen(incident)) {
    throw conflict(`${id} is ${incident.status}.`, 'leave incident_id away, or reopen it or declare a new one first.');
  }
  if (incident.environment !== environment) {
    throw invalidInput(
      `${id} is about ${incident.environment}, the plan is for ${environment}.`,
      'name the incident of that environment, or leave incident_id away.',
    );
  }
  return incident;
}

/** The configured matrix, calendar and update intervals. */
export function responseRules(context: Pick<ReadContext, 'config'>): ResponseRules {
  const { response, severity_matrix } = context.config;
  return {
    matrix: severity_matrix,
    calendar: { time_zone: response.time_zone, business_hours: response.business_hours, holidays: response.holidays },
    update_intervals: response.update_intervals,
  };
}

export const responseClock = (context: Pick<ReadContext, 'config' | 'clock'>, incident: Incident): ResponseClock =>
  clockOf(incident, responseRules(context), context.clock.now());

/** The clock as tools answer it. */
export function clockResult(context: Pick<ReadContext, 'config' | 'clock'>, incident: Incident) {
  const { first_response, next_update, commander } = responseClock(context, incident);
  return {
    first_response: {
      due_at: first_response.due_at,
      state: first_response.state,
      by: first_response.by,
      remaining_ms: first_response.remaining_ms,
    },
    next_update,
    commander,
  };
}

export const lineOfState = (context: Pick<ReadContext, 'config' | 'clock'>, incident: Incident): string =>
  stateLine(incident, responseClock(context, incident), context.clock.now());
