import { Client as SecondClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as SecondStdio } from '@modelcontextprotocol/client/stdio';
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as FirstStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import type { Bin } from '../../helpers/bin.ts';
import type { Home } from '../../helpers/home.ts';
import type { Called, Form, Human } from '../../helpers/session.ts';

export const GENERATIONS = ['first', 'second'] as const;
export type Generation = (typeof GENERATIONS)[number];

/** What an assistant has of the protocol: prompts, tools, and a user who answers forms. */
export interface Wire {
  prompt(name: string, args: Record<string, string>): Promise<string>;
  call(name: string, args: Record<string, unknown>): Promise<Called>;
}

interface RawResult {
  isError?: boolean;
  content: { type: string; text?: string }[];
  structuredContent?: Record<string, unknown>;
}
interface RawPrompt {
  messages: { content: { type: string; text?: string } }[];
}

const CALL_MS = 45_000;
const options = { timeout: CALL_MS, resetTimeoutOnProgress: true, onprogress: () => undefined };
const clientInfo = { name: 'scripted-assistant', version: '1.0.0' };

/** Starts a server and connects a client of that generation; `human` answers its forms. */
export async function connectAssistant(bin: Bin, home: Home, generation: Generation, human: Human): Promise<Wire> {
  const server = {
    command: process.execPath,
    args: home.serve(),
    env: home.env,
    cwd: home.dir,
    stderr: 'inherit' as const,
  };
  const client = generation === 'first' ? firstClient(human) : secondClient(human);
  await client.connect(server);
  bin.add(() => client.close());
  return {
    prompt: async (name, args) =>
      ((await client.getPrompt(name, args)) as RawPrompt).messages.map(({ content }) => content.text ?? '').join('\n'),
    call: async (name, args) => {
      const result = (await client.callTool(name, args)) as RawResult;
      return {
        isError: result.isError === true,
        text: result.content.map((part) => part.text ?? '').join('\n'),
        data: result.structuredContent ?? {},
      };
    },
  };
}

interface AnyClient {
  connect(server: ConstructorParameters<typeof FirstStdio>[0]): Promise<void>;
  getPrompt(name: string, args: Record<string, string>): Promise<unknown>;
  callTool(name: string, args: Record<string, unknown>): Promise<unknown>;
  close(): Promise<void>;
}

function firstClient(human: Human): AnyClient {
  const client = new FirstClient(clientInfo, { capabilities: { elicitation: { form: {} } } });
  client.setRequestHandler(ElicitRequestSchema, async ({ params }) => ({
    ...(await human(params as unknown as Form)),
  }));
  return {
    connect: (server) => client.connect(new FirstStdio(server)),
    getPrompt: (name, args) => client.getPrompt({ name, arguments: args }),
    callTool: (name, args) => client.callTool({ name, arguments: args }, undefined, options),
    close: () => client.close(),
  };
}

function secondClient(human: Human): AnyClient {
  const client = new SecondClient(clientInfo, {
    capabilities: { elicitation: { form: {} } },
    versionNegotiation: { mode: { pin: '2026-07-28' } },
  });
  client.setRequestHandler('elicitation/create', async ({ params }) => ({
    ...(await human(params as unknown as Form)),
  }));
  return {
    connect: (server) => client.connect(new SecondStdio(server)),
    getPrompt: (name, args) => client.getPrompt({ name, arguments: args }),
    callTool: (name, args) => client.callTool({ name, arguments: args }, options),
    close: () => client.close(),
  };
}
