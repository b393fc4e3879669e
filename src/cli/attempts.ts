import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { forbidden } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';

const ALLOWED = 5;
const PAUSE_MS = 60_000;
const MAX_PAUSE_MS = 60 * 60_000;
const schema = z.object({ failed: z.number().int().min(0), last_at: z.iso.datetime() });

/** Wrong secrets in a row, across processes: after five there is a pause that doubles, so that an assistant with a shell cannot guess. */
export class Attempts {
  readonly #file: string;
  readonly #clock: Clock;

  constructor(dataDir: string, clock: Clock) {
    this.#file = join(dataDir, 'attempts.json');
    this.#clock = clock;
  }

  /** Throws `FORBIDDEN` during a pause. */
  async mayTry(): Promise<void> {
    const { failed, last_at } = await this.#read();
    if (failed < ALLOWED) return;
    const pause = Math.min(PAUSE_MS * 2 ** (failed - ALLOWED), MAX_PAUSE_MS);
    const left = Date.parse(last_at) + pause - this.#clock.now().getTime();
    if (left <= 0) return;
    throw forbidden(
      `${failed} wrong secrets in a row; locked for ${Math.ceil(left / 1000)} s.`,
      'wait, and find out who tried.',
    );
  }

  async failed(): Promise<void> {
    const { failed } = await this.#read();
    await this.#write(failed + 1);
  }

  async succeeded(): Promise<void> {
    if ((await this.#read()).failed > 0) await this.#write(0);
  }

  async #read(): Promise<z.infer<typeof schema>> {
    try {
      return schema.parse(JSON.parse(await readFile(this.#file, 'utf8')));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { failed: 0, last_at: new Date(0).toISOString() };
      // Damaged or made unreadable: as if somebody had guessed too often, not as if nobody had.
      return { failed: ALLOWED, last_at: this.#clock.now().toISOString() };
    }
  }

  async #write(failed: number): Promise<void> {
    await mkdir(join(this.#file, '..'), { recursive: true, mode: 0o700 });
    const draft = `${this.#file}.${process.pid}`;
    await writeFile(draft, JSON.stringify({ failed, last_at: this.#clock.now().toISOString() }), { mode: 0o600 });
    await rename(draft, this.#file);
  }
}
