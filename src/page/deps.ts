import type { Incident } from '../domain/incident.ts';
import type { Clock } from '../ports/clock.ts';
import type { Humans } from '../ports/humans.ts';
import type { Store } from '../ports/store.ts';

/** A file of the page, such as `app.js`. */
export interface Asset {
  body: Buffer;
  type: string;
}

export interface PageDeps {
  store: Store;
  clock: Clock;
  humans: Humans;
  /** The incident's line of state. */
  stateLine(incident: Incident): string;
  asset(name: string): Promise<Asset | null>;
  warn(message: string, facts?: Record<string, unknown>): void;
}
