import { type Instant, isInstant, toInstant } from '../../domain/instant.ts';

/** The instant of a timestamp of the API, or null where it has none or a broken one. */
export const instantOf = (text: string | null | undefined): Instant | null =>
  text && isInstant(text) ? toInstant(new Date(text)) : null;

const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  y: 365 * 86_400_000,
};

/** Milliseconds of the ages that the API server prints, such as `45s`, `3m12s`, `4d3h`, `1y20d`; null for anything else. */
export function parseAge(text: string): number | null {
  if (!/^(\d+[smhdy])+$/.test(text)) return null;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)([smhdy])/g)) total += Number(amount) * (UNITS[unit ?? ''] ?? 0);
  return total;
}
