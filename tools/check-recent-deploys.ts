import { z } from 'zod';
import { type Correlation, correlateDeploys } from '../src/domain/correlate.ts';
import { parseDuration, shortInstant } from '../src/domain/instant.ts';
import type { Revision } from '../src/domain/observe.ts';
import { fence, oneLine } from '../src/domain/text.ts';
import { notConfigured } from '../src/errors.ts';
import type { EnvironmentReaders, ReadContext } from '../src/mcp/context.ts';
import { incidentById, openIncidents } from '../src/mcp/incidents.ts';
import { observeHealth } from '../src/mcp/observe.ts';
import * as s from '../src/mcp/schemas.ts';
import { readSource, sourceTrouble } from '../src/mcp/sources.ts';
import { defineTool } from '../src/mcp/tool.ts';

/** Newest revisions of each release whose payload is read for chart, version and description. */
const DETAILED = 3;
const SHOWN = 20;

const deploy = z.object({
  release: z.string(),
  namespace: z.string(),
  revision: z.number(),
  status: z.string(),
  chart: z.string().nullable(),
  app_version: z.string().nullable(),
  deployed_at: z.string().nullable(),
  description: z.string().nullable(),
  suspicion: z.number().min(0).max(1),
  reasons: z.array(z.string()),
});
const candidate = z.object({
  release: z.string(),
  namespace: z.string(),
  from_revision: z.number(),
  to_revision: z.number(),
  reason: z.string(),
});

export const checkRecentDeploys = defineTool({
  name: 'check_recent_deploys',
  title: 'Check recent deploys',
  effect: 'read',
  description:
    'Lists recent Helm deploys with a suspicion (0..1) and reasons, the suspect, and the revision to roll back to (the last healthy one, which is not always N-1). Give onset, the instant of the earliest sign: a deploy after it is no cause. It changes nothing.',
  input: z.strictObject({
    environment: s.environmentArg,
    release: s.kubeName.optional().describe('Only this release.'),
    since: s.duration.default('24h').describe('How far back, e.g. 24h or 7d.'),
    onset: s.instant.optional().describe("When the trouble began, with offset. Default: the incident's."),
    incident_id: s.incidentId.optional().describe('Takes the onset from this incident; default: the open one.'),
  }),
  output: z.object({
    environment: z.string(),
    onset: z.string().nullable(),
    onset_basis: z.string(),
    deploys: z.array(deploy),
    deploys_total: z.number(),
    suspect: deploy.nullable(),
    rollback_candidate: candidate.nullable(),
    verdict: z.string(),
    sources: s.sources,
  }),
  handle: async (args, context) => {
    const env = context.environment(args.environment);
    const releases = chosenReleases(env, args.release);
    const [onset, history, affected] = await Promise.all([
      onsetOf(args.onset, args.incident_id, env.name, context),
      readSource('helm', context.config.source_deadline, context.signal, async (options) =>
        (await env.helm()).history(
          [...new Set(releases.map((r) => r.namespace))],
          [...new Set(releases.map((r) => r.name))],
          DETAILED,
          options,
        ),
      ),
      affectedReleases(env, context),
    ]);
    const now = context.clock.now();
    const found = correlateDeploys(ofConfigured(history.value ?? [], releases), {
      now,
      since_ms: parseDuration(args.since, 'since'),
      onset: onset.at ? new Date(onset.at) : null,
      affected: affected.releases,
    });
    return {
      environment: env.name,
      onset: onset.at,
      onset_basis: onset.basis,
      deploys: found.deploys.slice(0, SHOWN).map(plain),
      deploys_total: found.deploys.length,
      suspect: found.suspect ? plain(found.suspect) : null,
      rollback_candidate: found.rollback_candidate,
      verdict:
        history.value === null
          ? `deploys are unknown: ${history.report.error ?? history.report.status}`
          : verdictOf(found, args.since),
      sources: [history.report, ...affected.sources],
    };
  },
  render: (result) => {
    const rows = result.deploys
      .slice(0, 12)
      .map(
        (d) =>
          `${d.release} rev ${d.revision} ${d.status} ${d.deployed_at ? shortInstant(d.deployed_at) : 'time unknown'} ${d.chart ?? ''} app ${d.app_version ?? '?'} | suspicion ${d.suspicion}: ${d.reasons.join('; ')}${d.description ? ` | "${oneLine(d.description, 100)}"` : ''}`,
      );
    const { rollback_candidate: rollback } = result;
    return [
      `${result.verdict} (onset ${result.onset ? shortInstant(result.onset) : 'unknown'}, ${result.onset_basis})`,
      ...(rollback
        ? [
            `Rollback candidate: ${rollback.release} in ${rollback.namespace} from ${rollback.from_revision} to ${rollback.to_revision}. ${rollback.reason}`,
          ]
        : ['No rollback candidate.']),
      ...sourceTrouble(result.sources),
      ...(rows.length > 0 ? [fence('helm release history', rows.join('\n'))] : []),
      ...(result.deploys_total > rows.length
        ? [`${result.deploys_total - rows.length} more deploys are not shown: give release or a shorter since.`]
        : []),
    ].join('\n');
  },
});

