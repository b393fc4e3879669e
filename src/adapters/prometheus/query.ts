import type { z } from 'zod';
import { unavailable } from '../../errors.ts';
import type { ReadOptions } from '../../ports/kubernetes.ts';
import { foreign, unexpectedShape } from '../http/describe.ts';
import { fetchJson, type HttpAuth, joinUrl } from '../http/index.ts';
import { errorSchema, successSchema } from './schema.ts';

export interface PrometheusServer {
  /** Base address; a path prefix (`https://host/prometheus`) is kept. */
  url: string;
  /** Replaces `$environment` in queries. */
  environment: string;
  auth?: HttpAuth | undefined;
  ca?: string | undefined;
}

export interface Sample {
  labels: Readonly<Record<string, string>>;
  /** Finite. */
  value: number;
}

/**
 * Runs one instant query, now or at `at`; `name` is its key in the configuration, for errors. NaN and infinities are left out: a series without a figure is absent, not 0.
 * Errors: `UNAVAILABLE` (also for a query that Prometheus refuses, with its own words), `TIMEOUT`, `FORBIDDEN`, `NOT_FOUND`.
 */
export type InstantQuery = (query: string, options: ReadOptions, at?: Date, name?: string) => Promise<Sample[]>;

// `status: error` comes with these: bad data, execution failed, timed out or aborted.
const ERROR_STATUSES = [400, 422, 503] as const;
const GET_ONLY: readonly number[] = [405, 501];

const hexEscape = (character: string): string => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;

/**
 * Fills `$environment` (or `${environment}`) into a query. The name is written as part of a PromQL string: what could end the
 * string is escaped as `\x..`, which both quoted forms of PromQL read alike.
 */
export function fillQuery(query: string, environment: string): string {
  const part = environment.replace(/[\p{Cc}\\"'`]/gu, hexEscape);
  return query.replace(/\$environment\b|\$\{environment\}/g, () => part);
}

const FIGURE = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** A finite figure, or null for NaN, ±Inf and everything else. */
function figure(text: string): number | null {
  const value = FIGURE.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : null;
}

/**
 * Sends the form by POST, which no length limits; where a proxy lets only GET pass (405, 501), by GET in what is left of the deadline, as
 * the client libraries of Prometheus do.
 */
async function send(server: PrometheusServer, form: URLSearchParams, options: ReadOptions): Promise<unknown> {
  const began = performance.now();
  const common = { signal: options.signal, auth: server.auth, ca: server.ca, also_accept: ERROR_STATUSES };
  const posted = await fetchJson({
    ...common,
    url: joinUrl(server.url, '/api/v1/query'),
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
    deadline_ms: options.deadline_ms,
    without_json: GET_ONLY,
    // A query changes nothing, so it may be sent again on a new connection.
  });
  if (!GET_ONLY.includes(posted.status)) return posted.json;
  const left = Math.max(1, options.deadline_ms - Math.ceil(performance.now() - began));
  return (await fetchJson({ ...common, url: joinUrl(server.url, '/api/v1/query', form), deadline_ms: left })).json;
}

export function createInstantQuery(server: PrometheusServer): InstantQuery {
  return async (query, options, at, name) => {
    const form = new URLSearchParams({
      query: fillQuery(query, server.environment),
      // The server gives up as well, and does not work on for nobody.
      timeout: `${Math.max(1, Math.floor(options.deadline_ms))}ms`,
      ...(at ? { time: (at.getTime() / 1000).toFixed(3) } : {}),
    });
    const json = await send(server, form, options);
    const which = name === undefined ? 'the query' : `the query ${name}`;
    const refused = errorSchema.safeParse(json);
    if (refused.success) {
      throw unavailable(
        `Prometheus refused ${which}: ${foreign(refused.data.errorType, 40)}: ${foreign(refused.data.error)}.`,
        'check the configured query.',
      );
    }
    const parsed = successSchema.safeParse(json);
    if (!parsed.success) throw unexpectedShape('Prometheus', parsed.error);
    return samplesOf(parsed.data.data, which);
  };
}

function samplesOf(data: z.infer<typeof successSchema>['data'], which: string): Sample[] {
  if (data.resultType === 'matrix' || data.resultType === 'string') {
    throw unavailable(
      `Prometheus answered ${which} with a ${data.resultType === 'matrix' ? 'range vector' : 'string'}, not with figures of one instant.`,
      'check the configured query: wrap a range such as x[5m] in rate() or max_over_time().',
    );
  }
  const series = data.resultType === 'scalar' ? [{ metric: {}, value: data.result }] : data.result;
  return series.flatMap(({ metric, value }) => {
    const number = value ? figure(value[1]) : null;
    return number === null ? [] : [{ labels: metric, value: number }];
  });
}
