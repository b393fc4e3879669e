import { Client as SecondClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as SecondStdio } from '@modelcontextprotocol/client/stdio';
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as FirstStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import type { Bin } from './bin.ts';
import type { Home } from './home.ts';

/** The form that the server asks the client to show. */
export interface Form {
  message: string;
  requestedSchema: { properties: Record<string, unknown>; required?: string[] };
}
export interface FormAnswer {
  action: 'accept' | 'decline' | 'cancel';
  content?: Record<string, string | number | boolean>;
}
export type Human = (form: Form) => FormAnswer | Promise<FormAnswer>;

export interface Called {
  isError: boolean;
  text: string;
  /** `structuredContent`; empty where there is none. */
  data: Record<string, unknown>;
}

/**
 * - `first`: a first-generation client (`@modelcontextprotocol/sdk`), as installed today
 * - `second`: a second-generation one, pinned to 2026-07-28
 * - `plain`: a first-generation one that cannot ask its user
 */
export type Generation = 'first' | 'second' | 'plain';

export interface Session {
  call(name: string, args?: Record<string, unknown>): Promise<Called>;
  /** Like `call`; throws where the result is an error, so that a test fails with the server's own words. */
  ok(name: string, args?: Record<string, unknown>): Promise<Record<string, unknown>>;
  tools(): Promise<string[]>;
  /** Milliseconds until the server answered a request that touches nothing. */
  ping(): Promise<number>;
  /** Forms that were shown. */
  forms: Form[];
  /** Messages of progress. */
  progress: string[];
  /** Who answers forms from now on. */
  human: Human;
  pid: number;
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** The human who reads, agrees and types what a high risk asks for. */
export const approving =
  (target?: string): Human =>
  (form) => ({
    action: 'accept',
    content: {
      approve: true,
      approver: 'Ada Example',
      ...(target !== undefined && 'target' in form.requestedSchema.properties ? { target } : {}),
    },
  });

const CALL_MS = 45_000;

interface Wire {
  call(name: string, args: Record<string, unknown>, onprogress: (said: string) => void): Promise<unknown>;
  list(): Promise<{ tools: { name: string }[] }>;
  ping(): Promise<unknown>;
  close(): Promise<void>;
  pid: number;
}

/** Starts a server process and connects a real client to it over stdio. */
export async function connect(bin: Bin, home: Home, generation: Generation, ...flags: string[]): Promise<Session> {
  const forms: Form[] = [];
  const progress: string[] = [];
  const ask = async (form: Form): Promise<FormAnswer> => {
    forms.push(form);
    return session.human(form);
  };
  const server = { command: process.execPath, args: home.serve(...flags), env: home.env, cwd: home.dir };
  const wire = generation === 'second' ? await second(server, ask) : await first(server, generation, ask);
  const call: Session['call'] = async (name, args = {}) => {
    const result = (await wire.call(name, args, (said) => progress.push(said))) as {
      isError?: boolean;
      content: { type: string; text?: string }[];
      structuredContent?: Record<string, unknown>;
    };
    return {
      isError: result.isError === true,
      text: result.content.map((part) => part.text ?? '').join('\n'),
      data: result.structuredContent ?? {},
    };
  };
  const session: Session = {
    call,
    ok: async (name, args) => {
      const { isError, text, data } = await call(name, args);
      if (isError) throw new Error(`${name} answered: ${text}`);
      return data;
    },
    tools: async () => (await wire.list()).tools.map((tool) => tool.name),
    ping: async () => {
      const began = performance.now();
      await wire.ping();
      return performance.now() - began;
    },
    forms,
    progress,
    human: () => ({ action: 'cancel' }),
    pid: wire.pid,
    kill: async () => {
      process.kill(wire.pid, 'SIGKILL');
      await wire.close();
    },
    close: () => wire.close(),
  };
  bin.add(() => session.close());
  return session;
}

interface ServerProcess {
  command: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
}

async function first(
  server: ServerProcess,
  generation: Generation,
  ask: (form: Form) => Promise<FormAnswer>,
): Promise<Wire> {
  const client = new FirstClient(
    { name: `${generation}-client`, version: '1.0.0' },
    { capabilities: generation === 'first' ? { elicitation: { form: {} } } : {} },
  );
  if (generation === 'first') {
    client.setRequestHandler(ElicitRequestSchema, async (request) => ({
      ...(await ask(request.params as unknown as Form)),
    }));
  }
  const transport = new FirstStdio({ ...server, stderr: 'inherit' });
  await client.connect(transport);
  return {
    call: (name, args, said) =>
      client.callTool({ name, arguments: args }, undefined, {
        timeout: CALL_MS,
        resetTimeoutOnProgress: true,
        onprogress: ({ message }) => said(message ?? ''),
      }),
    list: () => client.listTools(),
    ping: () => client.ping(),
    close: () => client.close(),
    pid: transport.pid ?? 0,
  };
}

async function second(server: ServerProcess, ask: (form: Form) => Promise<FormAnswer>): Promise<Wire> {
  const client = new SecondClient(
    { name: 'second-client', version: '1.0.0' },
    { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  client.setRequestHandler('elicitation/create', async (request) => ({
    ...(await ask(request.params as unknown as Form)),
  }));
  const transport = new SecondStdio({ ...server, stderr: 'inherit' });
  await client.connect(transport);
  return {
    call: (name, args, said) =>
      client.callTool(
        { name, arguments: args },
        { timeout: CALL_MS, resetTimeoutOnProgress: true, onprogress: ({ message }) => said(message ?? '') },
      ),
    list: () => client.listTools(),
    // This revision has no ping; its cheapest request is the discovery that every client begins with.
    ping: () => client.discover(),
    close: () => client.close(),
    pid: transport.pid ?? 0,
  };
}
