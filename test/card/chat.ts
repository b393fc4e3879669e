import { Client as SecondClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as SecondStdio } from '@modelcontextprotocol/client/stdio';
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as FirstStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import type { Bin } from '../helpers/bin.ts';
import type { Home } from '../helpers/home.ts';
import type { Form, FormAnswer, Human } from '../helpers/session.ts';

export interface ListedTool {
  name: string;
  _meta?: Record<string, unknown> | undefined;
}
export interface Result {
  isError?: boolean;
  content: { type: string; text?: string }[];
  structuredContent?: Record<string, unknown>;
}
export interface Listed {
  uri: string;
  mimeType?: string | undefined;
  text?: string | undefined;
  _meta?: Record<string, unknown> | undefined;
}

/** A chat program's connection to a server, with all that the wire carries. */
export interface Chat {
  tools(): Promise<ListedTool[]>;
  resources(): Promise<Listed[]>;
  read(uri: string): Promise<Listed[]>;
  call(name: string, args?: Record<string, unknown>): Promise<Result>;
  /** Like `call`; throws where the result is an error. */
  ok(name: string, args?: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** Forms that were shown. */
  forms: Form[];
  human: Human;
}

export interface Abilities {
  generation: 'first' | 'second';
  /** What it says of MCP Apps; undefined: nothing. */
  apps?: { mimeTypes: string | string[] } | undefined;
  /** Whether it can ask its user. */
  forms?: boolean;
}

export const APPS = { mimeTypes: ['text/html;profile=mcp-app'] };
const CALL_MS = 45_000;

/** Starts a server process and connects a real client with these abilities. */
export async function openChat(bin: Bin, home: Home, abilities: Abilities, ...flags: string[]): Promise<Chat> {
  const server = { command: process.execPath, args: home.serve(...flags), env: home.env, cwd: home.dir };
  const capabilities = {
    ...(abilities.forms ? { elicitation: { form: {} } } : {}),
    ...(abilities.apps ? { extensions: { 'io.modelcontextprotocol/ui': abilities.apps } } : {}),
  };
  const info = { name: 'chat', version: '1.0.0' };
  const forms: Form[] = [];
  const ask = async (form: unknown): Promise<FormAnswer> => {
    forms.push(form as Form);
    return chat.human(form as Form);
  };
  const wire = abilities.generation === 'first' ? await first() : await second();
  async function first() {
    const client = new FirstClient(info, { capabilities });
    if (abilities.forms)
      client.setRequestHandler(ElicitRequestSchema, async (request) => ({ ...(await ask(request.params)) }));
    await client.connect(new FirstStdio({ ...server, stderr: 'inherit' }));
    bin.add(() => client.close());
    return {
      tools: () => client.listTools(),
      resources: () => client.listResources(),
      read: (uri: string) => client.readResource({ uri }),
      call: (name: string, args: Record<string, unknown>) =>
        client.callTool({ name, arguments: args }, undefined, { timeout: CALL_MS }),
    };
  }
  async function second() {
    const client = new SecondClient(info, { capabilities, versionNegotiation: { mode: { pin: '2026-07-28' } } });
    if (abilities.forms)
      client.setRequestHandler('elicitation/create', async (request) => ({ ...(await ask(request.params)) }));
    await client.connect(new SecondStdio({ ...server, stderr: 'inherit' }));
    bin.add(() => client.close());
    return {
      tools: () => client.listTools(),
      resources: () => client.listResources(),
      read: (uri: string) => client.readResource({ uri }),
      call: (name: string, args: Record<string, unknown>) =>
        client.callTool({ name, arguments: args }, { timeout: CALL_MS }),
    };
  }
  const call: Chat['call'] = async (name, args = {}) => (await wire.call(name, args)) as unknown as Result;
  const chat: Chat = {
    tools: async () => (await wire.tools()).tools,
    resources: async () => (await wire.resources()).resources,
    read: async (uri) => (await wire.read(uri)).contents,
    call,
    ok: async (name, args) => {
      const result = await call(name, args);
      if (result.isError) throw new Error(`${name} answered: ${result.content[0]?.text}`);
      return result.structuredContent ?? {};
    },
    forms,
    human: () => ({ action: 'cancel' }),
  };
  return chat;
}
