import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { z } from 'zod';
import { createProcesses, selfIdentity } from '../../src/adapters/processes/index.ts';
import { createRunbooks } from '../../src/adapters/runbooks/index.ts';
import { createStore } from '../../src/adapters/store/index.ts';
import { createEnvironments } from '../../src/cli/environments.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import type { Draft, Plan } from '../../src/domain/plan.ts';
import type { TimelineEvent } from '../../src/domain/timeline.ts';
import type { ReadContext, RunResult } from '../../src/mcp/context.ts';
import type { GateDeps } from '../../src/mcp/gate/deps.ts';
import { type AnyGatedTool, defineTool } from '../../src/mcp/tool.ts';
import type { Store } from '../../src/ports/store.ts';
import { gatedArguments } from '../../tools/gated-arguments.ts';
import { declaration } from '../adapters/store/events.ts';

export const T0 = Date.parse('2026-03-02T12:00:00Z');
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

/** A clock that stands still until it is moved. */
export class TestClock {
  #now = T0;
  now = (): Date => new Date(this.#now);
  forward(ms: number): void {
    this.#now += ms;
  }
}

export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'incident-mcp-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** The checked configuration of a text, as if it lay in `folder`; no file of this machine is read. */
export const configOf = (text: string, folder: string): Config =>
  loadConfig({
    flags: { config: join(folder, 'c.yaml'), data_dir: join(folder, 'data') },
    env: { HOME: folder },
    cwd: folder,
    readFile: () => text,
  });

/** One environment whose cluster does not exist: these tests are about the gate, not about Kubernetes. */
const CONFIG = (policy: string): string =>
  `environments: { prod: { kubeconfig: nowhere, releases: [] } }\nsource_deadline: 1s\napproval: { lifetime: 10m, policy: ${policy} }\n`;

export interface Bench {
  folder: string;
  config: Config;
  clock: TestClock;
  store: Store;
  deps: GateDeps;
  warnings: string[];
  context(more?: { can_ask?: boolean; signal?: AbortSignal }): ReadContext;
  kinds(stream: string): Promise<string[]>;
  events(stream: string): Promise<TimelineEvent[]>;
  declare(): Promise<string>;
}

/** Real store, real policy, real processes in a folder of its own. `policy` is the YAML list of `approval.policy`. */
export async function bench(policy = '[]'): Promise<Bench> {
  const folder = await tempFolder();
  const config = configOf(CONFIG(policy), folder);
  const clock = new TestClock();
  const store = await createStore({ dir: config.data_dir, clock, key: new Uint8Array(32).fill(7) });
  const runbooks = createRunbooks({ own: join(folder, 'runbooks'), shipped: null });
  const refuse = (): Promise<never> => Promise.reject(new Error('no program is run in these tests'));
  const messenger = { send: refuse };
  const environments = createEnvironments(config, { HOME: folder }, refuse, { runbooks, messenger });
  const warnings: string[] = [];
  let ids = 0;
  const deps: GateDeps = {
    store,
    clock,
    processes: createProcesses(),
    self: selfIdentity,
    // What the small tool acts on is in the test's own hands, so there is nothing to build here.
    actuators: async () => ({}) as Awaited<ReturnType<GateDeps['actuators']>>,
    newApprovalId: () => `APR-${String(++ids).padStart(10, '0')}`,
    warn: (message) => warnings.push(message),
  };
  return {
    folder,
    config,
    clock,
    store,
    deps,
    warnings,
    context: ({ can_ask = false, signal = new AbortController().signal } = {}) => ({
      config,
      clock,
      caller: { name: 'test-client 1.0', can_ask },
      signal,
      record: store,
      runbooks,
      environment: (name) => environments.readers(name),
      progress: () => {},
    }),
    kinds: async (stream) => (await store.timeline(stream)).map((event) => event.kind),
    events: (stream) => store.timeline(stream),
    declare: async () => (await store.declare((id) => declaration(id))).incident.id,
  };
}

/** The part of the world that the small tool changes, and what happened to it. */
export interface World {
  generation: number;
  risk: Draft['risk'];
  ran: Plan[];
  /** Takes the place of the tool's own end. */
  onRun?: () => Promise<RunResult | undefined> | RunResult | undefined;
  /** What a later look finds; null: it still goes on. */
  found: RunResult | null | Error;
}

export const world = (): World => ({ generation: 1, risk: 'medium', ran: [], found: null });

/** A small gated tool: it changes a number in memory, and its plan depends on that number. */
export const tinyTool = (state: World, name = 'restart_service'): AnyGatedTool =>
  defineTool({
    name,
    title: 'Restart',
    effect: 'gated',
    description: 'Restarts after a human approved it.',
    input: z.strictObject({ service: z.string(), ...gatedArguments }),
    plan: async (args) => ({
      action: 'restart_service',
      environment: 'prod',
      cluster: 'test (none)',
      target: args.service,
      namespace: 'core-prod',
      from: `generation ${state.generation}`,
      to: 'new pods',
      command: ['kubectl', 'rollout', 'restart', `deployment/${args.service}`],
      changes: [],
      changes_total: 0,
      blast_radius: { pods: 1, customers: null },
      warnings: [],
      risk: state.risk,
      reason: args.reason,
      world: { generation: state.generation },
    }),
    run: async (plan) => {
      state.ran.push(plan);
      const other = await state.onRun?.();
      state.generation += 1;
      return other ?? { status: 'executed', summary: 'restarted', details: { generation: state.generation } };
    },
    reconcile: async () => {
      if (state.found instanceof Error) throw state.found;
      return state.found;
    },
  });

export const ARGS = { service: 'analysis-engine', reason: 'stuck' };
/** A human's decision at a terminal, for `recordDecision`. */
export const terminal = (approver = 'Ada', decision: 'approve' | 'reject' = 'approve') =>
  ({ decision, way: 'terminal', approver, note: null }) as const;
