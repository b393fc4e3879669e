import { CfWorkerJsonSchemaValidator } from '@modelcontextprotocol/server/validators/cf-worker';
import { ERROR } from '../../helpers/story.ts';
import type { Message, ToolDefinition } from './messages.ts';

interface Answer {
  jsonrpc?: unknown;
  id?: unknown;
  method?: unknown;
  result?: {
    isError?: boolean;
    content?: { type?: string; text?: string }[];
    structuredContent?: unknown;
    resultType?: string;
    inputRequests?: unknown;
    requestState?: unknown;
  };
  error?: { code?: unknown; message?: unknown };
}

const MAX_TEXT = 8 * 1024;
const KEPT = 20;
const STACK = /\n\s+at .+:\d+:\d+/;

/** Holds every line of a server against what was asked, and counts. */
export class Judge {
  readonly problems: string[] = [];
  readonly answered = { results: 0, errors: 0, toolErrors: 0, toolResults: 0, asked: 0, notices: 0, unasked: 0 };
  readonly #due = new Map<string, Message>();
  readonly #may = new Map<string, number>();
  readonly #fits = new Map<string, (value: unknown) => { valid: boolean; errorMessage: string | undefined }>();
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true });
  /** Called with each answer to a `ping` of the fuzzer. */
  onPing: (id: string) => void = () => undefined;

  constructor(tools: readonly ToolDefinition[]) {
    const validator = new CfWorkerJsonSchemaValidator();
    for (const tool of tools) {
      if (!tool.outputSchema) continue;
      const fits = validator.getValidator(tool.outputSchema as Parameters<typeof validator.getValidator>[0]);
      this.#fits.set(tool.name, (value) => {
        const { valid, errorMessage } = fits(value);
        return { valid, errorMessage };
      });
    }
  }

  /** Requests without their answer. */
  get open(): number {
    return this.#due.size;
  }

  openOnes(): string[] {
    return [...this.#due.values()].slice(0, 5).map((m) => m.bytes.toString('utf8', 0, 300));
  }

  expect(message: Message): void {
    for (const id of message.ids) {
      if (message.due) this.#due.set(id, message);
      else this.#may.set(id, (this.#may.get(id) ?? 0) + 1);
    }
  }

  take(line: Buffer): void {
    let answer: Answer;
    try {
      answer = JSON.parse(this.#utf8.decode(line)) as Answer;
    } catch {
      this.#problem('a line that is no JSON in UTF-8', line);
      return;
    }
    if (answer === null || typeof answer !== 'object' || Array.isArray(answer) || answer.jsonrpc !== '2.0') {
      this.#problem('no JSON-RPC 2.0', line);
      return;
    }
    if (typeof answer.method === 'string') {
      this.answered.notices += 1;
      if (answer.id !== undefined) this.#problem('a request of the server that the client did not offer', line);
      return;
    }
    const [result, error] = [answer.result !== undefined, answer.error !== undefined];
    if (result === error) this.#problem('neither or both of result and error', line);
    if (line.length > 2_000_000) this.#problem('an answer of more than 2 MB', line);
    const asked = this.#settle(answer.id, line);
    if (error) this.#error(answer, line);
    else this.#result(answer, asked, line);
  }

  #settle(id: unknown, line: Buffer): Message | null {
    const key = JSON.stringify(id ?? null);
    const due = this.#due.get(key);
    if (due) {
      this.#due.delete(key);
      if (due.kind === 'ping') this.onPing(key);
      return due;
    }
    const may = this.#may.get(key) ?? 0;
    if (may > 0) {
      if (may === 1) this.#may.delete(key);
      else this.#may.set(key, may - 1);
      return null;
    }
    this.answered.unasked += 1;
    // An error whose id could not be read has none, or null (JSON-RPC 2.0, 5).
    if (id !== null && id !== undefined) this.#problem('an answer to nothing that was asked, or a second one', line);
    return null;
  }

  #error({ error }: Answer, line: Buffer): void {
    this.answered.errors += 1;
    if (!Number.isInteger(error?.code) || typeof error?.message !== 'string' || error.message === '') {
      this.#problem('an error without whole code or message', line);
    } else if (STACK.test(error.message)) this.#problem('a stack trace', line);
  }

  #result({ result }: Answer, asked: Message | null, line: Buffer): void {
    this.answered.results += 1;
    if (result === null || typeof result !== 'object') {
      this.#problem('a result that is no object', line);
      return;
    }
    if (asked?.kind === 'tools/call' || asked?.kind === 'heavy') this.#toolResult(result, asked, line);
  }

  #toolResult(result: NonNullable<Answer['result']>, asked: Message, line: Buffer): void {
    if (result.resultType === 'input_required') {
      this.answered.asked += 1;
      if (!result.inputRequests || typeof result.requestState !== 'string') this.#problem('half a question', line);
      return;
    }
    if (!Array.isArray(result.content)) {
      this.#problem('a result without content', line);
      return;
    }
    const text = result.content.map((part) => part.text ?? '').join('\n');
    if (Buffer.byteLength(text) > MAX_TEXT) this.#problem('more than 8 KB of text', line);
    if (STACK.test(text)) this.#problem('a stack trace', line);
    if (result.isError === true) {
      this.answered.toolErrors += 1;
      if (!ERROR.test(text)) this.#problem('an error that is not of the form of the contract', line);
      return;
    }
    this.answered.toolResults += 1;
    const fits = asked.tool === undefined ? undefined : this.#fits.get(asked.tool);
    const judged = fits?.(result.structuredContent);
    if (judged && !judged.valid) this.#problem(`${asked.tool}: does not fit its schema (${judged.errorMessage})`, line);
  }

  #problem(what: string, line: Buffer): void {
    if (this.problems.length < KEPT) this.problems.push(`${what}: ${line.toString('utf8', 0, 400)}`);
  }
}
