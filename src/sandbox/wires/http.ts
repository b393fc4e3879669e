import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Fault, Faults, WireName } from './faults.ts';

export interface Request {
  method: string;
  /** The path as sent, decoded. */
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

export interface Reply {
  status: number;
  type: string;
  body: string;
  headers?: Record<string, string>;
}

/** An answer that goes on: gets the response and a signal that ends with the connection. */
export interface Stream {
  stream: (response: ServerResponse, closed: AbortSignal) => void;
}

export type Handler = (request: Request) => Reply | Stream;

/** How an error of a fault looks on a wire; each wire has its own form. */
export type ErrorBody = (status: number, request: Pick<Request, 'method' | 'path' | 'query'>) => Reply;

export interface Wire {
  url: string;
  close(): Promise<void>;
}

const MAX_BODY = 8 * 1024 * 1024;

export function json(status: number, value: unknown, headers?: Record<string, string>): Reply {
  return reply(status, 'application/json', JSON.stringify(value), headers);
}

export function text(status: number, body: string): Reply {
  return reply(status, 'text/plain; charset=utf-8', body);
}

function reply(status: number, type: string, body: string, headers?: Record<string, string>): Reply {
  return { status, type, body, ...(headers === undefined ? {} : { headers }) };
}

/** Serves one wire on an ephemeral port of the loopback address. */
export async function serveWire(name: WireName, faults: Faults, handler: Handler, errorBody: ErrorBody): Promise<Wire> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const fault = faults.of(name, url.pathname);
    if (fault === 'silent') return;
    if (fault === 'refuse') {
      request.socket.destroy();
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY) chunks.push(chunk);
    });
    request.on('end', () => {
      const answer =
        size > MAX_BODY ? text(413, 'too large') : answerTo(request, url, chunks, fault, handler, errorBody);
      if ('stream' in answer) {
        const closed = new AbortController();
        response.on('close', () => closed.abort());
        answer.stream(response, closed.signal);
      } else send(response, answer, fault);
    });
  });
  server.keepAliveTimeout = 5_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answerTo(
  request: IncomingMessage,
  url: URL,
  chunks: Buffer[],
  fault: Fault,
  handler: Handler,
  errorBody: ErrorBody,
): Reply | Stream {
  const method = request.method ?? 'GET';
  if (fault === 'garbage') return { status: 200, type: 'application/json', body: '{"kind":<<<\u0000 not json' };
  try {
    const path = decodeURIComponent(url.pathname);
    if (typeof fault === 'number') return errorBody(fault, { method, path, query: url.searchParams });
    return handler({
      method,
      path,
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.concat(chunks),
    });
  } catch (error) {
    return text(500, error instanceof Error ? error.message : 'internal error');
  }
}

function send(response: ServerResponse, answer: Reply, fault: Fault): void {
  const body = Buffer.from(answer.body);
  const retry = answer.status === 429 ? { 'retry-after': '1' } : {};
  const length = { 'content-type': answer.type, 'content-length': String(body.length) };
  response.writeHead(answer.status, { ...length, ...retry, ...answer.headers });
  if (fault === 'half') {
    response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy());
    return;
  }
  if (fault === 'slow') {
    let sent = 0;
    const timer = setInterval(() => {
      if (sent >= body.length) response.end();
      else response.write(body.subarray(sent, ++sent));
    }, 100);
    response.on('close', () => clearInterval(timer));
    return;
  }
  response.end(body);
}
