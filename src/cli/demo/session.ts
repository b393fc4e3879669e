import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { unavailable } from '../../errors.ts';
import { bundled } from '../child.ts';
import { VERSION } from '../version.ts';
import { answerForm, type Form } from './human.ts';
import type { Stage } from './stage.ts';

export interface Answered {
  text: string;
  data: Record<string, unknown>;
}

const CALL_MS = 10 * 60_000;

/** One real MCP client over a real server process. */
export class Session {
  readonly #client: Client;
  readonly #stage: Stage;
  /** Target of the plan that is being asked about. */
  target = '';
  calls = 0;
  bytes = 0;

  private constructor(client: Client, stage: Stage) {
    this.#client = client;
    this.#stage = stage;
  }

  static async start(
    serverArgs: readonly string[],
    env: Readonly<Record<string, string | undefined>>,
    interactive: boolean,
    stage: Stage,
  ): Promise<Session> {
    const client = new Client(
      { name: 'incident-mcp-demo', version: VERSION },
      { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode: { pin: '2026-07-28' } } },
    );
    const session = new Session(client, stage);
    client.setRequestHandler('elicitation/create', async (request) =>
      answerForm(request.params as unknown as Form, session.target, interactive, stage),
    );
    const inherited = Object.fromEntries(
      Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [bundled('cli.js'), 'serve', ...serverArgs],
        env: { ...inherited, INCIDENT_MCP_LOG: 'warn' },
        stderr: 'inherit',
      }),
    );
    return session;
  }

  /** Calls a tool as an assistant would and shows call and answer. */
  async call(name: string, args: Record<string, unknown>, lines = 6): Promise<Answered> {
    this.#stage.call(name, args);
    let said = '';
    const result = await this.#client.callTool(
      { name, arguments: args },
      {
        timeout: CALL_MS,
        resetTimeoutOnProgress: true,
        onprogress: (progress) => {
          if (progress.message && progress.message !== said) this.#stage.note(progress.message);
          said = progress.message ?? said;
        },
      },
    );
    const text = result.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
    this.calls += 1;
    this.bytes += Buffer.byteLength(text);
    if (result.isError) throw unavailable(`${name} answered: ${text}`, 'look at the message');
    this.#stage.answer(text, lines);
    return { text, data: (result.structuredContent ?? {}) as Record<string, unknown> };
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
