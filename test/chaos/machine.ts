import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Bin } from '../helpers/bin.ts';
import type { Home } from '../helpers/home.ts';

/** A TypeScript program of this folder as one file that plain Node runs; it goes with the test. */
export async function bundled(bin: Bin, source: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'incident-chaos-'));
  bin.add(() => rm(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'program.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL(source, import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
  });
  return outfile;
}

/** What the machine does to a process; see preload/faults.ts. */
export interface Faults {
  CHAOS_CRASH_AT?: string;
  CHAOS_FAIL_AT?: string;
  CHAOS_FAIL_CODE?: string;
  CHAOS_SYNC_DELAY?: string;
  CHAOS_LOG?: string;
  CHAOS_CLOCK?: string;
  CHAOS_MEMORY?: string;
  CHAOS_ARM?: 'signal';
}

/** The same user's machine, with these faults for the servers that are started on it. `preload` is the bundled faults.ts. */
export const faulty = (home: Home, preload: string, faults: Faults): Home => ({
  ...home,
  env: { ...home.env, ...faults, NODE_OPTIONS: `--import=${preload}` },
});

/** The same, with temporary files in the home too: what a killed server leaves goes with the test. */
export const contained = (home: Home): Home => ({ ...home, env: { ...home.env, TMPDIR: home.dir } });

/** Kilobytes of `VmRSS` (now) or `VmHWM` (the most so far); null when the process is gone. */
export async function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM'): Promise<number | null> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status);
  return found ? Number(found[1]) : null;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
export const ms = (n: number): string => `${n < 10 ? n.toFixed(1) : Math.round(n)} ms`;
export const pause = (millis: number): Promise<void> => new Promise((wake) => setTimeout(wake, millis));
