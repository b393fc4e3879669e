import { randomBytes, scryptSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createStore } from '../../src/adapters/store/index.ts';
import { hashSecret } from '../../src/cli/approver-secret.ts';
import { recordKey } from '../../src/cli/record-key.ts';
import type { NewEvent } from '../../src/domain/timeline.ts';
import type { Store } from '../../src/ports/store.ts';
import type { Bin } from '../helpers/bin.ts';
import { TESTED } from '../helpers/dist.ts';
import { run, type Said } from '../helpers/process.ts';

export const SECRET = 'correct horse battery';

/** A hash of the least cost that is taken, for tests that try many secrets. */
export function cheapHash(secret: string): string {
  const salt = randomBytes(16);
  const key = scryptSync(secret, salt, 32, { N: 2 ** 14, r: 8, p: 1 });
  return `scrypt$16384$8$1$${salt.toString('base64url')}$${key.toString('base64url')}`;
}

/** One person's machine with nothing on it: commands run there as this person would run them. */
export interface Desk {
  dir: string;
  /** The user's configuration folder of the product. */
  folder: string;
  data: string;
  env: Record<string, string>;
  run(argv: readonly string[], stdin?: string): Promise<Said>;
  /** A file below the home folder. */
  write(name: string, text: string, mode?: number): Promise<string>;
  /** The record of this machine, as a server would write it. */
  store(now?: () => Date): Promise<Store>;
  setSecret(): Promise<void>;
}

export async function makeDesk(bin: Bin): Promise<Desk> {
  const dir = await bin.folder();
  const folder = join(dir, 'config', 'incident-mcp');
  const data = join(dir, 'share', 'incident-mcp');
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: dir,
    XDG_CONFIG_HOME: join(dir, 'config'),
    XDG_DATA_HOME: join(dir, 'share'),
    INCIDENT_MCP_LOG: 'silent',
  };
  await mkdir(folder, { recursive: true });
  return {
    dir,
    folder,
    data,
    env,
    run: (argv, stdin) =>
      run(process.execPath, [TESTED.cli, ...argv], { env, cwd: dir, ...(stdin === undefined ? {} : { stdin }) }),
    write: async (name, text, mode = 0o600) => {
      const path = join(dir, name);
      await writeFile(path, text, { mode });
      return path;
    },
    store: (now = () => new Date()) =>
      createStore({ dir: data, clock: { now }, key: recordKey(join(folder, 'record.key')) }),
    setSecret: async () => writeFile(join(folder, 'approver.hash'), `${await hashSecret(SECRET)}\n`, { mode: 0o600 }),
  };
}

export interface Declared {
  severity?: 'SEV1' | 'SEV2' | 'SEV3' | 'SEV4';
  title?: string;
  /** Minutes before now. */
  ago?: number;
  drill?: boolean;
}

/** One present for all of a file's events, so that durations come out even. */
const START = Date.now();
const minutesAgo = (minutes: number): string => new Date(START - minutes * 60_000).toISOString();

export async function declare(store: Store, more: Declared = {}): Promise<string> {
  const { severity = 'SEV2', title = 'Analysis fails', ago = 60, drill = false } = more;
  const { incident } = await store.declare((id) => ({
    kind: 'declared',
    message: `declared: ${title}`,
    occurred_at: minutesAgo(ago),
    actor: { type: 'assistant', name: 'test 1.0' },
    change: {
      declared: {
        id,
        title,
        severity,
        environment: 'prod',
        summary: null,
        components: ['analysis-engine'],
        drill,
        declared_at: minutesAgo(ago),
        detected_at: minutesAgo(ago + 2),
        detected_by: null,
        impact_started_at: minutesAgo(ago + 10),
      },
    },
  }));
  return incident.id;
}

export const note = (message: string, more: Partial<NewEvent> = {}): NewEvent => ({
  kind: 'note',
  message,
  actor: { type: 'assistant', name: 'test 1.0' },
  ...more,
});

/** The impact stopped so many minutes ago. */
export const mitigated = (ago: number): NewEvent =>
  note('the impact stopped', {
    kind: 'status_changed',
    occurred_at: minutesAgo(ago),
    change: { status: 'mitigated', mitigated_at: minutesAgo(ago) },
  });
