import type { Wire } from './client.ts';

/** What was read so far: calls of tools, and bytes of text that a model would have read (answers and prompts). */
export interface Cost {
  calls: number;
  answer_bytes: number;
  prompt_bytes: number;
}

/** An assistant that may only do what the prompt before it names, and that counts what it costs. */
export class Assistant {
  readonly #wire: Wire;
  #prompt = { name: 'no prompt', text: '' };
  readonly #cost: Cost = { calls: 0, answer_bytes: 0, prompt_bytes: 0 };

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Gets a prompt; its steps hold from now on. */
  async follow(name: string, args: Record<string, string> = {}): Promise<string> {
    const text = await this.#wire.prompt(name, args);
    this.#cost.prompt_bytes += Buffer.byteLength(text);
    this.#prompt = { name, text };
    return text;
  }

  /** Calls a tool that the followed prompt names; an answer that is an error ends the play with the server's own words. */
  async call<T>(tool: string, args: Record<string, unknown> = {}): Promise<T> {
    if (!new RegExp(`\\b${tool}\\b`).test(this.#prompt.text)) {
      throw new Error(`${this.#prompt.name} does not name ${tool}`);
    }
    const { isError, text, data } = await this.#wire.call(tool, args);
    this.#cost.calls += 1;
    this.#cost.answer_bytes += Buffer.byteLength(text);
    if (isError) throw new Error(`${tool} answered: ${text}`);
    return data as T;
  }

  cost(): Cost {
    return { ...this.#cost };
  }
}
