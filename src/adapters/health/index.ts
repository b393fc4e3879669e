import type { HealthProbe } from '../../domain/observe.ts';
import { AppError } from '../../errors.ts';
import type { ReadOptions } from '../../ports/kubernetes.ts';
import type { HealthPort } from '../../ports/signals.ts';
import { foreign } from '../http/describe.ts';
import { exchange, type HttpAuth } from '../http/index.ts';
import { healthBodySchema } from './schema.ts';

export interface HealthEndpoint {
  name: string;
  url: string;
  /** The service it speaks for. */
  service?: string | undefined;
  /** Default 200. */
  expect_status?: number | undefined;
  auth?: HttpAuth | undefined;
  ca?: string | undefined;
}

const MAX_BODY = 64 * 1024;

/** The endpoint's own words: `error`, `message` or `status` of a JSON body. */
function ownWords(body: Buffer): string | null {
  try {
    const parsed = healthBodySchema.safeParse(JSON.parse(body.toString('utf8')));
    const words = parsed.success ? parsed.data.error || parsed.data.message || parsed.data.status : undefined;
    return words ? foreign(words, 200) : null;
  } catch {
    return null;
  }
}

async function probe(endpoint: HealthEndpoint, options: ReadOptions): Promise<HealthProbe> {
  const started = performance.now();
  const known = { name: endpoint.name, service: endpoint.service ?? null };
  try {
    const answer = await exchange({
      url: endpoint.url,
      deadline_ms: options.deadline_ms,
      signal: options.signal,
      auth: endpoint.auth,
      ca: endpoint.ca,
      max_bytes: MAX_BODY,
      overflow: 'cut',
    });
    const ok = answer.status === (endpoint.expect_status ?? 200);
    const words = ok ? null : ownWords(answer.body);
    return {
      ...known,
      ok,
      http_status: answer.status,
      reason: ok ? null : `HTTP ${answer.status}${words ? `: ${words}` : ''}`,
      latency_ms: answer.latency_ms,
    };
  } catch (error) {
    return {
      ...known,
      ok: false,
      http_status: null,
      reason: error instanceof AppError ? foreign(error.message) : 'the probe failed',
      latency_ms: Math.round(performance.now() - started),
    };
  }
}

/** Probes all endpoints at once, each with the whole deadline; the order of the answers is that of the configuration. */
export function createHealth(endpoints: readonly HealthEndpoint[]): HealthPort {
  return { probe: (options) => Promise.all(endpoints.map((endpoint) => probe(endpoint, options))) };
}
