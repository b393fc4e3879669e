import { onTestFailed } from 'vitest';

/** A small generator (mulberry32): fast, and the same everywhere for a seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 up to and without 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 up to and without `n`. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  bytes(n: number): Buffer {
    return Buffer.from(Array.from({ length: n }, () => this.below(256)));
  }
}

/** The seed of this run: `INCIDENT_MCP_SEED`, else a fresh one. To be called in a test: it is printed when that test fails. */
export function seedOfTest(): number {
  const given = Number(process.env.INCIDENT_MCP_SEED ?? Number.NaN);
  const seed = Number.isSafeInteger(given) ? given : Math.floor(Math.random() * 2 ** 31);
  onTestFailed(() => void process.stderr.write(`this failure is of INCIDENT_MCP_SEED=${seed}\n`));
  return seed;
}

/** More than the issue asks for, where that takes minutes. */
export const FULL = Boolean(process.env.INCIDENT_MCP_FULL);

/** How often something is tried: the number, or a share of it (`INCIDENT_MCP_CHAOS_SHARE`, such as 0.05) for a quick look. */
export const times = (n: number): number =>
  Math.max(1, Math.ceil(n * Math.min(1, Number(process.env.INCIDENT_MCP_CHAOS_SHARE ?? 1))));

/** Says it on stderr when `INCIDENT_MCP_CHAOS_SHOW` is set: for whoever looks for the reason of a failure. */
export function show(what: string): void {
  if (process.env.INCIDENT_MCP_CHAOS_SHOW) process.stderr.write(`${what}\n`);
}
