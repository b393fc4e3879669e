import { type IncomingHttpHeaders, request } from 'node:http';

export interface Got {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The body as JSON; empty where it is none. */
  json: Record<string, unknown>;
}

export interface Sent {
  method?: string;
  headers?: Record<string, string>;
  /** An object goes as JSON. */
  body?: string | Buffer | object;
}

/** A program that is no browser: it sends any header and follows nothing. */
export interface PageClient {
  origin: string;
  port: number;
  send(path: string, sent?: Sent): Promise<Got>;
  /** A POST as the page's own script sends it. */
  post(path: string, body: object, session?: string, more?: Record<string, string>): Promise<Got>;
  get(path: string, session?: string): Promise<Got>;
  /** Signs in with the secret; gives the token. */
  signIn(secret: string): Promise<string>;
}

const DEADLINE_MS = 15_000;

export function pageClient(origin: string): PageClient {
  const port = Number(new URL(origin).port);
  const send: PageClient['send'] = (path, { method = 'GET', headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const bytes =
        body === undefined ? null : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
      const asked = request(
        {
          host: '127.0.0.1',
          port,
          path,
          method,
          headers: {
            Host: `localhost:${port}`,
            ...(bytes === null ? {} : { 'Content-Length': String(Buffer.byteLength(bytes)) }),
            ...headers,
          },
          agent: false,
          timeout: DEADLINE_MS,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) });
          });
        },
      );
      asked.on('timeout', () => asked.destroy(new Error(`${method} ${path} was not answered`)));
      asked.on('error', reject);
      asked.end(bytes ?? undefined);
    });
  const post: PageClient['post'] = (path, body, session, more = {}) =>
    send(path, {
      method: 'POST',
      headers: {
        Origin: origin,
        'Content-Type': 'application/json',
        ...(session === undefined ? {} : { Authorization: `Session ${session}` }),
        ...more,
      },
      body,
    });
  return {
    origin,
    port,
    send,
    post,
    get: (path, session) =>
      send(path, { headers: session === undefined ? {} : { Authorization: `Session ${session}` } }),
    signIn: async (secret) => {
      const { status, json, text } = await post('/api/sign-in/secret', { secret });
      if (status !== 200) throw new Error(`sign-in: ${status} ${text}`);
      return String(json.token);
    },
  };
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
