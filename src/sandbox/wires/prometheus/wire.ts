import type { Platform } from '../../platform/platform.ts';
import { type Handler, json, type Reply, type Request, text } from '../http.ts';
import { type Expression, QueryError } from './ast.ts';
import { evaluate, type Source, type Value } from './eval.ts';
import { durationSeconds } from './lexer.ts';
import { METRIC_NAMES, samplesOf } from './metrics.ts';
import { parseQuery } from './parser.ts';

const MAX_POINTS = 11_000;

/** Prometheus' HTTP API: instant and range queries, health, build information. */
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
      default:
        return text(404, '404 page not found\n');
    }
  };
}

export function prometheusError(status: number): Reply {
  return json(status, { status: 'error', errorType: 'internal', error: `status ${status}` });
}

function success(data: unknown): Reply {
  return json(200, { status: 'success', data });
}

function guarded(request: Request, answer: (parameters: URLSearchParams) => unknown): Reply {
  if (request.method !== 'GET' && request.method !== 'POST') return text(405, 'Method Not Allowed\n');
  const parameters = new URLSearchParams(request.query);
  if (request.method === 'POST') {
    for (const [key, value] of new URLSearchParams(request.body.toString('utf8'))) parameters.set(key, value);
  }
  try {
    return success(answer(parameters));
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return json(400, { status: 'error', errorType: 'bad_data', error: error.message });
  }
}

function parsed(parameters: URLSearchParams): Expression {
  try {
    return parseQuery(parameters.get('query') ?? '');
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    throw new QueryError(`invalid parameter "query": ${error.message}`);
  }
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
    throw new QueryError(`invalid parameter "${name}": cannot parse ${JSON.stringify(given)} to a valid timestamp`);
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
  const value = evaluate(parsed(parameters), source, simulated(platform, at));
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

function stepOf(parameters: URLSearchParams): number {
  const given = parameters.get('step') ?? '';
  const seconds = Number.isNaN(Number(given)) || given === '' ? durationSeconds(given) : Number(given);
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
  const series = new Map<string, { metric: Record<string, string>; values: [number, string][] }>();
  for (let at = start; at <= end + 1e-9; at += step) {
    const value: Value = evaluate(expression, source, simulated(platform, at));
    if (value.type === 'string') throw new QueryError('invalid expression type "string" for range query');
    const samples = value.type === 'scalar' ? [{ labels: {}, value: value.value }] : value.samples;
    for (const sample of samples) {
      const key = JSON.stringify(sample.labels);
      const entry = series.get(key) ?? { metric: sample.labels, values: [] };
      entry.values.push([at, sampleText(sample.value)]);
      series.set(key, entry);
    }
  }
  return { resultType: 'matrix', result: [...series.values()] };
}
