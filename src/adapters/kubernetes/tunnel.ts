import { request as httpRequest, type RequestOptions } from 'node:http';
import { type AgentOptions, Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';

/** Why a proxy did not let through; its words go into the typed error. */
export class ProxyError extends Error {
  readonly next: string;
  constructor(message: string, next: string) {
    super(message);
    this.name = 'ProxyError';
    this.next = next;
  }
}

type Done = (error: Error | null, stream: Duplex) => void;
type Target = RequestOptions & { servername?: string };

const CHECK = 'check the proxy (proxy-url of the kubeconfig, else HTTPS_PROXY and NO_PROXY of the environment).';

/**
 * TLS to the API server through an HTTP proxy (RFC 9110, CONNECT). Unlike the library's it keeps connections, tells what the proxy said, and
 * gives up a proxy that never answers together with the request.
 */
export class TunnelAgent extends HttpsAgent {
  readonly #proxy: URL;

  constructor(proxy: URL, options: AgentOptions) {
    super({ keepAlive: true, maxSockets: 16, maxFreeSockets: 4, ...options });
    this.#proxy = proxy;
  }

  override createConnection(options: Target, callback?: Done): undefined {
    const done = callback as Done;
    const host = String(options.host ?? '');
    const target = `${isIP(host) === 6 ? `[${host}]` : host}:${options.port ?? 443}`;
    const proxy = this.#proxy;
    const secure = proxy.protocol === 'https:';
    let settled = false;
    const settle = (error: Error | null, stream?: Duplex): void => {
      if (settled) return;
      settled = true;
      // Node declares the stream as always there; with an error it is not looked at.
      done(error, stream as Duplex);
    };
    const connect = (secure ? httpsRequest : httpRequest)({
      method: 'CONNECT',
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port || (secure ? 443 : 80),
      path: target,
      agent: false,
      timeout: options.timeout ?? 0,
      headers: { host: target, ...credentials(proxy) },
    });
    connect.once('connect', (response, socket) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        settle(refused(proxy, response.statusCode ?? 0));
        return;
      }
      socket.setTimeout(0);
      const wrapped = { ...options, socket, ...(options.servername ? {} : { servername: isIP(host) ? '' : host }) };
      settle(null, super.createConnection(wrapped) as Duplex);
    });
    // An answer that is no tunnel, for example of a web server.
    connect.once('response', (response) => {
      response.destroy();
      settle(refused(proxy, response.statusCode ?? 0));
    });
    connect.once('timeout', () => connect.destroy(new Error('timeout')));
    connect.on('error', (error: NodeJS.ErrnoException) => {
      settle(new ProxyError(`the proxy ${proxy.host} could not be used (${error.code ?? 'no answer'}).`, CHECK));
    });
    connect.end();
    return undefined;
  }
}

function credentials(proxy: URL): Record<string, string> {
  if (proxy.username === '' && proxy.password === '') return {};
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

function refused(proxy: URL, status: number): ProxyError {
  return status === 407
    ? new ProxyError(`the proxy ${proxy.host} asks for credentials or refuses those given (407).`, CHECK)
    : new ProxyError(`the proxy ${proxy.host} did not let the connection through (${status}).`, CHECK);
}
