import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const CALL_MS = 180_000;

export interface ServerCommand {
  name: string;
  command: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
}

/** One MCP server as its client sees it. */
export interface Server {
  name: string;
  pid: number;
  /** Milliseconds from spawn to the answer of `initialize`. */
  initialize_ms: number;
  tools: number;
  /** Bytes of the result of `tools/list`. */
  list_bytes: number;
  call(tool: string, args?: Record<string, unknown>): Promise<Answer>;
  close(): Promise<void>;
}

export interface Answer {
  /** Bytes of text for the model. */
  bytes: number;
  /** Bytes of the whole result as JSON. */
  whole: number;
  text: string;
  data: Record<string, unknown>;
}

/** Starts a server and connects the same client to it as to every other: a first-generation one that cannot ask its user. */
export async function connect(server: ServerCommand): Promise<Server> {
  const client = new Client({ name: 'bench', version: '1.0.0' }, { capabilities: {} });
  const { command, args, env, cwd } = server;
  const transport = new StdioClientTransport({ command, args, env, cwd, stderr: 'ignore' });
  const began = performance.now();
  await client.connect(transport);
  const initialize_ms = performance.now() - began;
  const list = await client.listTools();
  return {
    name: server.name,
    pid: transport.pid ?? 0,
    initialize_ms,
    tools: list.tools.length,
    list_bytes: Buffer.byteLength(JSON.stringify(list)),
    call: async (tool, args = {}) => {
      const result = await client.callTool({ name: tool, arguments: args }, undefined, { timeout: CALL_MS });
      const parts = result.content as { text?: string }[];
      const text = parts.map((part) => part.text ?? '').join('\n');
      if (result.isError === true) throw new Error(`${server.name}, ${tool}: ${text.slice(0, 200)}`);
      return {
        bytes: Buffer.byteLength(text),
        whole: Buffer.byteLength(JSON.stringify(result)),
        text,
        data: (result.structuredContent ?? {}) as Record<string, unknown>,
      };
    },
    close: () => client.close(),
  };
}
