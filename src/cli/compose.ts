import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prompts } from '../../prompts/index.ts';
import { createProcesses, selfIdentity } from '../adapters/processes/index.ts';
import { createRunbooks } from '../adapters/runbooks/index.ts';
import { type Config, type ConfigFlags, loadConfig } from '../config.ts';
import { thumbprint } from '../domain/passkey.ts';
import { notFound } from '../errors.ts';
import type { ServerDeps } from '../mcp/deps.ts';
import { type GateDeps, SYSTEM, type Warn } from '../mcp/gate/deps.ts';
import { Heartbeats } from '../mcp/heartbeat.ts';
import { sendMessage } from '../mcp/messages.ts';
import type { Clock } from '../ports/clock.ts';
import type { Commands } from '../ports/commands.ts';
import type { Store } from '../ports/store.ts';
import { LazyPage } from './approval-page.ts';
import { secretId } from './approver-secret.ts';
import { createEnvironments } from './environments.ts';
import { createHumans } from './humans.ts';
import { lazyStore } from './lazy-store.ts';
import { createNotifications } from './notifications.ts';
import { recordKey } from './record-key.ts';
import { VERSION } from './version.ts';
import { Work } from './work.ts';

export type Env = Readonly<Record<string, string | undefined>>;

export const systemClock: Clock = { now: () => new Date() };

// Crockford's alphabet: no letters that are read as digits, since people type these ids at a terminal.
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const newApprovalId = (): string =>
  `APR-${Array.from({ length: 10 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')}`;

/** The configuration of this process, from flags, environment and files. */
export const configure = (flags: ConfigFlags, env: Env): Config =>
  loadConfig({
    flags,
    env,
    cwd: process.cwd(),
    readFile: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : null),
  });

/** The shipped runbooks lie beside the bundle's folder; in a checkout beside `src`. */
function shippedRunbooks(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (let up = 0; up < 4; up++) {
    if (existsSync(join(folder, 'runbooks'))) return join(folder, 'runbooks');
    folder = dirname(folder);
  }
  return join(process.cwd(), 'runbooks');
}

/** The build puts it beside the program. */
const card = (): Promise<string> =>
  readFile(join(dirname(fileURLToPath(import.meta.url)), 'card.html'), 'utf8').catch(() => {
    throw notFound('this build has no card.', 'use the text of the results, or build anew.');
  });

/** The record alone: what the terminal's commands need. */
export function openStore(config: Config, clock: Clock, warn: Warn): Store {
  return lazyStore(async () => {
    const { createStore } = await import('../adapters/store/index.ts');
    return createStore({
      dir: config.data_dir,
      clock,
      key: recordKey(config.key_file),
      log: { warn: (facts, message) => warn(message, { ...facts }) },
    });
  });
}

export interface Composed {
  deps: ServerDeps;
  work: Work;
  /** What an earlier process left undone and needs no client: queued notices. */
  resume(): Promise<void>;
  close(): Promise<void>;
}

/** Puts a server together from a configuration. Nothing here touches cluster, sources or network. */
export async function compose(
  config: Config,
  env: Env,
  options: { read_only: boolean; warn: Warn },
): Promise<Composed> {
  const clock = systemClock;
  const work = new Work();
  const store = openStore(config, clock, options.warn);
  let commands: Promise<Commands> | null = null;
  const loadCommands = (): Promise<Commands> => {
    commands ??= import('../adapters/commands/index.ts').then(({ createCommands }) =>
      createCommands({ programs: config.programs, env, passthrough: config.program_environment }),
    );
    return commands;
  };
  const notifications = createNotifications(config, env, clock, options.warn);
  const runbooks = createRunbooks(
    config.runbooks_dir
      ? { own: config.runbooks_dir, shipped: null }
      : { own: join(config.data_dir, 'runbooks'), shipped: shippedRunbooks() },
  );
  const environments = createEnvironments(config, env, loadCommands, {
    runbooks,
    messenger: {
      send: (id, audience, message) =>
        sendMessage({ store, clock, notify: (notice) => notifications.send(notice) }, id, audience, message, SYSTEM),
    },
  });
  const humans = createHumans(config, clock);
  const page = new LazyPage({ config, store, clock, humans, warn: options.warn });
  const gate: GateDeps = {
    store,
    clock,
    self: selfIdentity,
    processes: createProcesses(),
    actuators: (name) => environments.actuators(name),
    newApprovalId,
    secretId: () => secretId(config.secret_file),
    // A damaged file of passkeys costs that way and no other.
    passkeys: async () => (await humans.passkeys().catch(() => [])).map(thumbprint),
    warn: options.warn,
  };
  const heartbeats = new Heartbeats();
  return {
    work,
    deps: {
      version: VERSION,
      config,
      clock,
      store,
      runbooks,
      environment: (name) => environments.readers(name),
      notify: (notice) => notifications.send(notice),
      gate,
      ...(options.read_only ? {} : { approvalPage: (approval) => page.address(approval) }),
      work,
      tools: async () => (await import('../../tools/index.ts')).tools,
      prompts,
      card,
      read_only: options.read_only,
      state_key: randomBytes(32),
      heartbeats,
    },
    resume: () => notifications.resume(),
    close: async () => {
      heartbeats.stop();
      await page.close();
      await notifications.close();
    },
  };
}
