import { correlateDeploys } from '../domain/correlate.ts';
import type { Incident } from '../domain/incident.ts';
import { shortInstant } from '../domain/instant.ts';
import type { Health } from '../domain/observe.ts';
import { oneLine } from '../domain/text.ts';
import type { NewEvent } from '../domain/timeline.ts';
import type { UnseenRelease } from '../ports/helm.ts';
import type { ReadContext, RecordContext } from './context.ts';
import { SYSTEM } from './gate/deps.ts';
import { observeFleet, observeHealth } from './observe.ts';
import { describedDeploys } from './releases-described.ts';
import { readSource } from './sources.ts';

export interface Snapshot {
  status: Health;
  /** One sentence with figures computed here. */
  words: string;
  data: Record<string, unknown>;
}

/** Health and fleet now, in one sentence and in figures for the record. */
export async function snapshot(context: ReadContext, environment: string): Promise<Snapshot> {
  const env = context.environment(environment);
  const [health, fleet] = await Promise.all([observeHealth(env, context), observeFleet(env, context)]);
  const sick = health.judged.components.filter((c) => c.status === 'down' || c.status === 'degraded');
  const down = [...health.sources, fleet.source]
    .filter((s) => s.status === 'error' || s.status === 'timeout')
    .map((s) => s.name);
  const customers = fleet.judged
    ? `${fleet.judged.customers_affected ?? 'unknown'} of ${fleet.judged.customers_total} customers affected`
    : 'customers unknown';
  const parts = [
    `health ${health.judged.status}`,
    ...(sick.length > 0
      ? [
          sick
            .slice(0, 5)
            .map((c) => `${c.name} ${c.status} (${oneLine(c.reason ?? '', 80)})`)
            .join(', '),
        ]
      : []),
    customers,
    ...(down.length > 0 ? [`sources that did not answer: ${down.join(', ')}`] : []),
  ];
  return {
    status: health.judged.status,
    words: parts.join('; '),
    data: {
      health: health.judged.status,
      unhealthy: sick.slice(0, 20).map((c) => c.name),
      customers_total: fleet.judged?.customers_total ?? null,
      customers_affected: fleet.judged?.customers_affected ?? null,
      affected_percent: fleet.judged?.affected_percent ?? null,
      agents_expected: fleet.judged?.agents_expected ?? null,
      agents_connected: fleet.judged?.agents_connected ?? null,
      sources_down: down,
    },
  };
}

/** What the server itself saw when the incident was declared: the record does not depend on what the assistant writes down. */
export async function captureSituation(context: RecordContext, incident: Incident): Promise<void> {
  const [seen, deploys] = await Promise.all([snapshot(context, incident.environment), deploysEvent(context, incident)]);
  await context.store.append(incident.id, () => [
    { kind: 'health_snapshot', message: `at declaration: ${seen.words}`, actor: SYSTEM, data: seen.data },
    ...(deploys ? [deploys] : []),
  ]);
}

const DAY_MS = 24 * 60 * 60_000;
/** Deploys, and releases of which none is known, in one sentence. */
const NAMED = 6;

async function deploysEvent(context: ReadContext, incident: Incident): Promise<NewEvent | null> {
  const env = context.environment(incident.environment);
  const refs = env.config.releases.map(({ name, namespace }) => ({ release: name, namespace }));
  if (refs.length === 0) return null;
  const overview = await readSource('helm', context.config.source_deadline, context.signal, async (options) =>
    (await env.helm()).overview(refs, options),
  );
  const unseen = overview.value?.unseen ?? [];
  if (!overview.value || unseen.length === refs.length) {
    const [{ release, namespace, reason } = { release: '', namespace: '', reason: '' }] = unseen;
    const why = overview.value
      ? `${release} in ${namespace}: ${reason}${unseen.length > 1 ? ` ${unseen.length - 1} more are not seen.` : ''}`
      : (overview.report.error ?? overview.report.status);
    return {
      kind: 'health_snapshot',
      message: `recent deploys are unknown: ${why}`,
      actor: SYSTEM,
      data: { deploys: null, unknown: unseen.slice(0, NAMED).map(unknownRelease) },
    };
  }
  const onset = incident.impact_started_at ?? incident.detected_at;
  const options = { now: context.clock.now(), since_ms: DAY_MS, onset: new Date(onset), affected: null };
  const { revisions, report } = await describedDeploys(overview, options, NAMED, env, context);
  const deploys = correlateDeploys(revisions, options).deploys.slice(0, NAMED);
  const list = deploys.map(
    (d) =>
      `${d.release} revision ${d.revision} (${d.status}) at ${d.deployed_at ? shortInstant(d.deployed_at) : 'an unknown time'}`,
  );
  const gaps = [
    ...unseen.slice(0, NAMED).map((u) => `deploys of ${u.release} in ${u.namespace} are unknown (${u.cause})`),
    ...(unseen.length > NAMED ? [`and of ${unseen.length - NAMED} more`] : []),
    ...(unseen.length === 0 && report.error !== undefined ? [report.error] : []),
  ];
  const seen = unseen.length === 0 ? '' : ` of ${refs.length - unseen.length} of ${refs.length} releases`;
  const found =
    list.length === 0 ? `no deploy within 24 hours${seen}` : `deploys within 24 hours${seen}: ${list.join('; ')}`;
  return {
    kind: 'health_snapshot',
    message: [found, ...gaps].join('; '),
    actor: SYSTEM,
    data: {
      deploys: deploys.map((d) => ({
        release: d.release,
        namespace: d.namespace,
        revision: d.revision,
        status: d.status,
        deployed_at: d.deployed_at,
      })),
      unknown: unseen.slice(0, NAMED).map(unknownRelease),
    },
  };
}

const unknownRelease = ({ release, namespace, cause }: UnseenRelease) => ({ release, namespace, cause });
