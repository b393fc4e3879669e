import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** What came of one run of a thing: milliseconds, and what it gave. */
export interface Sample {
  ms: number;
  /** Bytes that a model, or a reader at the terminal, would get. */
  bytes: number;
  /** Bytes of the whole result as JSON; for programs the same. */
  whole: number;
}

export interface Series {
  name: string;
  samples: Sample[];
  /** Why there is no figure; then `samples` is empty. */
  failure: string | null;
}

export interface Subject {
  name: string;
  /** Runs once; its time is measured from outside unless it gives `ms` itself. */
  run(): Promise<{ bytes: number; whole?: number; ms?: number }>;
  /** Fewer runs for what takes long; default: as many as the round. */
  runs?: number;
  /** Not run unmeasured before: each run is made of so many that the first few do not tell. */
  cold?: boolean;
}

const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

export function median(values: readonly number[]): number {
  const list = sorted(values);
  const middle = Math.floor(list.length / 2);
  if (list.length === 0) return Number.NaN;
  return list.length % 2 === 1
    ? (list[middle] as number)
    : ((list[middle - 1] as number) + (list[middle] as number)) / 2;
}

export const least = (values: readonly number[]): number => sorted(values)[0] ?? Number.NaN;

/**
 * Runs all subjects in turns, so that noise meets all of them: once unmeasured, then `runs` times. What fails in the unmeasured round is left
 * out with what it said.
 */
export async function inTurns(
  subjects: readonly Subject[],
  runs: number,
  say: (line: string) => void,
): Promise<Map<string, Series>> {
  const all = new Map<string, Series>();
  for (let round = -1; round < runs; round++) {
    say(round < 0 ? 'warming up' : `round ${round + 1} of ${runs}`);
    for (const subject of subjects) {
      const series = all.get(subject.name) ?? { name: subject.name, samples: [], failure: null };
      all.set(subject.name, series);
      if (series.failure !== null || (round >= 0 && round >= (subject.runs ?? runs))) continue;
      if (round < 0 && subject.cold) continue;
      const began = performance.now();
      try {
        const { bytes, whole, ms } = await subject.run();
        const took = ms ?? performance.now() - began;
        if (round >= 0) series.samples.push({ ms: took, bytes, whole: whole ?? bytes });
      } catch (error) {
        series.failure = (error instanceof Error ? error.message : String(error)).slice(0, 300);
        series.samples = [];
      }
    }
  }
  return all;
}

function kilobytes(pid: number, field: 'VmRSS' | 'VmHWM'): number | null {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return null;
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(file, 'utf8'));
  return found ? Number(found[1]) : null;
}

const MB = 1_024;

/** Resident memory now, MB; null where there is no /proc. */
export function residentMb(pid: number): number | null {
  const kb = kilobytes(pid, 'VmRSS');
  return kb === null ? null : kb / MB;
}

/** Highest resident memory since `forgetPeak`, MB; null where there is no /proc. */
export function peakMb(pid: number): number | null {
  const kb = kilobytes(pid, 'VmHWM');
  return kb === null ? null : kb / MB;
}

/** Sets the peak back to what is resident now (proc(5), clear_refs). */
export function forgetPeak(pid: number): void {
  const file = `/proc/${pid}/clear_refs`;
  if (existsSync(file)) writeFileSync(file, '5');
}
