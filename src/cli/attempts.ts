import { appendFile, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isInstant, MINUTE, toInstant } from '../domain/instant.ts';
import { forbidden } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';

const ALLOWED = 5;
const MAX_PAUSE_MS = 60 * MINUTE;

/**
 * Wrong secrets in a row, across processes: after five there is a pause that doubles, so that an assistant with a shell cannot guess. One line a
 * wrong secret, appended, so that processes that guess at the same time do not overwrite each other's count.
 */
export class Attempts {
  readonly #file: string;
  readonly #clock: Clock;

  constructor(dataDir: string, clock: Clock) {
    this.#file = join(dataDir, 'attempts.jsonl');
    this.#clock = clock;
  }

  /** Throws `FORBIDDEN` during a pause. */
  async mayTry(): Promise<void> {
    const { failed, last_at } = await this.#read();
    if (failed < ALLOWED) return;
    const pause = Math.min(MINUTE * 2 ** (failed - ALLOWED), MAX_PAUSE_MS);
    const left = last_at.getTime() + pause - this.#clock.now().getTime();
    if (left <= 0) return;
    throw forbidden(
      `${failed} wrong secrets in a row; locked for ${Math.ceil(left / 1000)} s.`,
      'wait, and find out who tried.',
    );
  }

  async failed(): Promise<void> {
    await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
    await appendFile(this.#file, `${JSON.stringify(toInstant(this.#clock.now()))}\n`, { mode: 0o600 });
  }

  async succeeded(): Promise<void> {
    await rm(this.#file, { force: true });
  }

  async #read(): Promise<{ failed: number; last_at: Date }> {
    let text: string;
    try {
      text = await readFile(this.#file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { failed: 0, last_at: new Date(0) };
      // Made unreadable: as if somebody had guessed too often, not as if nobody had.
      return { failed: ALLOWED, last_at: await this.#changed() };
    }
    const lines = text.split('\n').filter((line) => line !== '');
    const last = (lines.at(-1) ?? '').replaceAll('"', '');
    if (isInstant(last)) return { failed: lines.length, last_at: new Date(last) };
    return { failed: Math.max(lines.length, ALLOWED), last_at: await this.#changed() };
  }

  /** When the file was last touched: a damaged one locks for a while, not for good. */
  async #changed(): Promise<Date> {
    return stat(this.#file).then(
      ({ mtime }) => mtime,
      () => this.#clock.now(),
    );
  }
}
