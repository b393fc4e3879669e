import { stamp } from '../clock.ts';
import { type FiringAlert, labelsOf } from '../platform/alerts.ts';
import { PLACES } from '../platform/observe.ts';
import type { Platform } from '../platform/platform.ts';
import type { Strings } from '../platform/types.ts';
import { ENVIRONMENT } from '../scenarios/types.ts';
import { type Handler, json, type Reply, text } from './http.ts';
import { fits, type Matcher, parseMatcher, patternOf } from './matchers.ts';

interface ApiAlert {
  labels: Strings;
  annotations: Strings;
  startsAt: string;
  endsAt: string;
  updatedAt: string;
  status: { state: 'active' | 'suppressed'; silencedBy: string[]; inhibitedBy: string[]; mutedBy: string[] };
  fingerprint: string;
  receivers: { name: string }[];
  generatorURL: string;
}

const RECEIVER = { name: 'on-call' };
const API = '/api/v2/';

type Read = (platform: Platform, query: URLSearchParams) => unknown;
const READS: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['alerts', alerts],
  ['alerts/groups', groups],
  ['receivers', () => [RECEIVER]],
  ['silences', silences],
  ['status', status],
]);

/** Alertmanager's API v2, as far as it is read. */
export function alertmanagerWire(platform: Platform): Handler {
  return ({ method, path, query }) => {
    if (path.startsWith(API)) return api(platform, method, path, query);
    if (path === '/-/healthy' || path === '/-/ready') {
      return method === 'GET' || method === 'HEAD' ? text(200, 'OK') : text(405, 'Method Not Allowed\n');
    }
    return text(404, '404 page not found\n');
  };
}

function api(platform: Platform, method: string, path: string, query: URLSearchParams): Reply {
  const read = READS.get(path.slice(API.length).replace(/\/$/, ''));
  if (read === undefined) return json(404, { code: 404, message: `path ${path} was not found` });
  if (method !== 'GET') {
    const message = `method ${method} is not allowed, but [GET] are`;
    return json(405, { code: 405, message }, { allow: 'GET' });
  }
  try {
    return json(200, read(platform, query));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return json(400, error.message);
  }
}

export function alertmanagerError(code: number): Reply {
  return json(code, { code, message: `status ${code}` });
}

function status({ clock }: Platform): unknown {
  return {
    cluster: { status: 'ready', peers: [] },
    versionInfo: { version: '0.28.1', revision: '', branch: '', buildUser: '', buildDate: '', goVersion: '' },
    config: { original: '' },
    uptime: stamp(clock.startedAt - 86_400_000),
  };
}

/** What counts as true there; all else is false, and nothing at all is the default, true. */
const TRUE = new Set(['true', '1', 'yes', 'ok', 'y', 'on', 'selected', 'checked', 't', 'enabled']);

const wanted = (query: URLSearchParams, name: string): boolean => TRUE.has((query.get(name) || 'true').toLowerCase());

const matchersIn = (query: URLSearchParams): Matcher[] => query.getAll('filter').map(parseMatcher);

/** @throws RangeError for a filter or receiver that is none */
function alerts(platform: Platform, query: URLSearchParams): ApiAlert[] {
  const matchers = matchersIn(query);
  if (!receives(query.get('receiver') ?? '')) return [];
  const now = platform.clock.now();
  const all = platform.alerts.firing().map((alert) => active(alert, now));
  if (hasSilence(platform)) all.push(silenced(platform.clock.startedAt, now));
  return all.filter(({ labels, status: { silencedBy } }) => {
    const shown = wanted(query, silencedBy.length > 0 ? 'silenced' : 'active');
    return shown && matchers.every((matcher) => fits(matcher, labels));
  });
}

function receives(pattern: string): boolean {
  if (pattern === '') return true;
  try {
    return patternOf(pattern).test(RECEIVER.name);
  } catch (error) {
    throw new RangeError(`failed to parse receiver param: ${error instanceof Error ? error.message : pattern}`);
  }
}

/** By the alerts' name, which the one route groups by. */
function groups(platform: Platform, query: URLSearchParams): unknown[] {
  const byName = new Map<string, ApiAlert[]>();
  for (const alert of alerts(platform, query)) {
    const { alertname = '' } = alert.labels;
    byName.set(alertname, [...(byName.get(alertname) ?? []), alert]);
  }
  return [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([alertname, members]) => ({ labels: { alertname }, receiver: RECEIVER, alerts: members }));
}

function active(alert: FiringAlert, now: number): ApiAlert {
  return {
    labels: labelsOf(alert),
    annotations: { summary: alert.summary, description: alert.description },
    startsAt: stamp(alert.startsAt),
    endsAt: stamp(now + 240_000),
    updatedAt: stamp(now),
    status: { state: 'active', silencedBy: [], inhibitedBy: [], mutedBy: [] },
    fingerprint: alert.fingerprint,
    receivers: [RECEIVER],
    generatorURL: `http://prometheus.example/graph?g0.expr=${encodeURIComponent(alert.name)}`,
  };
}

const SILENCE = '6f1b0a52-63c6-4c0e-9a55-2f0d3c7e81aa';
const DAY_MS = 86_400_000;

/** An old, known and silenced alert, as every real place has. */
const hasSilence = ({ scenario }: Platform): boolean => scenario.name !== 'healthy';
const SILENCED_LABELS: Strings = {
  alertname: 'CertificateExpiresSoon',
  severity: 'warning',
  environment: ENVIRONMENT,
  service: 'web-ui',
  namespace: PLACES['web-ui'].namespace,
};

function silenced(startedAt: number, now: number): ApiAlert {
  return {
    labels: SILENCED_LABELS,
    annotations: {
      summary: 'The certificate of web-ui expires in 12 days',
      description: 'Renewal is scheduled; silenced until then.',
    },
    startsAt: stamp(startedAt - 3 * DAY_MS),
    endsAt: stamp(now + 240_000),
    updatedAt: stamp(now),
    status: { state: 'suppressed', silencedBy: [SILENCE], inhibitedBy: [], mutedBy: [] },
    fingerprint: 'c3a9f06e5d1b7284',
    receivers: [RECEIVER],
    generatorURL: 'http://prometheus.example/graph?g0.expr=CertificateExpiresSoon',
  };
}

/** The silence of that alert. A filter is held against what the silence's own matchers name. @throws RangeError for a filter that is none */
function silences(platform: Platform, query: URLSearchParams): unknown[] {
  const { alertname = '', service = '' } = SILENCED_LABELS;
  const named = Object.entries({ alertname, service });
  const matchers = matchersIn(query);
  if (!hasSilence(platform) || !matchers.every((matcher) => fits(matcher, Object.fromEntries(named)))) return [];
  const { startedAt } = platform.clock;
  return [
    {
      id: SILENCE,
      status: { state: 'active' },
      matchers: named.map(([name, value]): Matcher => ({ name, value, isRegex: false, isEqual: true })),
      startsAt: stamp(startedAt - 2 * DAY_MS),
      endsAt: stamp(startedAt + 12 * DAY_MS),
      updatedAt: stamp(startedAt - 2 * DAY_MS),
      createdBy: 'web-team',
      comment: 'Renewal is scheduled.',
    },
  ];
}
