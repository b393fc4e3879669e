import type { Platform } from '../../platform/platform.ts';
import { type Handler, json, type Reply, type Request, text } from '../http.ts';
import { type ErrorType, type Expression, QueryError, type Selector } from './ast.ts';
import { evaluate, type Source, select, type Value } from './eval.ts';
import { keyOf } from './labels.ts';
import { durationSeconds } from './lexer.ts';
import { METRIC_NAMES, samplesOf } from './metrics.ts';
import { activeAlerts, labelValues, ruleGroups } from './monitoring.ts';
import { parseQuery } from './parser.ts';
import { typeOf } from './types.ts';

const MAX_POINTS = 11_000;
/** Between two samples of a series, in seconds. */
const SCRAPE_SECONDS = 15;

const STATUS: Readonly<Record<ErrorType, number>> = { bad_data: 400, execution: 422, timeout: 503 };

/** Prometheus' HTTP API: instant and range queries, alerts, rules, values of labels, health, build information. */
export function prometheusWire(platform: Platform): Handler {
  const source: Source = {
    names: METRIC_NAMES,
    samples: (metric, at) => samplesOf(platform, metric, at),
  };
  return (request) => {
    switch (request.path) {
      case '/-/healthy':
        return text(200, 'Prometheus Server is Healthy.\n');
      case '/-/ready':
        return text(200, 'Prometheus Server is Ready.\n');
      case '/api/v1/status/buildinfo':
        return success({ version: '3.4.1', revision: '', branch: '', buildUser: '', buildDate: '', goVersion: '' });
      case '/api/v1/query':
        return guarded(request, (parameters) => instant(platform, source, parameters));
      case '/api/v1/query_range':
        return guarded(request, (parameters) => range(platform, source, parameters));
      case '/api/v1/alerts':
        return request.method === 'GET' ? success(activeAlerts(platform)) : notAllowed();
      case '/api/v1/rules':
        return request.method === 'GET' ? guarded(request, (asked) => ruleGroups(platform, asked)) : notAllowed();
      default:
        return labelReply(platform, source, request);
    }
  };
}

const notAllowed = (): Reply => text(405, 'Method Not Allowed\n');

function labelReply(platform: Platform, source: Source, request: Request): Reply {
  const [, label] = /^\/api\/v1\/label\/([^/]+)\/values$/.exec(request.path) ?? [];
  if (label === undefined) return text(404, '404 page not found\n');
  if (request.method !== 'GET') return notAllowed();
  return guarded(request, (asked) => labelValues(label, source, platform.clock.elapsed(), asked));
}

export function prometheusError(status: number): Reply {
  return json(status, { status: 'error', errorType: 'internal', error: `status ${status}` });
}

function success(data: unknown): Reply {
  return json(200, { status: 'success', data });
}

function guarded(request: Request, answer: (parameters: URLSearchParams) => unknown): Reply {
  if (request.method !== 'GET' && request.method !== 'POST') return notAllowed();
  const parameters = new URLSearchParams(request.query);
  if (request.method === 'POST') {
    for (const [key, value] of new URLSearchParams(request.body.toString('utf8'))) parameters.set(key, value);
  }
  try {
    return success(answer(parameters));
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return json(STATUS[error.type], { status: 'error', errorType: error.type, error: error.message });
  }
}

function parsed(parameters: URLSearchParams): Expression {
  checkTimeout(parameters.get('timeout') ?? '');
  try {
    return parseQuery(parameters.get('query') ?? '');
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    throw new QueryError(`invalid parameter "query": ${error.message}`);
  }
}

/** Seconds, or a duration such as `30s`; NaN if it is neither. */
function secondsOf(given: string): number {
  return given === '' || Number.isNaN(Number(given)) ? durationSeconds(given) : Number(given);
}

function checkTimeout(given: string): void {
  if (given === '') return;
  const seconds = secondsOf(given);
  if (Number.isNaN(seconds)) {
    throw new QueryError(`invalid parameter "timeout": cannot parse ${JSON.stringify(given)} to a valid duration`);
  }
  if (seconds <= 0) throw new QueryError('query timed out in query execution', 'timeout');
}

