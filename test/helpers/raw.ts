import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Bin } from './bin.ts';
import type { Home } from './home.ts';
import { endProcess } from './process.ts';

/** Any JSON-RPC answer of the server, as it came over the wire. */
export interface RawAnswer {
  id: number;
  error?: { code: number; message: string; data?: unknown };
  result?: {
    resultType?: string;
    isError?: boolean;
    content?: { type: string; text?: string }[];
    structuredContent?: Record<string, unknown>;
    inputRequests?: Record<string, { method: string; params: Record<string, unknown> }>;
    requestState?: string;
    [key: string]: unknown;
  };
}

/** What a call of 2026-07-28 carries beside name and arguments when it continues after a form. */
export interface Continued {
  requestState?: unknown;
  inputResponses?: unknown;
}

/** A client that sends what no well-behaved client would. */
export interface RawClient {
  request(method: string, params: Record<string, unknown>): Promise<RawAnswer>;
  /** `tools/call` in the form of 2026-07-28, from a client that says it can show forms. */
  call(name: string, args: Record<string, unknown>, continued?: Continued): Promise<RawAnswer>;
  /** Writes bytes as they are. */
  write(bytes: string): void;
  /** Requests and notifications of the server. */
  received: Record<string, unknown>[];
  child: ChildProcessByStdio<Writable, Readable, null>;
}

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'forger', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
};
const ANSWER_MS = 30_000;

export function connectRaw(bin: Bin, home: Home, ...flags: string[]): RawClient {
  const child = spawn(process.execPath, home.serve(...flags), {
    env: home.env,
    cwd: home.dir,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  bin.add(() => endProcess(child));
  child.stdin.on('error', () => undefined);
  const waiting = new Map<number, (answer: RawAnswer) => void>();
  const received: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line) as RawAnswer & { method?: string };
    const take = message.method === undefined ? waiting.get(message.id) : undefined;
    if (take) take(message);
    else received.push({ ...message });
  });
  let last = 0;
  const request: RawClient['request'] = (method, params) => {
    last += 1;
    const id = last;
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${method} was not answered`)), ANSWER_MS);
      waiting.set(id, (answer) => {
        clearTimeout(timer);
        waiting.delete(id);
        resolve(answer);
      });
    });
  };
  return {
    request,
    call: (name, args, continued = {}) => request('tools/call', { name, arguments: args, ...continued, _meta: META }),
    write: (bytes) => void child.stdin.write(bytes),
    received,
    child,
  };
}

/** An accepted form with these fields. */
export const accepted = (content: Record<string, unknown>): Record<string, unknown> => ({
  approval: { action: 'accept', content },
});
