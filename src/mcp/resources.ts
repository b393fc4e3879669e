import { severityMatrixMarkdown } from '../domain/matrix.ts';
import { cleanText } from '../domain/text.ts';
import { notFound } from '../errors.ts';
import type { ServerDeps } from './deps.ts';
import { publicEvent } from './event-view.ts';
import { clockResult, incidentById } from './incidents.ts';
import { statistics } from './statistics.ts';

/** Events per page of the timeline resource: the newest are what a reader needs. */
const TIMELINE_EVENTS = 500;
const LISTED_INCIDENTS = 50;

export interface ResourceEntry {
  uri: string;
  name: string;
  title: string;
  description: string;
  mimeType: string;
  _meta?: Record<string, unknown>;
}
export interface ResourceText {
  uri: string;
  mimeType: string;
  text: string;
  _meta?: Record<string, unknown>;
}

const MARKDOWN = 'text/markdown';
const JSON_TYPE = 'application/json';
export const MATRIX_URI = 'runbook://severity-matrix';
export const STATISTICS_URI = 'incident://statistics';

export const TEMPLATES = [
  {
    uriTemplate: 'runbook://{name}',
    name: 'runbook',
    title: 'Runbook',
    description: 'One runbook of the configured folder, as Markdown.',
    mimeType: MARKDOWN,
  },
  {
    uriTemplate: 'incident://{id}',
    name: 'incident',
    title: 'Incident',
    description: 'State, clock and roles of an incident.',
    mimeType: JSON_TYPE,
  },
  {
    uriTemplate: 'incident://{id}/timeline',
    name: 'incident-timeline',
    title: 'Timeline',
    description: 'Events of an incident with their chain values.',
    mimeType: JSON_TYPE,
  },
  {
    uriTemplate: 'incident://{id}/postmortem',
    name: 'incident-postmortem',
    title: 'Post-mortem',
    description: 'The post-mortem as last drafted by draft_postmortem.',
    mimeType: MARKDOWN,
  },
] as const;

export async function listResources(deps: ServerDeps): Promise<ResourceEntry[]> {
  const books = await deps.runbooks.list();
  const incidents = (await deps.store.incidents()).slice(0, LISTED_INCIDENTS);
  return [
    {
      uri: MATRIX_URI,
      name: 'severity-matrix',
      title: 'Severity matrix',
      description: 'Severity levels with description, response time and examples.',
      mimeType: MARKDOWN,
    },
    {
      uri: STATISTICS_URI,
      name: 'incident-statistics',
      title: 'Statistics over incidents',
      description: 'n, median and 90th percentile of each metric by severity, without drills and false alarms.',
      mimeType: JSON_TYPE,
    },
    ...books.map((book) => ({
      uri: `runbook://${book.name}`,
      name: book.name,
      title: book.title,
      description: `Runbook: ${book.title}`,
      mimeType: MARKDOWN,
    })),
    ...incidents.flatMap((incident) => [
      {
        uri: `incident://${incident.id}`,
        name: incident.id,
        title: `${incident.id} ${incident.severity} ${incident.status}`,
        description: incident.title,
        mimeType: JSON_TYPE,
      },
      {
        uri: `incident://${incident.id}/timeline`,
        name: `${incident.id}-timeline`,
        title: `Timeline of ${incident.id}`,
        description: `${incident.seq} events`,
        mimeType: JSON_TYPE,
      },
      ...(incident.postmortem
        ? [
            {
              uri: `incident://${incident.id}/postmortem`,
              name: `${incident.id}-postmortem`,
              title: `Post-mortem of ${incident.id}`,
              description: `drafted at ${incident.postmortem.drafted_at}`,
              mimeType: MARKDOWN,
            },
          ]
        : []),
    ]),
  ];
}

/** Reads one resource. Errors: `NOT_FOUND` that names what there is. */
export async function readResource(deps: ServerDeps, uri: string): Promise<ResourceText> {
  const book = /^runbook:\/\/([A-Za-z0-9._-]{1,80})$/.exec(uri)?.[1];
  if (book) return readRunbook(deps, uri, book);
  if (uri === STATISTICS_URI) return json(uri, await statistics({ record: deps.store }));
  const match = /^incident:\/\/(INC-\d{4,12})(?:\/(timeline|postmortem))?$/.exec(uri);
  if (!match) {
    throw notFound(`there is no resource ${cleanText(uri, 80)}.`, 'resources/list names those there are.');
  }
  const incident = await incidentById({ record: deps.store }, match[1] as string);
  if (match[2] === 'timeline') {
    const since = Math.max(0, incident.seq - TIMELINE_EVENTS);
    const events = await deps.store.timeline(incident.id, { since_seq: since, limit: TIMELINE_EVENTS });
    return json(uri, { incident_id: incident.id, left_out: since, events: events.map(publicEvent) });
  }
  if (match[2] === 'postmortem') {
    const text = await deps.store.readDocument(incident.id, 'postmortem.md');
    if (text === null) throw notFound(`${incident.id} has no post-mortem yet.`, 'make one with draft_postmortem.');
    return { uri, mimeType: MARKDOWN, text };
  }
  return json(uri, { incident, clock: clockResult(deps, incident) });
}

async function readRunbook(deps: ServerDeps, uri: string, name: string): Promise<ResourceText> {
  if (uri === MATRIX_URI) return { uri, mimeType: MARKDOWN, text: severityMatrixMarkdown(deps.config.severity_matrix) };
  const text = await deps.runbooks.read(name);
  if (text === null) {
    const names = (await deps.runbooks.list()).map((book) => book.name);
    throw notFound(`there is no runbook "${name}".`, `use one of: severity-matrix, ${names.join(', ')}.`);
  }
  return { uri, mimeType: MARKDOWN, text };
}

const json = (uri: string, value: unknown): ResourceText => ({
  uri,
  mimeType: JSON_TYPE,
  text: JSON.stringify(value, null, 2),
});

export async function completeResource(
  deps: ServerDeps,
  template: string,
  argument: string,
  typed: string,
): Promise<string[]> {
  const values =
    template.startsWith('runbook://') && argument === 'name'
      ? ['severity-matrix', ...(await deps.runbooks.list()).map((book) => book.name)]
      : template.startsWith('incident://') && argument === 'id'
        ? (await deps.store.incidents()).map((incident) => incident.id)
        : [];
  return values.filter((value) => value.toLowerCase().startsWith(typed.toLowerCase()));
}
