import type { Config } from '../config.ts';
import type { Approval } from '../domain/approval.ts';
import type { Clock } from '../ports/clock.ts';
import type { Delivery, Notice } from '../ports/notifier.ts';
import type { Runbooks } from '../ports/runbooks.ts';
import type { Store } from '../ports/store.ts';
import type { EnvironmentReaders } from './context.ts';
import type { GateDeps } from './gate/deps.ts';
import type { Heartbeats } from './heartbeat.ts';
import type { Prompt } from './prompt.ts';
import type { AnyTool } from './tool.ts';

/** Work that outlives the call that began it: approved changes, background captures. Awaited at shutdown. */
export interface WorkTracker {
  track<T>(work: Promise<T>): Promise<T>;
}

/** What the composition root gives to a server; the server knows nothing of stdio, files or programs. */
export interface ServerDeps {
  version: string;
  config: Config;
  clock: Clock;
  store: Store;
  runbooks: Runbooks;
  environment(name?: string): EnvironmentReaders;
  notify(notice: Notice): Promise<Delivery[]>;
  gate: GateDeps;
  /** Where a human decides a plan in a browser; starts the page when it is needed. */
  approvalPage?(approval: Approval): Promise<string | null>;
  work: WorkTracker;
  /** Loaded on first use: `initialize` must not wait for their schemas. */
  tools(): Promise<readonly AnyTool[]>;
  prompts: readonly Prompt[];
  /** The HTML of the card in the chat. Errors: `NOT_FOUND` where the build has none. */
  card(): Promise<string>;
  /** Only `read` tools exist: the others are neither listed nor run. */
  read_only: boolean;
  /** Key of the sealed form state, at least 32 bytes. */
  state_key: Uint8Array;
  heartbeats: Heartbeats;
}