/** An instant given as seconds since the epoch or as RFC 3339, in seconds. */
function instantOf(parameters: URLSearchParams, name: string, fallback?: number): number {
  const given = parameters.get(name);
  if (given === null || given === '') {
    if (fallback !== undefined) return fallback;
    throw new QueryError(`invalid parameter "${name}": cannot parse "" to a valid timestamp`);
  }
  const number = Number(given);
  const seconds = Number.isNaN(number) ? Date.parse(given) / 1000 : number;
  if (!Number.isFinite(seconds)) {
    // What has a default value is named twice there.
    const twice = fallback === undefined ? '' : `Invalid time value for '${name}': `;
    const why = `cannot parse ${JSON.stringify(given)} to a valid timestamp`;
    throw new QueryError(`invalid parameter "${name}": ${twice}${why}`);
  }
  return seconds;
}

/** A number the way Prometheus writes sample values. */
function sampleText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function simulated(platform: Platform, seconds: number): number {
  // What lies ahead is not known yet: the newest state stands for it.
  return Math.min(platform.clock.simAt(seconds * 1000), platform.clock.elapsed());
}

function instant(platform: Platform, source: Source, parameters: URLSearchParams): unknown {
  const at = instantOf(parameters, 'time', Date.now() / 1000);
  const expression = parsed(parameters);
  if (expression.kind === 'selector' && expression.range !== null) {
    return { resultType: 'matrix', result: samplesWithin(platform, source, expression, expression.range, at) };
  }
  const value = evaluate(expression, source, simulated(platform, at));
  if (value.type !== 'vector') {
    const shown = value.type === 'scalar' ? sampleText(value.value) : value.value;
    return { resultType: value.type, result: [at, shown] };
  }
  const result = value.samples.map(({ labels, value: number }) => ({
    metric: labels,
    value: [at, sampleText(number)],
  }));
  return { resultType: 'vector', result };
}

interface Series {
  metric: Record<string, string>;
  values: [number, string][];
}

/** The samples of a range as they were scraped. Real servers count samples, not points, and have room for more. */
function samplesWithin(platform: Platform, source: Source, selector: Selector, range: number, at: number): Series[] {
  if (range / SCRAPE_SECONDS > MAX_POINTS) {
    throw new QueryError('query processing would load too many samples into memory in query execution', 'execution');
  }
  const series = new Map<string, Series>();
  const end = at - selector.offset;
  for (let scrape = Math.ceil((end - range) / SCRAPE_SECONDS); scrape * SCRAPE_SECONDS <= end; scrape++) {
    const second = scrape * SCRAPE_SECONDS;
    for (const sample of select(selector, source, simulated(platform, second))) {
      const key = keyOf(sample.labels);
      const entry = series.get(key) ?? { metric: sample.labels, values: [] };
      entry.values.push([second, sampleText(sample.value)]);
      series.set(key, entry);
    }
  }
  return [...series.values()];
}

function stepOf(parameters: URLSearchParams): number {
  const given = parameters.get('step') ?? '';
  const seconds = secondsOf(given);
  if (Number.isNaN(seconds)) {
    throw new QueryError(`invalid parameter "step": cannot parse ${JSON.stringify(given)} to a valid duration`);
  }
  if (seconds <= 0) {
    throw new QueryError('invalid parameter "step": zero or negative query resolution step widths are not accepted');
  }
  return seconds;
}

function range(platform: Platform, source: Source, parameters: URLSearchParams): unknown {
  const start = instantOf(parameters, 'start');
  const end = instantOf(parameters, 'end');
  if (end < start) throw new QueryError('invalid parameter "end": end timestamp must not be before start time');
  const step = stepOf(parameters);
  if ((end - start) / step > MAX_POINTS) {
    throw new QueryError(
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution',
    );
  }
  const expression = parsed(parameters);
  const type = typeOf(expression);
  if (type === 'string' || type === 'range vector') {
    const why = `invalid expression type ${JSON.stringify(type)} for range query`;
    throw new QueryError(`${why}, must be Scalar or instant Vector`);
  }
  const series = new Map<string, Series>();
  for (let at = start; at <= end + 1e-9; at += step) {
    const value: Value = evaluate(expression, source, simulated(platform, at));
    const samples = value.type === 'vector' ? value.samples : [{ labels: {}, value: Number(value.value) }];
    for (const sample of samples) {
      const key = JSON.stringify(sample.labels);
      const entry = series.get(key) ?? { metric: sample.labels, values: [] };
      entry.values.push([at, sampleText(sample.value)]);
      series.set(key, entry);
    }
  }
  return { resultType: 'matrix', result: [...series.values()] };
}
