import http from 'node:http';
import https from 'node:https';
import { createGunzip } from 'node:zlib';
import { type AppError, notConfigured, timedOut, unavailable } from '../../errors.ts';
import { authorization, type HttpAuth, parseTarget, type Target } from './target.ts';

export interface HttpRequest {
  url: string;
  method?: 'GET' | 'POST' | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  body?: string | undefined;
  /** Milliseconds for everything: name, connection, headers and the last byte of the body. */
  deadline_ms: number;
  signal?: AbortSignal | undefined;
  /** Bound of the body after decompression; default 8 MiB. */
  max_bytes?: number | undefined;
  auth?: HttpAuth | undefined;
  /** PEM certificates to trust instead of the system's. */
  ca?: string | undefined;
  /** The URL's path is a secret, as with webhooks: messages name the host alone. */
  secret_path?: boolean | undefined;
  /** What to do with a body over the bound; default `refuse`. */
  overflow?: 'refuse' | 'cut' | undefined;
  /** A new connection that is closed afterwards, and no second try: for requests that must not happen twice. */
  once?: boolean | undefined;
}

export interface HttpAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
  /** Whole milliseconds until the last byte. */
  latency_ms: number;
}

export const MAX_BYTES = 8 * 1024 * 1024;

const PROBLEMS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ECONNRESET: 'closed the connection before the answer was complete',
  EPIPE: 'closed the connection before the answer was complete',
  ENOTFOUND: 'has a host name that is not known',
  EAI_AGAIN: 'has a host name that could not be looked up',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
  ETIMEDOUT: 'cannot be reached',
};

/** Node's codes for certificates (https://nodejs.org/docs/latest-v20.x/api/tls.html#x509-certificate-error-codes). */
const UNTRUSTED = /CERT|SIGN|CRL|^ERR_TLS|^UNABLE_TO_|^INVALID_(?:CA|PURPOSE)$|^PATH_LENGTH|^HOSTNAME_MISMATCH/;
const CERTIFICATES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has to be renewed; check the clock of this machine too.',
  CERT_NOT_YET_VALID: 'check the clock of this machine, and of the one that issued the certificate.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'use an address that stands in the certificate.',
};

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : '';

// The messages of Node are not passed on: they can quote what was sent or received.
function failure(error: unknown, target: Target): AppError {
  const code = codeOf(error);
  if (code === 'ERR_INVALID_CHAR') {
    return notConfigured(
      `The credentials or headers for ${target.label} hold a character that HTTP does not allow.`,
      'check the secret for line breaks or blanks.',
    );
  }
  if (/^ERR_SSL_.*ALERT_.*(?:CERTIFICATE|UNKNOWN_CA)/.test(code)) {
    return unavailable(
      `${target.label} asks for a client certificate (${code}).`,
      'client certificates cannot be configured here: give it a token or a password, or a proxy that has the certificate.',
    );
  }
  // The rest of ERR_SSL_ is OpenSSL's word for what is no TLS, or not the version or ciphers that both sides know.
  if (code.startsWith('ERR_SSL_')) {
    return unavailable(
      `${target.label} does not speak TLS as expected (${code}).`,
      'check whether the address begins with http:// or https://, and its port.',
    );
  }
  if (UNTRUSTED.test(code)) {
    return unavailable(
      `${target.label} has a TLS certificate that is not trusted (${code}).`,
      CERTIFICATES[code] ?? 'name its certificate authority under auth.ca_file, or check the address.',
    );
  }
  if (code.startsWith('HPE_')) {
    return unavailable(`${target.label} did not answer with HTTP (${code}).`, 'check the address and the port.');
  }
  if (code.startsWith('Z_') || code === 'ERR_BUFFER_TOO_LARGE') {
    return unavailable(`${target.label} sent a gzip body that is damaged.`, 'look at what answers at this address.');
  }
  if (code === 'EPROTO') {
    return unavailable(
      `${target.label} does not speak TLS as expected.`,
      'check whether the address begins with http:// or https://, and its port.',
    );
  }
  return unavailable(
    `${target.label} ${PROBLEMS[code] ?? `could not be asked${code ? ` (${code})` : ''}`}.`,
    'check that it runs and can be reached from here.',
  );
}

interface Attempt {
  target: Target;
  request: HttpRequest;
  headers: Record<string, string>;
  signal: AbortSignal;
}

type RawAnswer = Omit<HttpAnswer, 'latency_ms'>;

/** A connection that the other side closed while it lay idle; the request was never read, so it may be sent once more. */
class StaleConnection extends Error {}

/** Pieces of 1 byte cost a thousand times their size. */
const MOST_PIECES = 100_000;

