import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach } from 'vitest';
import type { StoreOptions } from '../../../src/adapters/store/index.ts';
import type { Approval } from '../../../src/domain/approval.ts';
import type { Store } from '../../../src/ports/store.ts';
import { declaration, note } from './events.ts';
import { openForTest } from './open.ts';

export { declaration, note } from './events.ts';
export { openForTest as openStore } from './open.ts';

const cleanups: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'incident-store-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** A store in a folder that does not exist yet. */
export async function tempStore(options: Partial<StoreOptions> = {}): Promise<{ dir: string; store: Store }> {
  const dir = options.dir ?? join(await tempFolder(), 'data');
  return { dir, store: await openForTest(dir, options) };
}

export async function declared(store: Store, title?: string): Promise<string> {
  return (await store.declare((id) => declaration(id, title))).incident.id;
}

/** Appends `n` notes one after another. */
export async function addNotes(store: Store, stream: string, n: number, prefix = 'note'): Promise<void> {
  for (let i = 1; i <= n; i += 1) await store.append(stream, () => [note(`${prefix} ${i}`)]);
}

export const timelinePath = (dir: string, id: string): string => join(dir, 'incidents', id, 'timeline.jsonl');
export const linesOf = async (path: string): Promise<string[]> =>
  (await readFile(path, 'utf8')).split('\n').slice(0, -1);

export const approval = (id: string, more: Partial<Approval> = {}): Approval => ({
  approval_id: id,
  tool: 'restart_service',
  arguments_hash: 'f'.repeat(64),
  incident_id: 'INC-0001',
  plan: {
    action: 'restart_service',
    environment: 'prod',
    cluster: 'https://127.0.0.1:6443 (prod)',
    target: 'core',
    namespace: 'core-prod',
    from: '3 pods',
    to: '3 new pods',
    command: ['kubectl', 'rollout', 'restart', 'deployment/core'],
    changes: [{ kind: 'Deployment', name: 'core', field: 'restartedAt', from: null, to: 'now' }],
    changes_total: 1,
    blast_radius: { pods: 3, customers: null },
    warnings: [],
    risk: 'low',
    reason: 'stuck process',
    digest: 'a'.repeat(64),
    expires_at: '2026-03-01T14:40:00.000Z',
  },
  world: { generation: 4, uid: 'u-1' },
  status: 'approved',
  ways: ['client_form', 'terminal'],
  approvers_needed: 1,
  decisions: [{ decision: 'approve', way: 'terminal', approver: 'Ada', note: null, at: '2026-03-01T14:31:00.000Z' }],
  requested_by: 'test 1.0',
  created_at: '2026-03-01T14:30:00.000Z',
  expires_at: '2026-03-01T14:40:00.000Z',
  runner: null,
  outcome: null,
  ...more,
});

/** The worker as one file that plain Node runs; Node 20 cannot run TypeScript. */
export async function bundledWorker(): Promise<string> {
  const outfile = join(await tempFolder(), 'worker.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('./worker.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  });
  return outfile;
}

export interface Worker {
  process: ChildProcess;
  /** Lines the worker wrote so far: one for each acknowledged act. */
  lines: string[];
  /** Exit code, or the signal's name. */
  ended: Promise<number | string>;
  /** Resolves when the worker has written `n` lines. */
  said(n: number): Promise<void>;
}

/** Starts the worker with arguments; it is killed after the test at the latest. `wrap` is put before it, such as `prlimit`. */
export function startWorker(file: string, args: string[], wrap: string[] = []): Worker {
  const [command, ...rest] = [...wrap, process.execPath, file, ...args] as [string, ...string[]];
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const waiters: { n: number; tell: () => void }[] = [];
  let kept = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (kept + text).split('\n');
    kept = parts.pop() ?? '';
    lines.push(...parts);
    for (const waiter of waiters) if (lines.length >= waiter.n) waiter.tell();
  });
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'gone'));
  });
  cleanups.push(async () => {
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await ended;
  });
  const said = (n: number): Promise<void> =>
    new Promise((resolve, reject) => {
      if (lines.length >= n) return resolve();
      const timer = setTimeout(() => reject(new Error(`the worker said ${lines.length} of ${n} lines`)), 20_000);
      const tell = (): void => {
        clearTimeout(timer);
        resolve();
      };
      waiters.push({ n, tell });
    });
  return { process: child, lines, ended, said };
}
