import type { IncomingHttpHeaders } from 'node:http';
import { nestsDeeper } from '../../domain/json-depth.ts';
import { type AppError, forbidden, notFound, unavailable } from '../../errors.ts';
import { foreign } from './describe.ts';
import { exchange, type HttpAnswer, type HttpRequest } from './exchange.ts';
import { parseTarget } from './target.ts';

export { exchange, type HttpAnswer, type HttpRequest, MAX_BYTES } from './exchange.ts';
export { type HttpAuth, joinUrl, reveal, type Secret } from './target.ts';

export interface JsonRequest extends HttpRequest {
  /** Statuses besides 2xx whose JSON is returned for the caller to read, such as the 400 of Prometheus. */
  also_accept?: readonly number[] | undefined;
  /** Statuses that say all there is to say: they resolve with `json: null`, whatever their body. */
  without_json?: readonly number[] | undefined;
}

export interface JsonAnswer {
  status: number;
  /** Not checked: parse it with a schema. */
  json: unknown;
  headers: IncomingHttpHeaders;
  latency_ms: number;
}

const isSuccess = (status: number): boolean => status >= 200 && status < 300;

/** The host of a redirect's target; never its path or query, which may carry a session. */
function redirectHost(answer: HttpAnswer, from: URL): string {
  const location = answer.headers.location;
  return location && URL.canParse(location, from.href) ? new URL(location, from.href).host : 'an unreadable address';
}

function refusal(answer: HttpAnswer, url: URL, label: string): AppError {
  const { status } = answer;
  if (status === 401) {
    return forbidden(`${label} did not accept the credentials (401).`, 'check the configured token or password.');
  }
  if (status === 403) {
    return forbidden(
      `${label} does not allow this request (403).`,
      'give the configured account the right to read it.',
    );
  }
  if (status === 404) return notFound(`${label} does not exist (404).`, 'check the configured address and its path.');
  if (status >= 300 && status < 400) {
    return unavailable(
      `${label} redirects to ${redirectHost(answer, url)} (${status}); redirects are not followed.`,
      'configure the final address; a redirect is often a sign-in page.',
    );
  }
  // The words of Go's net/http, as Prometheus and Alertmanager say them.
  if (status === 400 && answer.body.includes('HTTP request to an HTTPS server')) {
    return unavailable(`${label} speaks HTTPS and was asked with HTTP.`, 'write https:// in the configured address.');
  }
  if (status === 429) return unavailable(`${label} answered 429: too many requests.`, 'wait a little and ask again.');
  return unavailable(`${label} answered ${status}.`, 'look at the logs of that source.');
}

/**
 * Asks for JSON. Resolves for 2xx (and `also_accept`) with a JSON body.
 * Errors: `UNAVAILABLE` (refused, reset, half an answer, 3xx, 4xx, 5xx, not JSON, too large), `TIMEOUT`, `FORBIDDEN` (401, 403),
 * `NOT_FOUND` (404), `NOT_CONFIGURED`. Messages name host, port and path; never userinfo, query or credentials.
 */
export async function fetchJson(request: JsonRequest): Promise<JsonAnswer> {
  const { url, label } = parseTarget(request.url, request.secret_path);
  const answer = await exchange(request);
  if (request.without_json?.includes(answer.status)) {
    return { status: answer.status, json: null, headers: answer.headers, latency_ms: answer.latency_ms };
  }
  const readable = isSuccess(answer.status) || (request.also_accept?.includes(answer.status) ?? false);
  if (!readable) throw refusal(answer, url, label);
  try {
    // Not fatal on invalid UTF-8: one damaged alert text must not hide all the others.
    const text = new TextDecoder('utf-8').decode(answer.body);
    if (nestsDeeper(text)) throw new SyntaxError('nested too deep');
    const json: unknown = JSON.parse(text);
    return { status: answer.status, json, headers: answer.headers, latency_ms: answer.latency_ms };
  } catch {
    if (!isSuccess(answer.status)) throw refusal(answer, url, label);
    throw unavailable(
      `${label} did not answer with JSON.`,
      'check that the address is that of the API, not of a page.',
    );
  }
}

export interface PostAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** On one line, cleaned and masked, at most 4,000 characters: to be cut further by the caller, after taking out its own secrets. */
  text: string;
}

/**
 * Posts JSON to a webhook, once and on a connection of its own, and resolves for every status; the caller judges it.
 * The path counts as a secret. Errors: `UNAVAILABLE`, `TIMEOUT`, `NOT_CONFIGURED`.
 */
export async function postJson(
  request: Omit<HttpRequest, 'method' | 'once' | 'overflow' | 'secret_path' | 'body'> & { body: string },
): Promise<PostAnswer> {
  const answer = await exchange({
    ...request,
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8', ...request.headers },
    max_bytes: request.max_bytes ?? 16 * 1024,
    overflow: 'cut',
    once: true,
    secret_path: true,
  });
  const text = foreign(new TextDecoder('utf-8').decode(answer.body), 4_000);
  return { status: answer.status, headers: answer.headers, text };
}
