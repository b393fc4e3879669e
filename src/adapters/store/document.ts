import type { Adapter } from 'lowdb';
import { Low } from 'lowdb';
import { readIfThere, replaceFile } from './files.ts';
import { Misfit } from './schema.ts';

/** How a document stands in its file. */
export const textOf = (data: unknown): string => `${JSON.stringify(data, null, 2)}\n`;

/** A document that is there and cannot be used. It is never overwritten by what is read from it. */
export class Damaged extends Error {}

/**
 * A lowdb adapter for one JSON document: read back through `parse`, replaced in one step. With `durable` it is flushed with its
 * folder before `write` resolves. `read` gives null when there is no file, and throws `Damaged` when it cannot be used.
 */
export class JsonDocument<T> implements Adapter<T> {
  readonly #path: string;
  readonly #parse: (raw: unknown) => T;
  readonly #durable: boolean;

  constructor(path: string, parse: (raw: unknown) => T, options: { durable: boolean }) {
    this.#path = path;
    this.#parse = parse;
    this.#durable = options.durable;
  }

  async read(): Promise<T | null> {
    const text = await readIfThere(this.#path);
    if (text === null) return null;
    let raw: unknown;
    try {
      raw = JSON.parse(text);
    } catch {
      throw new Damaged('is not JSON');
    }
    try {
      return this.#parse(raw);
    } catch (cause) {
      if (cause instanceof Misfit) throw new Damaged(cause.message, { cause });
      throw cause;
    }
  }

  async write(data: T): Promise<void> {
    await replaceFile(this.#path, textOf(data), { durable: this.#durable });
  }
}

/** The lowdb document at `path`, read; its `data` is null when there is none. Errors: `Damaged`. */
export async function openDocument<T>(
  path: string,
  parse: (raw: unknown) => T,
  options: { durable: boolean },
): Promise<Low<T | null>> {
  const document = new Low<T | null>(new JsonDocument<T | null>(path, parse, options), null);
  await document.read();
  return document;
}
