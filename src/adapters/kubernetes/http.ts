import { type ClientRequest, type Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createGunzip } from 'node:zlib';
import { type AppError, notConfigured, unavailable } from '../../errors.ts';
import type { Limit } from './limit.ts';
import { ProxyError } from './tunnel.ts';

/** As whom a request goes, and over which connections. */
export interface Sender {
  headers: Readonly<Record<string, string | string[]>>;
  agent: HttpAgent;
}

export interface HttpRequest {
  method: 'GET' | 'PATCH' | 'POST';
  url: URL;
  accept: string;
  /** The context in words, for errors that its kubeconfig must mend. */
  whose: string;
  body?: { type: string; text: string };
}

export interface HttpAnswer {
  status: number;
  /** Text as it came: as bytes, pieces of large lists would lie about unseen by the garbage collector until the next full collection. */
  text: string;
  /** The header `Date`; null where there is none. */
  date: string | null;
}

/** Characters of one answer, unpacked. */
const MAX_BODY = 32 * 1024 * 1024;
/** Pieces of 1 byte cost a thousand times their size. */
const MOST_PIECES = 100_000;

/** One request with one deadline over connect, headers and body. Throws `TIMEOUT` or `UNAVAILABLE`; any status resolves. */
export async function send(spec: HttpRequest, sender: Sender, limit: Limit): Promise<HttpAnswer> {
  try {
    return await attempt(spec, sender, limit).catch((error: unknown) => {
      // The server closed an idle connection at the moment it was used again; nothing of the request was read.
      if (error instanceof StaleConnection && spec.method === 'GET') return attempt(spec, sender, limit);
      throw error;
    });
  } catch (error) {
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

function attempt(spec: HttpRequest, sender: Sender, limit: Limit): Promise<HttpAnswer> {
  const left = limit.remaining();
  return new Promise((resolve, reject) => {
    const headers: Record<string, string | string[]> = {
      ...sender.headers,
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
      // The deadline also ends a proxy that never lets through: the agent would wait for it for ever.
      request = open(spec.url, { method: spec.method, agent: sender.agent, headers, timeout: Math.ceil(left) });
    } catch {
      fail(
        notConfigured(
          `the request to the Kubernetes API server ${spec.url.host} could not be made with the credentials of ${spec.whose}.`,
          'check the certificate, key and token of the kubeconfig.',
        ),
      );
      return;
    }
    request.on('error', (error: NodeJS.ErrnoException) => {
      const problem = connectionError(spec, error);
      fail(request?.reusedSocket && error.code === 'ECONNRESET' ? new StaleConnection(problem) : problem);
    });
    request.on('response', (response) => {
      readBody(response, spec.url).then(
        (text) =>
          settle(() => resolve({ status: response.statusCode ?? 0, text, date: response.headers.date ?? null })),
        (error: Error) => fail(error),
      );
    });
    request.end(spec.body?.text);
  });
}

function readBody(response: IncomingMessage, url: URL): Promise<string> {
  return new Promise((resolve, reject) => {
    const half = (): AppError =>
      unavailable(`the Kubernetes API server ${url.host} broke off in the middle of its answer.`, 'try again.');
    const parts: string[] = [];
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
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      size += chunk.length;
      if (size > MAX_BODY || parts.length >= MOST_PIECES) {
        response.destroy();
        reject(
          unavailable(
            `the Kubernetes API server ${url.host} sent more than 32 MiB, or ${MOST_PIECES} pieces, in one answer.`,
            'ask for fewer namespaces.',
          ),
        );
        return;
      }
      parts.push(chunk);
    });
    stream.on('end', () => {
      if (response.complete) resolve(parts.join(''));
      else reject(half());
    });
  });
}

const TLS =
  /^(CERT_|CRL_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|ERR_TLS|ERR_SSL|ERR_OSSL|EPROTO|HOSTNAME_MISMATCH|INVALID_CA)/;
const UNKNOWN_AUTHORITY = /^(UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED|INVALID_CA)/;
const NO_TLS = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNKNOWN_PROTOCOL|^EPROTO$/;

/** What is wrong with TLS by Node's code, and what to mend. */
function tlsProblem(code: string): [why: string, next: string] {
  if (UNKNOWN_AUTHORITY.test(code))
    return [
      'its certificate is not signed by the certificate authority of the kubeconfig',
      'fetch the kubeconfig of this cluster anew; a rebuilt cluster has another authority.',
    ];
  if (code === 'CERT_HAS_EXPIRED') return ['its certificate has expired', "renew the API server's certificate."];
  if (code === 'CERT_NOT_YET_VALID') return ['its certificate is not valid yet', "check this machine's clock."];
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return ['its certificate is for another name', 'correct server, or set tls-server-name in the kubeconfig.'];
  if (code.includes('ALERT'))
    return ['it refused the client certificate or the handshake', 'check the client certificate of the kubeconfig.'];
  if (NO_TLS.test(code)) return ['that port does not speak TLS', 'check server in the kubeconfig: host, port, https.'];
  return ['the handshake failed', 'check server, certificate authority and client certificate of the kubeconfig.'];
}

/** Only the code of the cause is told: messages of TLS and of proxies can hold more than is good. */
function connectionError({ url, whose }: HttpRequest, error: NodeJS.ErrnoException): AppError {
  const code = error.code ?? 'no code';
  const server = `the Kubernetes API server ${url.host}`;
  const next = 'check that the cluster is up and reachable (VPN, firewall, kubeconfig).';
  if (error instanceof ProxyError) return unavailable(`${server} was not reached: ${error.message}`, error.next);
  if (code === 'ECONNREFUSED') return unavailable(`${server} refused the connection.`, next);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return unavailable(`the host name of ${server} was not found (${code}).`, next);
  if (TLS.test(code)) {
    const [why, mend] = tlsProblem(code);
    return unavailable(`the TLS connection to ${server} (${whose}) failed: ${why} (${code}).`, mend);
  }
  return unavailable(`the connection to ${server} failed (${code}).`, next);
}
