import { z } from 'zod';
import { type Correlation, correlateDeploys } from '../src/domain/correlate.ts';
import { parseDuration, shortInstant } from '../src/domain/instant.ts';
import { fence, oneLine } from '../src/domain/text.ts';
import { notConfigured } from '../src/errors.ts';
import type { EnvironmentReaders, ReadContext } from '../src/mcp/context.ts';
import { incidentById, openIncidents } from '../src/mcp/incidents.ts';
import { observeHealth } from '../src/mcp/observe.ts';
import { describedDeploys } from '../src/mcp/releases-described.ts';
import * as s from '../src/mcp/schemas.ts';
import { readSource, sourceTrouble } from '../src/mcp/sources.ts';
import { defineTool } from '../src/mcp/tool.ts';

const SHOWN = 20;
const LINES = 12;
const SHOWN_UNSEEN = 20;
const UNSEEN_LINES = 5;

const deploy = z.object({
  release: z.string(),
  namespace: z.string(),
  revision: z.number(),
  status: z.string(),
  chart: z.string().nullable(),
  app_version: z.string().nullable(),
  deployed_at: z.string().nullable(),
  uninstalled_at: z.string().nullable(),
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
    unseen: z
      .array(
        z.object({
          release: z.string(),
          namespace: z.string(),
          cause: z.enum(['configmap', 'none', 'forbidden']),
          reason: z.string(),
          next: z.string(),
        }),
      )
      .describe('Releases whose deploys are unknown.'),
    unseen_total: z.number(),
    suspect: deploy.nullable(),
    rollback_candidate: candidate.nullable(),
    verdict: z.string(),
    sources: s.sources,
  }),
  handle: async (args, context) => {
    const env = context.environment(args.environment);
    const releases = chosenReleases(env, args.release);
    const refs = releases.map(({ name, namespace }) => ({ release: name, namespace }));
    const [onset, overview, affected] = await Promise.all([
      onsetOf(args.onset, args.incident_id, env.name, context),
      readSource('helm', context.config.source_deadline, context.signal, async (options) =>
        refs.length === 0 ? null : (await env.helm()).overview(refs, options),
      ),
      affectedReleases(env, context),
    ]);
    const options = {
      now: context.clock.now(),
      since_ms: parseDuration(args.since, 'since'),
      onset: onset.at ? new Date(onset.at) : null,
      affected: affected.releases,
    };
    const { revisions, report } = await describedDeploys(overview, options, SHOWN, env, context);
    const found = correlateDeploys(revisions, options);
    const unseen = overview.value?.unseen ?? [];
    return {
      environment: env.name,
      onset: onset.at,
      onset_basis: onset.basis,
      deploys: found.deploys.slice(0, SHOWN).map(plain),
      deploys_total: found.deploys.length,
      unseen: unseen.slice(0, SHOWN_UNSEEN),
      unseen_total: unseen.length,
      suspect: found.suspect ? plain(found.suspect) : null,
      rollback_candidate: found.rollback_candidate,
      verdict:
        overview.value === null
          ? `deploys are unknown: ${refs.length === 0 ? `no release is configured for ${env.name}` : (report.error ?? report.status)}`
          : verdictOf(found, args.since, refs.length, unseen.length),
      sources: [report, ...affected.sources],
    };
  },
  render: (result) => {
    const rows = result.deploys
      .slice(0, LINES)
      .map(
        (d) =>
          `${d.namespace}/${d.release} rev ${d.revision} ${d.status} ${whenOf(d)} ${d.chart ?? 'chart unknown'} app ${d.app_version ?? '?'} | suspicion ${d.suspicion}: ${d.reasons.join('; ')}${d.description ? ` | "${oneLine(d.description, 100)}"` : ''}`,
      );
    const { rollback_candidate: rollback } = result;
    return [
      `${result.verdict} (onset ${result.onset ? shortInstant(result.onset) : 'unknown'}, ${result.onset_basis})`,
      ...(rollback
        ? [
            `Rollback candidate: ${rollback.release} in ${rollback.namespace} from ${rollback.from_revision} to ${rollback.to_revision}. ${rollback.reason}`,
          ]
        : ['No rollback candidate.']),
      ...result.unseen
        .slice(0, UNSEEN_LINES)
        .map((u) => `Not seen: ${u.release} in ${u.namespace}: ${u.reason} Next: ${u.next}`),
      ...(result.unseen_total > UNSEEN_LINES
        ? [`${result.unseen_total - UNSEEN_LINES} more releases are not seen: give release.`]
        : []),
      ...sourceTrouble(result.sources),
      ...(rows.length > 0 ? [fence('helm release history', rows.join('\n'))] : []),
      ...(result.deploys_total > rows.length
        ? [`${result.deploys_total - rows.length} more deploys are not shown: give release or a shorter since.`]
        : []),
    ].join('\n');
  },
});

/** `2026-03-01T14:20:00Z`, with the deploy behind it where it was uninstalled since. */
function whenOf(d: { deployed_at: string | null; uninstalled_at: string | null }): string {
  const deployed = d.deployed_at ? shortInstant(d.deployed_at) : 'time unknown';
  return d.uninstalled_at ? `${shortInstant(d.uninstalled_at)} (deployed ${deployed})` : deployed;
}

const plain = ({
  release,
  namespace,
  revision,
  status,
  chart,
  app_version,
  deployed_at,
  uninstalled_at,
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
  uninstalled_at: uninstalled_at ?? null,
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

function verdictOf(found: Correlation, since: string, asked: number, unseen: number): string {
  if (unseen > 0 && unseen === asked) return `deploys are unknown: no history was found of ${releasesOf(asked)}`;
  const unknown = unseen === 0 ? '' : `; deploys of ${releasesOf(unseen)} are unknown`;
  if (found.deploys.length === 0) {
    return unseen === 0
      ? `No deploy within ${since}: a deploy is not to blame`
      : `No deploy within ${since} of ${releasesOf(asked - unseen)}${unknown}`;
  }
  if (!found.suspect) return `None of ${found.deploys.length} deploys within ${since} fits the trouble${unknown}`;
  const { release, namespace, revision, suspicion, status } = found.suspect;
  const namesake = found.deploys.some((d) => d.release === release && d.namespace !== namespace);
  const blocked = found.rollback_candidate
    ? ''
    : `, but it cannot be rolled back now: ${found.rollback_candidates[0]?.reason ?? 'no earlier healthy revision'}`;
  const what = `${release}${namesake ? ` in ${namespace}` : ''} revision ${revision}`;
  return `Suspect: ${what} (${status === 'uninstalled' ? 'uninstalled, ' : ''}suspicion ${suspicion})${blocked}${unknown}`;
}

const releasesOf = (count: number): string => `${count} configured release${count === 1 ? '' : 's'}`;
