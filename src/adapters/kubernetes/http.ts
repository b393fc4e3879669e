import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createGunzip } from 'node:zlib';
import { type AppError, unavailable } from '../../errors.ts';
import type { Credentials } from './access.ts';
import type { Limit } from './limit.ts';

export interface HttpRequest {
  method: 'GET' | 'PATCH' | 'POST';
  url: URL;
  accept: string;
  body?: { type: string; text: string };
}

export interface HttpAnswer {
  status: number;
  body: Buffer;
  /** The header `Date`; null where there is none. */
  date: string | null;
}

/** Bytes of one answer, packed and unpacked. */
const MAX_BODY = 64 * 1024 * 1024;

/** One request with one deadline over connect, headers and body. Throws `TIMEOUT` or `UNAVAILABLE`; any status resolves. */
export async function send(spec: HttpRequest, credentials: Credentials, limit: Limit): Promise<HttpAnswer> {
  try {
    return await attempt(spec, credentials, limit);
  } catch (error) {
    // The server closed an idle connection at the moment it was used again; nothing of the request was read.
    if (error instanceof StaleConnection && spec.method === 'GET') return attempt(spec, credentials, limit);
    throw error instanceof StaleConnection ? error.problem : error;
  }
}

class StaleConnection extends Error {
  readonly problem: AppError;
  constructor(problem: AppError) {
    super(problem.message);
    this.problem = problem;
  }
}

function attempt(spec: HttpRequest, credentials: Credentials, limit: Limit): Promise<HttpAnswer> {
  const left = limit.remaining();
  return new Promise((resolve, reject) => {
    const headers: Record<string, string> = {
      ...credentials.headers,
      accept: spec.accept,
      'accept-encoding': 'gzip',
      'user-agent': 'incident-mcp',
    };
    if (spec.body) {
      headers['content-type'] = spec.body.type;
      headers['content-length'] = String(Buffer.byteLength(spec.body.text));
    }
    const open = spec.url.protocol === 'https:' ? httpsRequest : httpRequest;
    let request: ClientRequest | undefined;
    let settled = false;
    const settle = (act: () => void): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      limit.signal?.removeEventListener('abort', onEnd);
      act();
    };
    const fail = (error: Error): void => {
      settle(() => reject(error));
      request?.destroy();
    };
    const onEnd = (): void => fail(limit.error());
    const timer = setTimeout(onEnd, left);
    limit.signal?.addEventListener('abort', onEnd, { once: true });
    try {
      request = open(spec.url, { method: spec.method, agent: credentials.agent, headers });
    } catch {
      fail(
        unavailable(
          'the request to the Kubernetes API server could not be made.',
          'check the credentials of the kubeconfig.',
        ),
      );
      return;
    }
    request.on('error', (error: NodeJS.ErrnoException) => {
      const problem = connectionError(spec.url, error);
      fail(request?.reusedSocket && error.code === 'ECONNRESET' ? new StaleConnection(problem) : problem);
    });
    request.on('response', (response) => {
      readBody(response, spec.url).then(
        (body) =>
          settle(() => resolve({ status: response.statusCode ?? 0, body, date: response.headers.date ?? null })),
        (error: Error) => fail(error),
      );
    });
    request.end(spec.body?.text);
  });
}

function readBody(response: IncomingMessage, url: URL): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const half = (): AppError =>
      unavailable(`the Kubernetes API server ${url.host} broke off in the middle of its answer.`, 'try again.');
    const parts: Buffer[] = [];
    let size = 0;
    response.on('error', () => reject(half()));
    response.on('close', () => {
      if (!response.complete) reject(half());
    });
    const gzip = response.headers['content-encoding'] === 'gzip';
    const stream = gzip ? response.pipe(createGunzip()) : response;
    if (gzip) {
      stream.on('error', () =>
        reject(unavailable(`the Kubernetes API server ${url.host} sent an answer that does not unpack.`, 'try again.')),
      );
    }
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY) {
        response.destroy();
        reject(
          unavailable(
            `the Kubernetes API server ${url.host} sent more than 64 MiB in one answer.`,
            'ask for fewer namespaces.',
          ),
        );
        return;
      }
      parts.push(chunk);
    });
    stream.on('end', () => {
      if (response.complete) resolve(Buffer.concat(parts));
      else reject(half());
    });
  });
}

const CERTIFICATE = /^(CERT_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|ERR_TLS|ERR_SSL|EPROTO|HOSTNAME_MISMATCH|INVALID_CA)/;

/** Only the code of the cause is told: messages of TLS and of proxies can hold more than is good. */
function connectionError(url: URL, error: NodeJS.ErrnoException): AppError {
  const code = error.code ?? 'no code';
  const server = `the Kubernetes API server ${url.host}`;
  const next = 'check that the cluster is up and reachable (VPN, firewall, kubeconfig).';
  if (code === 'ECONNREFUSED') return unavailable(`${server} refused the connection.`, next);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return unavailable(`the host name of ${server} was not found (${code}).`, next);
  if (CERTIFICATE.test(code)) {
    return unavailable(
      `the TLS connection to ${server} failed (${code}).`,
      'check the certificate authority in the kubeconfig.',
    );
  }
  return unavailable(`the connection to ${server} failed (${code}).`, next);
}
