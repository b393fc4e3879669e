import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What has to go when a test file is done: processes and folders, last made first. */
export class Bin {
  readonly #undo: (() => Promise<unknown> | unknown)[] = [];

  add(undo: () => Promise<unknown> | unknown): void {
    this.#undo.push(undo);
  }

  async folder(): Promise<string> {
    const dir = await mkdtemp(join(tmpdir(), 'incident-e2e-'));
    this.add(() => rm(dir, { recursive: true, force: true, maxRetries: 3 }));
    return dir;
  }

  /** Undoes everything also when a part fails; the first failure is thrown at the end. */
  async empty(): Promise<void> {
    const failures: unknown[] = [];
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) {
      try {
        await undo();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