function collect(response: http.IncomingMessage, request: HttpRequest, target: Target): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const max = request.max_bytes ?? MAX_BYTES;
    const encoding = (response.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
    const chunks: Buffer[] = [];
    let size = 0;
    let raw = 0;
    const end = (settle: () => void): void => {
      settle();
      response.destroy();
      if (body !== response) body.destroy();
    };
    const overflow = (): void =>
      end(() => {
        if (request.overflow === 'cut') resolve(Buffer.concat(chunks).subarray(0, max));
        else reject(unavailable(`${target.label} sent more than ${max} bytes.`, 'narrow the query or the filter.'));
      });
    const compressed = encoding === 'gzip' || encoding === 'x-gzip';
    if (!compressed && encoding !== 'identity' && encoding !== '') {
      response.destroy();
      reject(
        unavailable(`${target.label} sent a content encoding that was not asked for.`, 'check what answers there.'),
      );
      return;
    }
    const body = compressed ? response.pipe(createGunzip()) : response;
    if (compressed) {
      // Empty gzip blocks yield nothing, so the compressed side needs the bound as well.
      response.on('data', (chunk: Buffer) => {
        raw += chunk.length;
        if (raw > max) overflow();
      });
      response.on('error', (error) => end(() => reject(failure(error, target))));
    }
    body.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > max) overflow();
      else if (chunks.length > MOST_PIECES)
        end(() =>
          reject(unavailable(`${target.label} sent its answer in too many pieces.`, 'check what answers there.')),
        );
    });
    body.on('end', () => resolve(Buffer.concat(chunks)));
    body.on('error', (error) => end(() => reject(failure(error, target))));
    response.on('close', () => {
      if (!response.complete) reject(failure({ code: 'ECONNRESET' }, target));
    });
  });
}

function attempt({ target, request, headers, signal }: Attempt): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const secure = target.url.protocol === 'https:';
    const options: https.RequestOptions = {
      method: request.method ?? 'GET',
      headers,
      signal,
      // Node's own agents keep connections alive; a fresh one per request closes its connection.
      ...(request.once ? { agent: false } : {}),
      ...(secure && request.ca !== undefined ? { ca: request.ca } : {}),
    };
    const outgoing = (secure ? https : http).request(target.url, options, (response) => {
      collect(response, request, target).then(
        (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        reject,
      );
    });
    outgoing.on('error', (error) => {
      const stale = outgoing.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(codeOf(error));
      reject(stale ? new StaleConnection() : failure(error, target));
    });
    outgoing.end(request.body);
  });
}

/**
 * One HTTP request and its whole answer, whatever its status; redirects are answers and are not followed.
 * Errors: `UNAVAILABLE` (no or half an answer, body too large), `TIMEOUT`, `NOT_CONFIGURED` (unusable address or credentials).
 */
export async function exchange(request: HttpRequest): Promise<HttpAnswer> {
  const started = performance.now();
  const target = parseTarget(request.url, request.secret_path);
  const abort = new AbortController();
  let stop: (error: AppError) => void = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = (error) => {
      reject(error);
      abort.abort();
    };
  });
  const late = (): void =>
    stop(timedOut(`${target.label} did not answer within ${request.deadline_ms} ms.`, 'try again, or check its load.'));
  const cancelled = (): void => {
    if ((request.signal?.reason as { name?: unknown } | undefined)?.name === 'TimeoutError') late();
    else stop(unavailable(`The request to ${target.label} was cancelled.`, 'ask again if it is still needed.'));
  };
  const timer = setTimeout(late, request.deadline_ms);
  request.signal?.addEventListener('abort', cancelled, { once: true });
  const work = async (): Promise<RawAnswer> => {
    const secret = await authorization(request.auth, target);
    const headers: Record<string, string> = {
      accept: 'application/json',
      'accept-encoding': 'gzip',
      'user-agent': 'incident-mcp',
      ...request.headers,
      ...(secret === null ? {} : { authorization: secret }),
      ...(request.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(request.body)) }),
    };
    const first: Attempt = { target, request, headers, signal: abort.signal };
    try {
      return await attempt(first);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      return await attempt({ ...first, request: { ...request, once: true } });
    }
  };
  try {
    if (request.signal?.aborted) cancelled();
    const answer = await Promise.race([stopped, work()]);
    return { ...answer, latency_ms: Math.round(performance.now() - started) };
  } catch (error) {
    throw error instanceof Error && error.name === 'AppError' ? error : failure(error, target);
  } finally {
    clearTimeout(timer);
    request.signal?.removeEventListener('abort', cancelled);
  }
}
