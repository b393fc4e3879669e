import type { ProgressToken, RequestId } from '@modelcontextprotocol/server';

export type SendProgress = (progress: number, message: string) => void;

const EVERY_MS = 10_000;

/**
 * While a human fills in a form the call stays open. Clients of 2025 give up after 60 s unless progress arrives, so a beat is sent
 * until the call is answered; the transport tells when that is (`answered`).
 */
export class Heartbeats {
  readonly #timers = new Map<RequestId, NodeJS.Timeout>();

  start(id: RequestId, message: string, send: SendProgress, forMs: number): void {
    this.answered(id);
    const since = Date.now();
    const timer = setInterval(() => {
      const age = Date.now() - since;
      if (age > forMs) this.answered(id);
      else send(Math.round(age / 1000), message);
    }, EVERY_MS);
    timer.unref();
    this.#timers.set(id, timer);
  }

  answered(id: RequestId): void {
    const timer = this.#timers.get(id);
    if (timer) clearInterval(timer);
    this.#timers.delete(id);
  }

  stop(): void {
    for (const id of [...this.#timers.keys()]) this.answered(id);
  }
}

export type { ProgressToken };
