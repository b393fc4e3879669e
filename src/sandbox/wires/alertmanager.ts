import { stamp } from '../clock.ts';
import type { FiringAlert } from '../platform/alerts.ts';
import { PLACES } from '../platform/observe.ts';
import type { Platform } from '../platform/platform.ts';
import type { Strings } from '../platform/types.ts';
import { ENVIRONMENT } from '../scenarios/types.ts';
import { type Handler, json, type Reply, text } from './http.ts';

interface ApiAlert {
  labels: Strings;
  annotations: Strings;
  startsAt: string;
  endsAt: string;
  updatedAt: string;
  status: { state: 'active' | 'suppressed'; silencedBy: string[]; inhibitedBy: string[] };
  fingerprint: string;
  receivers: { name: string }[];
  generatorURL: string;
}

/** Alertmanager's API v2, as far as it is read. */
export function alertmanagerWire(platform: Platform): Handler {
  const silence = '6f1b0a52-63c6-4c0e-9a55-2f0d3c7e81aa';
  return ({ method, path, query }) => {
    if (method !== 'GET') return text(405, 'method not allowed\n');
    if (path === '/-/healthy' || path === '/-/ready') return text(200, 'OK');
    if (path === '/api/v2/status') {
      return json(200, {
        cluster: { status: 'ready', peers: [] },
        versionInfo: { version: '0.28.1', revision: '', branch: '', buildUser: '', buildDate: '', goVersion: '' },
        config: { original: '' },
        uptime: stamp(platform.clock.startedAt - 86_400_000),
      });
    }
    if (path !== '/api/v2/alerts') return json(404, { code: 404, message: `path ${path} was not found` });
    const wanted = (name: string): boolean => query.get(name) !== 'false';
    let matches: ((labels: Strings) => boolean)[];
    try {
      matches = query.getAll('filter').map(filterTest);
    } catch (error) {
      return json(400, error instanceof Error ? error.message : 'bad filter');
    }
    const now = platform.clock.now();
    const alerts = platform.alerts.firing().map((alert) => active(alert, now));
    if (platform.scenario.name !== 'healthy') alerts.push(silenced(platform.clock.startedAt, now, silence));
    return json(
      200,
      alerts.filter(({ labels, status }) => {
        const shown = status.silencedBy.length > 0 ? wanted('silenced') : wanted('active');
        return shown && matches.every((test) => test(labels));
      }),
    );
  };
}

export function alertmanagerError(status: number): Reply {
  return json(status, { code: status, message: `status ${status}` });
}

/** A `filter` parameter: `name="value"` with =, !=, =~ or !~. */
function filterTest(filter: string): (labels: Strings) => boolean {
  const found = /^\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"?(.*?)"?\s*$/.exec(filter);
  if (found === null) throw new RangeError(`bad matcher format: ${filter}`);
  const [, label = '', operator = '', value = ''] = found;
  const pattern = operator.endsWith('~') ? new RegExp(`^(?:${value})$`) : null;
  return (labels) => {
    const given = labels[label] ?? '';
    return (pattern === null ? given === value : pattern.test(given)) !== operator.startsWith('!');
  };
}

function active(alert: FiringAlert, now: number): ApiAlert {
  const { service } = alert;
  const where: Strings = service === null ? {} : { service, namespace: PLACES[service].namespace };
  return {
    labels: { alertname: alert.name, severity: alert.severity, environment: ENVIRONMENT, ...where, ...alert.labels },
    annotations: { summary: alert.summary, description: alert.description },
    startsAt: stamp(alert.startsAt),
    endsAt: stamp(now + 240_000),
    updatedAt: stamp(now),
    status: { state: 'active', silencedBy: [], inhibitedBy: [] },
    fingerprint: alert.fingerprint,
    receivers: [{ name: 'on-call' }],
    generatorURL: `http://prometheus.example/graph?g0.expr=${encodeURIComponent(alert.name)}`,
  };
}

/** An old, known and silenced one, as every real place has. */
function silenced(startedAt: number, now: number, silence: string): ApiAlert {
  return {
    labels: {
      alertname: 'CertificateExpiresSoon',
      severity: 'warning',
      environment: ENVIRONMENT,
      service: 'web-ui',
      namespace: PLACES['web-ui'].namespace,
    },
    annotations: {
      summary: 'The certificate of web-ui expires in 12 days',
      description: 'Renewal is scheduled; silenced until then.',
    },
    startsAt: stamp(startedAt - 3 * 86_400_000),
    endsAt: stamp(now + 240_000),
    updatedAt: stamp(now),
    status: { state: 'suppressed', silencedBy: [silence], inhibitedBy: [] },
    fingerprint: 'c3a9f06e5d1b7284',
    receivers: [{ name: 'on-call' }],
    generatorURL: 'http://prometheus.example/graph?g0.expr=CertificateExpiresSoon',
  };
}
