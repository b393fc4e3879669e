import { type Handler, json, type Reply, type Request, text } from './http.ts';

/** A message that a sink received. */
export interface Notification {
  at: string;
  sink: 'slack' | 'pagerduty' | 'webhook';
  /** The JSON that was sent, or the text where it was none. */
  body: unknown;
  headers?: Record<string, string>;
}

export interface Sinks {
  notifications: readonly Notification[];
  slackPath: string;
  webhookPath: string;
  slack: Handler;
  pagerduty: Handler;
  webhook: Handler;
}

function bodyIn(request: Request): unknown {
  const sent = request.body.toString('utf8');
  try {
    return JSON.parse(sent);
  } catch {
    return sent;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The places messages are sent to. Paths hold a token, as a leaked one would be the secret of the real ones. */
export function createSinks(now: () => number, token: string): Sinks {
  const notifications: Notification[] = [];
  const slackPath = `/services/T0SANDBOX/B0SANDBOX/${token}`;
  const webhookPath = `/hooks/${token}`;
  const keep = (sink: Notification['sink'], body: unknown, headers?: Record<string, string>): void => {
    const at = new Date(now()).toISOString();
    notifications.push({ at, sink, body, ...(headers === undefined ? {} : { headers }) });
  };
  return {
    notifications,
    slackPath,
    webhookPath,
    slack(request) {
      if (request.path !== slackPath) return text(404, 'no_service');
      if (request.method !== 'POST') return text(405, 'method_not_allowed');
      const body = bodyIn(request);
      if (!isRecord(body)) return text(400, 'invalid_payload');
      if (typeof body.text !== 'string' && !Array.isArray(body.blocks) && !Array.isArray(body.attachments)) {
        return text(400, 'no_text');
      }
      keep('slack', body);
      return text(200, 'ok');
    },
    pagerduty(request) {
      if (request.path !== '/v2/enqueue') return text(404, 'not found');
      if (request.method !== 'POST') return text(405, 'method not allowed');
      const body = bodyIn(request);
      const errors = isRecord(body) ? eventErrors(body) : ['the event is not a JSON object'];
      if (errors.length > 0 || !isRecord(body)) {
        return json(400, { status: 'invalid event', message: 'Event object is invalid', errors });
      }
      keep('pagerduty', body);
      const key = typeof body.dedup_key === 'string' ? body.dedup_key : `sandbox-${notifications.length}`;
      return json(202, { status: 'success', message: 'Event processed', dedup_key: key });
    },
    webhook(request) {
      if (request.path !== webhookPath) return text(404, 'not found');
      if (request.method !== 'POST') return text(405, 'method not allowed');
      const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)] as const);
      keep('webhook', bodyIn(request), Object.fromEntries(headers));
      return text(200, 'ok');
    },
  };
}

/** What PagerDuty's Events API v2 demands of an event. */
function eventErrors(body: Record<string, unknown>): string[] {
  const errors: string[] = [];
  if (typeof body.routing_key !== 'string') errors.push("'routing_key' is missing or blank");
  const action = body.event_action;
  if (action !== 'trigger' && action !== 'acknowledge' && action !== 'resolve') {
    errors.push("'event_action' is missing or invalid (must be one of: 'trigger', 'acknowledge', 'resolve')");
  }
  if (action === 'trigger') {
    const payload = isRecord(body.payload) ? body.payload : {};
    for (const field of ['summary', 'source', 'severity']) {
      if (typeof payload[field] !== 'string') errors.push(`'payload.${field}' is missing or blank`);
    }
  } else if (typeof body.dedup_key !== 'string') errors.push("'dedup_key' is missing or blank");
  return errors;
}

export function sinkError(status: number): Reply {
  return text(status, `status ${status}`);
}
