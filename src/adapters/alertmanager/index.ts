import { severityRank } from '../../domain/health-severity.ts';
import { isInstant, toInstant } from '../../domain/instant.ts';
import type { Alert } from '../../domain/observe.ts';
import { AppError, forbidden, notFound, unavailable } from '../../errors.ts';
import type { AlertsPort } from '../../ports/signals.ts';
import { foreign, unexpectedShape } from '../http/describe.ts';
import { fetchJson, type HttpAuth, joinUrl } from '../http/index.ts';
import { alertsSchema, type ForeignAlert, refusalSchema } from './schema.ts';
import { subjectOf } from './subject.ts';

export interface AlertmanagerSettings {
  /**
   * Base address, to which `/api/v2/alerts` is added:
   * - an Alertmanager's: `http://alertmanager:9093`, with its path prefix if it has one
   * - Grafana's own: `https://grafana/api/alertmanager/grafana`
   * - an Alertmanager that Grafana has as data source: `https://grafana/api/alertmanager/<uid>`
   *
   * The address of the API itself (`.../api/v2`, `.../api/v2/alerts`) is understood too. Nothing is guessed beyond that: to try other paths
   * would send the credentials where nobody meant them to go.
   */
  url: string;
  /** Matchers such as `environment="prod"`; an alert must meet all. */
  filter?: readonly string[] | undefined;
  auth?: HttpAuth | undefined;
  ca?: string | undefined;
}

/** Grafana names these in the place of the rule whose query failed or gave nothing; the rule's name is then in `rulename`. */
const BLIND = new Set(['DatasourceNoData', 'DatasourceError']);
const SEVERITY_LABELS = ['severity', 'priority', 'level'] as const;

function stateOf({ state, silencedBy, inhibitedBy, mutedBy }: ForeignAlert['status']): Alert['state'] {
  if (silencedBy.length > 0 || mutedBy.length > 0) return 'silenced';
  if (inhibitedBy.length > 0) return 'inhibited';
  return state === 'suppressed' ? 'silenced' : 'active';
}

function startOf(text: string | null): string | null {
  if (text === null || !isInstant(text)) return null;
  const start = new Date(text);
  // Go's zero time stands for "not set".
  return start.getUTCFullYear() < 1971 ? null : toInstant(start);
}

function toAlert({ labels, annotations, startsAt, status }: ForeignAlert): Alert {
  const { component, namespace } = subjectOf(labels);
  const name = labels.alertname || 'unnamed';
  const blind = BLIND.has(name);
  const summary = annotations.summary || annotations.description || annotations.message || '';
  return {
    name: foreign(blind && labels.rulename ? `${name} (${labels.rulename})` : name, 200),
    severity: foreign(SEVERITY_LABELS.map((label) => labels[label]).find(Boolean) ?? 'unknown', 40),
    component: component ? foreign(component, 200) : null,
    namespace: namespace ? foreign(namespace, 80) : null,
    started_at: startOf(startsAt),
    summary: foreign(summary, 500),
    state: stateOf(status),
    ...(blind ? { blind } : {}),
  };
}

/** Critical first, then the oldest; an unknown start comes last. */
function compare(a: Alert, b: Alert): number {
  const start = (alert: Alert): string => alert.started_at ?? '~';
  return severityRank(a.severity) - severityRank(b.severity) || order(start(a), start(b)) || order(a.name, b.name);
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A base address as people copy it: with the path of the API behind it. */
const baseOf = (url: string): string => url.replace(/[?#].*$/, '').replace(/\/api\/v2(?:\/alerts)?\/*$/, '');

/** Says what mends it here, which the general words cannot know. */
function explained(error: unknown, url: string): unknown {
  if (!(error instanceof AppError)) return error;
  const grafana = /\/api\/alertmanager\/([^/]+)/.exec(url)?.[1];
  if (error.code === 'NOT_FOUND') {
    return notFound(
      error.message,
      grafana
        ? 'check the uid of the data source behind /api/alertmanager/, or use /api/alertmanager/grafana.'
        : 'give the base address with its path prefix; for Grafana it ends in /api/alertmanager/grafana or /api/alertmanager/<data source uid>.',
    );
  }
  if (error.code === 'FORBIDDEN' && grafana) {
    const right = grafana === 'grafana' ? 'alert.instances:read' : 'alert.instances.external:read';
    return forbidden(
      error.message,
      `give the service account of signals.alertmanager.auth the role Viewer or the permission ${right}.`,
    );
  }
  return error;
}

/** Alerts by the Alertmanager API v2, silenced and inhibited ones included and marked. */
export function createAlertmanager(settings: AlertmanagerSettings): AlertsPort {
  return {
    name: 'alertmanager',
    async list(options) {
      const query = new URLSearchParams({ active: 'true', silenced: 'true', inhibited: 'true' });
      for (const matcher of settings.filter ?? []) query.append('filter', matcher);
      const { status, json } = await fetchJson({
        url: joinUrl(baseOf(settings.url), '/api/v2/alerts', query),
        deadline_ms: options.deadline_ms,
        signal: options.signal,
        auth: settings.auth,
        ca: settings.ca,
        also_accept: [400],
      }).catch((error: unknown) => {
        throw explained(error, settings.url);
      });
      if (status === 400) {
        const words = refusalSchema.safeParse(json);
        throw unavailable(
          `Alertmanager refused the request${words.success ? `: ${foreign(words.data)}` : ' (400)'}.`,
          'check signals.alertmanager.filter.',
        );
      }
      const parsed = alertsSchema.safeParse(json);
      if (!parsed.success) throw unexpectedShape('Alertmanager', parsed.error);
      return parsed.data.map(toAlert).sort(compare);
    },
  };
}
