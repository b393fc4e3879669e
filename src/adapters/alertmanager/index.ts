import { isInstant, toInstant } from '../../domain/instant.ts';
import type { Alert } from '../../domain/observe.ts';
import type { AlertsPort } from '../../ports/signals.ts';
import { foreign, unexpectedShape } from '../http/describe.ts';
import { fetchJson, type HttpAuth, joinUrl } from '../http/index.ts';
import { alertsSchema, type ForeignAlert } from './schema.ts';

export interface AlertmanagerSettings {
  /** Base address: of an Alertmanager, or Grafana's own (`https://grafana/api/alertmanager/grafana`). */
  url: string;
  /** Matchers such as `environment="prod"`; an alert must meet all. */
  filter?: readonly string[] | undefined;
  auth?: HttpAuth | undefined;
  ca?: string | undefined;
}

/** Labels that name what is hurt, the most telling first. */
const COMPONENT_LABELS = ['service', 'component', 'deployment', 'statefulset', 'job'] as const;

const RANK: Readonly<Record<string, number>> = {
  critical: 0,
  page: 0,
  emergency: 0,
  error: 1,
  high: 1,
  major: 1,
  warning: 2,
  medium: 2,
  minor: 2,
  info: 3,
  low: 3,
  none: 4,
};
const UNRANKED = 3;

const rank = (alert: Alert): number => RANK[alert.severity.toLowerCase()] ?? UNRANKED;

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
  const component = COMPONENT_LABELS.map((label) => labels[label]).find((value) => value);
  const summary = annotations.summary || annotations.description || annotations.message || '';
  return {
    name: foreign(labels.alertname || 'unnamed', 200),
    severity: foreign(labels.severity || 'unknown', 40),
    component: component ? foreign(component, 200) : null,
    started_at: startOf(startsAt),
    summary: foreign(summary, 500),
    state: stateOf(status),
  };
}

/** Critical first, then the oldest; an unknown start comes last. */
function compare(a: Alert, b: Alert): number {
  const start = (alert: Alert): string => alert.started_at ?? '~';
  return rank(a) - rank(b) || order(start(a), start(b)) || order(a.name, b.name);
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Alerts by the Alertmanager API v2, silenced and inhibited ones included and marked. */
export function createAlertmanager(settings: AlertmanagerSettings): AlertsPort {
  return {
    name: 'alertmanager',
    async list(options) {
      const query = new URLSearchParams({ active: 'true', silenced: 'true', inhibited: 'true' });
      for (const matcher of settings.filter ?? []) query.append('filter', matcher);
      const { json } = await fetchJson({
        url: joinUrl(settings.url, '/api/v2/alerts', query),
        deadline_ms: options.deadline_ms,
        signal: options.signal,
        auth: settings.auth,
        ca: settings.ca,
      });
      const parsed = alertsSchema.safeParse(json);
      if (!parsed.success) throw unexpectedShape('Alertmanager', parsed.error);
      return parsed.data.map(toAlert).sort(compare);
    },
  };
}