const plain = ({
  release,
  namespace,
  revision,
  status,
  chart,
  app_version,
  deployed_at,
  description,
  suspicion,
  reasons,
}: Correlation['deploys'][number]) => ({
  release,
  namespace,
  revision,
  status,
  chart,
  app_version,
  deployed_at,
  description: description === null ? null : oneLine(description, 200),
  suspicion,
  reasons,
});

function chosenReleases(env: EnvironmentReaders, release: string | undefined): { name: string; namespace: string }[] {
  const { releases } = env.config;
  if (release === undefined) return releases;
  const chosen = releases.filter((r) => r.name === release);
  if (chosen.length > 0) return chosen;
  throw notConfigured(
    `release ${release} is not configured for ${env.name}.`,
    `use one of: ${releases.map((r) => r.name).join(', ') || 'none'}; or add it under environments.${env.name}.releases.`,
  );
}

/** Two releases of one name in two namespaces are told apart; what only shares a name is left out. */
const ofConfigured = (revisions: Revision[], releases: { name: string; namespace: string }[]): Revision[] =>
  revisions.filter((r) => releases.some((c) => c.name === r.release && c.namespace === r.namespace));

async function onsetOf(
  given: string | undefined,
  incidentId: string | undefined,
  environment: string,
  context: ReadContext,
) {
  if (given !== undefined) return { at: given, basis: 'as given' };
  const incident = incidentId
    ? await incidentById(context, incidentId)
    : (await openIncidents(context, environment).catch(() => []))[0];
  if (incident?.impact_started_at)
    return { at: incident.impact_started_at, basis: `start of impact of ${incident.id}` };
  if (incident)
    return { at: incident.detected_at, basis: `detection of ${incident.id}; the start of impact is unknown` };
  return { at: null, basis: 'no onset was given and no incident is open' };
}

/** Releases with an unhealthy service of their own: what a bad deploy of that release would show. */
async function affectedReleases(env: EnvironmentReaders, context: ReadContext) {
  const seen = await observeHealth(env, context);
  if (seen.judged.status === 'unknown') return { releases: null, sources: seen.sources };
  const sick = seen.judged.components.filter((c) => c.status === 'down' || c.status === 'degraded');
  const releases = env.config.releases.filter((release) =>
    sick.some((c) => c.namespace === release.namespace || release.services.includes(c.name)),
  );
  return { releases: releases.map((r) => ({ release: r.name, namespace: r.namespace })), sources: seen.sources };
}

function verdictOf(found: Correlation, since: string): string {
  if (found.deploys.length === 0) return `No deploy within ${since}: a deploy is not to blame`;
  if (!found.suspect) return `None of ${found.deploys.length} deploys within ${since} fits the trouble`;
  const blocked = found.rollback_candidate
    ? ''
    : `, but it cannot be rolled back now: ${found.rollback_candidates[0]?.reason ?? 'no earlier healthy revision'}`;
  return `Suspect: ${found.suspect.release} revision ${found.suspect.revision} (suspicion ${found.suspect.suspicion})${blocked}`;
}
