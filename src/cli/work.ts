import type { WorkTracker } from '../mcp/deps.ts';

/** Work under way that must not be cut: approved changes, outcomes, background captures. */
export class Work implements WorkTracker {
  readonly #open = new Set<Promise<unknown>>();

  track<T>(work: Promise<T>): Promise<T> {
    this.#open.add(work);
    const forget = (): void => {
      this.#open.delete(work);
    };
    work.then(forget, forget);
    return work;
  }

  /** Resolves when nothing is under way any more, or after `ms`. True when all ended. */
  async drained(ms: number): Promise<boolean> {
    const end = Date.now() + ms;
    while (this.#open.size > 0) {
      const left = end - Date.now();
      if (left <= 0) return false;
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<void>((wake) => {
        timer = setTimeout(wake, left);
      });
      await Promise.race([Promise.allSettled([...this.#open]), limit]);
      clearTimeout(timer);
    }
    return true;
  }
}
