import { createHash } from 'node:crypto';

/** A seeded source of numbers and names: the same seed gives the same platform. Not for secrets of a real system. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** An integer in [low, high], both included. */
  int(low: number, high: number): number;
  pick<T>(items: readonly T[]): T;
  chars(length: number, alphabet?: string): string;
  hex(length: number): string;
  uuid(): string;
  /** An independent source for one purpose, so that drawing more for one thing does not change another. */
  fork(label: string): Random;
}

/** The alphabet Kubernetes uses for generated names: no vowels, hence no words. */
export const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

export function createRandom(seed: string): Random {
  let state = createHash('sha256').update(seed).digest().readUInt32LE(0);
  // mulberry32: small, fast, and enough for names and numbers.
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const int = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  const chars = (length: number, alphabet = NAME_ALPHABET): string => {
    let text = '';
    for (let i = 0; i < length; i++) text += alphabet[int(0, alphabet.length - 1)];
    return text;
  };
  const hex = (length: number): string => chars(length, '0123456789abcdef');
  return {
    next,
    int,
    chars,
    hex,
    pick: (items) => {
      const item = items[int(0, items.length - 1)];
      if (item === undefined) throw new RangeError('pick from an empty list');
      return item;
    },
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${chars(1, '89ab')}${hex(3)}-${hex(12)}`,
    fork: (label) => createRandom(`${seed}/${label}`),
  };
}
