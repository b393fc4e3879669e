import { toInstant } from '../domain/instant.ts';
import { metricsOf } from '../domain/metrics.ts';
import { renderPostmortem } from '../domain/postmortem/index.ts';
import { oneLine } from '../domain/text.ts';
import { notFound } from '../errors.ts';
import { clockResult, incidentById } from '../mcp/incidents.ts';
import { wholeTimeline } from '../mcp/timeline-pages.ts';
import { configure, type Env, systemClock } from './compose.ts';
import { existingRecord } from './existing-record.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { print } from './output.ts';
import { VERSION } from './version.ts';

const DOCUMENT = 'postmortem.md';
const SIMILAR = 5;

/**
 * Prints an incident: as JSON with its whole timeline and chain values, or as Markdown (the post-mortem as it lies there, else one made now). Writes
 * nothing. Errors: `NOT_FOUND`.
 */
export async function exportIncident(
  id: string,
  flags: { config?: string; data_dir?: string; format: string },
  env: Env,
): Promise<ExitCode> {
  const config = configure(flags, env);
  const store = await existingRecord(config);
  if (store === null)
    throw notFound(`there is no incident ${oneLine(id, 40)}; the record is empty.`, 'check --config and --data-dir.');
  const incident = await incidentById({ record: store }, oneLine(id, 40));
  const written = flags.format === 'markdown' ? await store.readDocument(incident.id, DOCUMENT) : null;
  if (written !== null) {
    print(written.trimEnd());
    return EXIT.ok;
  }
  const events = await wholeTimeline(store, incident.id);
  const metrics = metricsOf(incident, events);
  const approvals = await store.approvals({ incident_id: incident.id });
  const now = systemClock.now();
  if (flags.format === 'markdown') {
    const similar = (await store.incidents()).filter(
      (other) =>
        other.id !== incident.id && !other.drill && other.components.some((c) => incident.components.includes(c)),
    );
    const { markdown } = renderPostmortem({
      incident,
      events,
      metrics,
      approvals,
      claims: [],
      similar: similar.slice(0, SIMILAR),
      previous: null,
      now,
    });
    print(markdown.trimEnd());
    return EXIT.ok;
  }
  const clock = clockResult({ config, clock: systemClock }, incident);
  const head = await store.head(incident.id);
  const document = {
    exported_at: toInstant(now),
    exported_by: `incident-mcp ${VERSION}`,
    incident,
    clock,
    metrics,
    head,
    timeline: events,
    approvals,
  };
  print(JSON.stringify(document, null, 2));
  return EXIT.ok;
}
