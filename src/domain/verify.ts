/** Comparison of the figures before and after a change: did it help? */

export interface Figures {
  at: string;
  /** Highest error rate of any service, 0..1. */
  error_rate: number | null;
  /** Highest 95th percentile of any service, seconds. */
  latency_p95: number | null;
  ready: number | null;
  desired: number | null;
  restarts: number | null;
  agents_connected: number | null;
  customers_affected: number | null;
}

export const VERDICTS = ['improved', 'unchanged', 'worse', 'unknown'] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface Comparison {
  verdict: Verdict;
  /** One sentence a figure that moved or that is not known. */
  findings: string[];
}

type Direction = 'better' | 'worse' | 'same' | 'unknown';

interface Rule {
  name: string;
  of: (figures: Figures) => number | null;
  /** `down`: less is better. */
  good: 'down' | 'up';
  /** Smaller moves are noise: absolute, and relative to the figure before. */
  absolute: number;
  relative: number;
  show: (value: number) => string;
}

const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;
const count = (value: number): string => String(Math.round(value));

const RULES: readonly Rule[] = [
  { name: 'error rate', of: (f) => f.error_rate, good: 'down', absolute: 0.01, relative: 0.2, show: percent },
  {
    name: 'p95 latency',
    of: (f) => f.latency_p95,
    good: 'down',
    absolute: 0.1,
    relative: 0.2,
    show: (v) => `${v.toFixed(2)} s`,
  },
  {
    name: 'pods not ready',
    of: (f) => (f.ready === null || f.desired === null ? null : f.desired - f.ready),
    good: 'down',
    absolute: 1,
    relative: 0,
    show: count,
  },
  { name: 'agents connected', of: (f) => f.agents_connected, good: 'up', absolute: 1, relative: 0.02, show: count },
  {
    name: 'customers affected',
    of: (f) => f.customers_affected,
    good: 'down',
    absolute: 1,
    relative: 0.1,
    show: count,
  },
];

function compare(rule: Rule, before: Figures, after: Figures): { direction: Direction; words: string } {
  const [a, b] = [rule.of(before), rule.of(after)];
  if (a === null || b === null)
    return { direction: 'unknown', words: `${rule.name}: not known ${a === null ? 'before' : 'after'}` };
  const moved = b - a;
  const material = Math.abs(moved) >= rule.absolute && Math.abs(moved) >= Math.abs(a) * rule.relative;
  const words = `${rule.name}: ${rule.show(a)} -> ${rule.show(b)}`;
  if (!material) return { direction: 'same', words };
  return { direction: moved < 0 === (rule.good === 'down') ? 'better' : 'worse', words };
}

/**
 * `improved` when something got better and nothing worse, `worse` as soon as something got worse and no customer gained by it, `unchanged`
 * when nothing moved, `unknown` when nothing can be compared. Restarts are shown but do not decide: a rollout resets them.
 */
export function compareFigures(before: Figures | null, after: Figures): Comparison {
  if (!before) return { verdict: 'unknown', findings: ['the figures before the change were not recorded'] };
  const rows = RULES.map((rule) => compare(rule, before, after));
  const found = (direction: Direction): boolean => rows.some((row) => row.direction === direction);
  const findings = rows.filter((row) => row.direction !== 'same').map((row) => row.words);
  const customers = rows.at(-1)?.direction;
  if (rows.every((row) => row.direction === 'unknown')) return { verdict: 'unknown', findings };
  if (found('worse')) return { verdict: customers === 'better' ? 'improved' : 'worse', findings };
  if (found('better')) return { verdict: 'improved', findings };
  return { verdict: 'unchanged', findings: findings.length > 0 ? findings : ['no figure moved'] };
}
