import type { Platform } from '../platform/platform.ts';
import { type Handler, json, type Reply } from './http.ts';

/** The services that have a health endpoint. */
export const HEALTH_SERVICES = [
  'control-plane',
  'ingest-gateway',
  'analysis-engine',
  'agent-gateway',
  'web-ui',
] as const;

const WHY = {
  degraded: 'not all instances serve',
  down: 'no instance serves',
  off: 'scaled to zero',
} as const;

/** One path a service: 200 while it serves, else 503 with the reason. */
export function healthWire(platform: Platform): Handler {
  return ({ path }) => {
    const service = HEALTH_SERVICES.find((name) => path === `/${name}`);
    if (service === undefined) return json(404, { status: 'error', error: 'no such service' });
    const { condition, ready, desired, fault } = platform.timeline.current().services[service];
    // Killed and restarted containers leave a gap that the remaining ones cover: the endpoint answers.
    const serves = condition === 'ok' || (condition === 'degraded' && ready >= Math.ceil((desired * 2) / 3));
    const dropping = fault === 'drops-agents';
    if (serves && !dropping) return json(200, { status: 'ok', service });
    const error = dropping || condition === 'ok' ? 'agent sessions are being dropped' : WHY[condition];
    return json(503, { status: 'error', service, error, ready, desired });
  };
}

export function healthError(status: number): Reply {
  return json(status, { status: 'error', error: `status ${status}` });
}
