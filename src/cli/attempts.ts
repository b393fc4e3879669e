import { randomBytes } from 'node:crypto';
import { constants, lstat, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isInstant, MINUTE, toInstant } from '../domain/instant.ts';
import { forbidden, storeFailed } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';

const ALLOWED = 5;
const MAX_PAUSE_MS = 60 * MINUTE;
/** A link or a pipe in the place of the file must neither take the count away nor keep a process waiting. */
const PLAIN = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** One line a wrong secret: its instant, and a mark by which whoever wrote it finds it again. */
interface Line {
  text: string;
  at: Date | null;
}

/**
 * Wrong secrets in a row, across processes: after five there is a pause that doubles, so that an assistant with a shell cannot guess. One line a
 * wrong secret, appended, so that processes that guess at the same time do not overwrite each other's count.
 */
export class Attempts {
  readonly #file: string;
  readonly #clock: Clock;

  /** `folder` is where the count is kept. */
  constructor(folder: string, clock: Clock) {
    this.#file = join(folder, 'attempts.jsonl');
    this.#clock = clock;
  }

  /** Throws `FORBIDDEN` during a pause. */
  async mayTry(): Promise<void> {
    const lines = await this.#lines();
    this.#refuseWithin(lines === null ? ALLOWED : lines.length, await this.#last(lines));
  }

  /** Counts a wrong secret; gives a mark for `within`. Errors: `STORE` where it cannot be counted. */
  async failed(): Promise<string> {
    const mark = randomBytes(6).toString('hex');
    try {
      await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
      const handle = await open(this.#file, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | PLAIN, 0o600);
      try {
        await handle.appendFile(`${JSON.stringify(toInstant(this.#clock.now()))} ${mark}\n`);
      } finally {
        await handle.close();
      }
    } catch (cause) {
      throw storeFailed(
        `wrong secrets cannot be counted in ${this.#file} (${(cause as NodeJS.ErrnoException).code}), so none is taken.`,
        'make it a plain file in a folder that this user may write.',
        cause,
      );
    }
    return mark;
  }

  /**
   * Throws `FORBIDDEN` where the wrong secrets that were counted before this one have used up what is allowed: guesses that are made at once must
   * not all pass one look at the count.
   */
  async within(mark: string): Promise<void> {
    const lines = (await this.#lines()) ?? [];
    const mine = lines.findIndex(({ text }) => text.endsWith(mark));
    // Gone already: a right secret was given in between.
    if (mine >= 0) this.#refuseWithin(mine, await this.#last(lines.slice(0, mine)));
  }

  async succeeded(): Promise<void> {
    await rm(this.#file, { force: true });
  }

  #refuseWithin(failed: number, last: Date): void {
    if (failed < ALLOWED) return;
    const pause = Math.min(MINUTE * 2 ** (failed - ALLOWED), MAX_PAUSE_MS);
    const left = last.getTime() + pause - this.#clock.now().getTime();
    if (left <= 0) return;
    throw forbidden(
      `${failed} wrong secrets in a row; locked for ${Math.ceil(left / 1000)} s.`,
      'wait, and find out who tried.',
    );
  }

  /** Null where the file is there and cannot be read: as if somebody had guessed too often, not as if nobody had. */
  async #lines(): Promise<Line[] | null> {
    let text: string;
    try {
      const handle = await open(this.#file, constants.O_RDONLY | PLAIN);
      try {
        if (!(await handle.stat()).isFile()) return null;
        text = await handle.readFile('utf8');
      } finally {
        await handle.close();
      }
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? [] : null;
    }
    const lines = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => ({ text: line, at: instantIn(line) }));
    if (lines.at(-1)?.at) return lines;
    // Damaged, or emptied by other hands.
    return [...lines, ...Array.from({ length: Math.max(0, ALLOWED - lines.length) }, () => ({ text: '', at: null }))];
  }

  /** The newest of these; of a damaged file the moment it was last touched, so that it locks for a while and not for good. */
  async #last(lines: readonly Line[] | null): Promise<Date> {
    if (lines?.length === 0) return new Date(0);
    const at = lines?.at(-1)?.at;
    if (at) return at;
    return lstat(this.#file).then(
      ({ mtime }) => mtime,
      () => this.#clock.now(),
    );
  }
}

function instantIn(line: string): Date | null {
  const text = (line.split(' ')[0] ?? '').replaceAll('"', '');
  return isInstant(text) ? new Date(text) : null;
}
