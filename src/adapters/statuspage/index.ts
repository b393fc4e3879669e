import { isInstant, toInstant } from '../../domain/instant.ts';
import type { LlmStatusPort, ProviderStatus } from '../../ports/signals.ts';
import { foreign, unexpectedShape } from '../http/describe.ts';
import { fetchJson, joinUrl } from '../http/index.ts';
import { type Summary, summarySchema } from './schema.ts';

export interface StatuspageSettings {
  /** Name of the provider, for people. */
  provider: string;
  /** The page's `summary.json`, or the page itself. */
  status_url: string;
  ca?: string | undefined;
}

const INDICATORS: Readonly<Record<string, ProviderStatus['indicator']>> = {
  none: 'none',
  minor: 'minor',
  major: 'major',
  critical: 'critical',
  // Planned work: the service may fail meanwhile.
  maintenance: 'minor',
};

const OVER = ['resolved', 'postmortem', 'completed'];

type Outage = { name: string; start: string | null };

/** Unresolved incidents that hurt, the oldest first; those marked as without impact count only when there is no other. */
function outages(incidents: Summary['incidents']): Outage[] {
  const open = (incidents ?? []).filter(({ status }) => !OVER.includes(status));
  const hurting = open.filter(({ impact }) => impact !== 'none');
  return (hurting.length > 0 ? hurting : open)
    .map(({ name, started_at, created_at }) => {
      const start = [started_at, created_at].find((text) => text && isInstant(text));
      return { name, start: start ? toInstant(new Date(start)) : null };
    })
    .sort((a, b) => ((a.start ?? '~') < (b.start ?? '~') ? -1 : 1));
}

/**
 * The status that an LLM provider tells of itself. An indicator of `none` has no outage, whatever old notices still stand.
 * Errors: `UNAVAILABLE` (also for an answer that is no summary), `TIMEOUT`, `FORBIDDEN`, `NOT_FOUND`.
 */
export function createStatuspage(settings: StatuspageSettings): LlmStatusPort {
  const isFile = /\.json$/.test(settings.status_url.replace(/[?#].*$/, ''));
  return {
    async read(options) {
      const { json } = await fetchJson({
        url: isFile ? settings.status_url : joinUrl(settings.status_url, '/api/v2/summary.json'),
        deadline_ms: options.deadline_ms,
        signal: options.signal,
        ca: settings.ca,
      });
      const parsed = summarySchema.safeParse(json);
      if (!parsed.success) throw unexpectedShape(`The status page of ${settings.provider}`, parsed.error);
      const { status, incidents } = parsed.data;
      const indicator = Object.hasOwn(INDICATORS, status.indicator) ? INDICATORS[status.indicator] : undefined;
      const oldest = indicator === 'none' ? undefined : outages(incidents)[0];
      return {
        provider: settings.provider,
        indicator: indicator ?? 'unknown',
        description: foreign(oldest?.name ? `${status.description}: ${oldest.name}` : status.description),
        outage_started_at: oldest?.start ?? null,
      };
    },
  };
}
