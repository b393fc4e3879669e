import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { AppError, type ErrorCode } from '../errors.ts';
import { type ApiContext, api, watch } from './api.ts';
import { Challenges } from './challenges.ts';
import { Connections } from './connections.ts';
import type { PageDeps } from './deps.ts';
import type { Enrolment } from './enrolment.ts';
import { admit, harden } from './guard.ts';
import { Sessions } from './sessions.ts';

const STATUS: Record<ErrorCode, number> = {
  INVALID_INPUT: 400,
  NOT_FOUND: 404,
  UNAVAILABLE: 503,
  TIMEOUT: 504,
  CONFLICT: 409,
  NOT_CONFIGURED: 409,
  FORBIDDEN: 403,
  STORE: 507,
};
const ASSETS: Record<string, string> = {
  '/': 'index.html',
  '/app.js': 'app.js',
  '/app.css': 'app.css',
  '/icon.svg': 'icon.svg',
};
/** Addresses of one plan show the same page; its script looks at the address. */
const PLAN = /^\/approvals\/APR-[0-9A-Z]{10}$/;
const MOST_CONNECTIONS = 50;
const LAST_ANSWERS_MS = 250;

/** A page on loopback that runs. */
export interface Page {
  /** Such as `http://localhost:40123`. */
  origin: string;
  close(): Promise<void>;
}

/** Starts the page on 127.0.0.1, at `port` or, with 0, at a free one. Errors: `UNAVAILABLE` where it cannot listen. */
export async function startPage(deps: PageDeps, port: number, enrolment: Enrolment | null = null): Promise<Page> {
  const server = createServer({
    requestTimeout: 30_000,
    headersTimeout: 10_000,
    // How often Node looks for those that are over.
    connectionsCheckingInterval: 2_000,
    maxHeaderSize: 16_384,
  });
  const connections = new Connections(MOST_CONNECTIONS);
  server.on('connection', (socket) => connections.add(socket));
  // A server whose client has gone must be able to end.
  server.unref();
  const bound = await listen(server, port);
  const origin = `http://localhost:${bound}`;
  const context: ApiContext = {
    deps,
    sessions: new Sessions(deps.clock),
    challenges: new Challenges(deps.clock),
    enrolment,
    origin,
  };
  server.on('request', (request, response) => {
    const { socket } = request;
    connections.mark(socket, context.sessions.has(request.headers.authorization) ? 'known' : 'asking');
    response.once('close', () => connections.mark(socket, 'idle'));
    answer(request, response, context, bound).catch((error: unknown) => fail(response, error, deps));
  });
  return {
    origin,
    close: () =>
      new Promise((resolve) => {
        // What is being answered is still told: whoever enrolled a passkey must read that it worked.
        const rest = setTimeout(() => server.closeAllConnections(), LAST_ANSWERS_MS);
        server.close(() => {
          clearTimeout(rest);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new AppError(
          'UNAVAILABLE',
          `the approval page cannot listen on port ${port}.`,
          'choose another approval.page.port.',
          { cause },
        ),
      ),
    );
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  context: ApiContext,
  port: number,
): Promise<void> {
  harden(response);
  admit(request, port);
  const pathname = pathOf(request.url ?? '/', context.origin);
  // Passkeys belong to a name: the address by number is sent to the one by name.
  if (request.headers.host !== `localhost:${port}` && request.method === 'GET' && !pathname.startsWith('/api/')) {
    response.writeHead(308, { Location: `${context.origin}${pathname}` }).end();
    return;
  }
  if (request.method === 'GET' && pathname === '/api/watch') return watch(request, response, context);
  if (pathname.startsWith('/api/')) {
    const value = await api(pathname, request, context);
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
    return;
  }
  const name = PLAN.test(pathname) || pathname === '/enrol' ? 'index.html' : ASSETS[pathname];
  const asset = request.method === 'GET' && name !== undefined ? await context.deps.asset(name) : null;
  if (!asset) throw new AppError('NOT_FOUND', 'there is no such page.', 'go back to the start.');
  response.writeHead(200, { 'Content-Type': asset.type }).end(asset.body);
}

/** Errors: `NOT_FOUND` for what is no address. */
function pathOf(url: string, origin: string): string {
  if (!URL.canParse(url, origin)) throw new AppError('NOT_FOUND', 'there is no such page.', 'go back to the start.');
  return new URL(url, origin).pathname;
}

function fail(response: ServerResponse, error: unknown, deps: PageDeps): void {
  if (response.headersSent) {
    response.end();
    return;
  }
  const known = error instanceof AppError;
  if (!known) deps.warn('the approval page could not answer', { error: String(error) });
  const body = known
    ? { code: error.code, message: error.message, next: error.next }
    : {
        code: 'UNAVAILABLE',
        message: 'the page could not answer.',
        next: 'reload it; the log of the server tells more.',
      };
  response
    .writeHead(known ? STATUS[error.code] : 500, { 'Content-Type': 'application/json', Connection: 'close' })
    .end(JSON.stringify(body));
}
