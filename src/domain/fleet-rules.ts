import type { CustomerAgents, FleetReading } from './observe.ts';

export const SCOPES = ['all', 'many', 'some', 'none'] as const;
export type Scope = (typeof SCOPES)[number];

export interface FleetRules {
  /** 0..1: share of the expected agents that must be connected. */
  slo_target: number;
  /** 0..1: a customer with a smaller share of its agents is affected. */
  customer_threshold: number;
  /** 0..1: a customer with at least this error ratio is affected. */
  impaired_threshold: number;
  /** Percent of customers from which the scope is `all` and `many`. */
  scope: { all: number; many: number };
}

export const DEFAULT_FLEET_RULES: FleetRules = {
  slo_target: 0.99,
  customer_threshold: 0.9,
  impaired_threshold: 0.05,
  scope: { all: 95, many: 20 },
};

export interface CustomerState {
  customer: string;
  agents_expected: number | null;
  agents_connected: number | null;
  error_ratio: number | null;
  /** null where the reading does not tell. */
  affected: boolean | null;
  /** Why it counts as affected, or what is not known; null when all is well. */
  reason: string | null;
}

/** Every figure is null where it is unknown; unknown is never 0. */
export interface FleetJudgement {
  customers_total: number | null;
  /** Known to be affected; with `customers_unknown` > 0 a lower bound. */
  customers_affected: number | null;
  customers_unknown: number | null;
  /** One decimal. */
  affected_percent: number | null;
  /** Sums over the customers for which the figure is known. */
  agents_expected: number | null;
  agents_connected: number | null;
  /** Expected agents of the customers of which it is not known how many are connected: part of `agents_expected`, absent from `agents_connected`. */
  agents_unknown: number;
  /**
   * `current` is connected over expected where both are known, 0..1, four decimals; `breached` is null where the agents of which nothing is
   * known would decide.
   */
  slo: { target: number; current: number | null; breached: boolean | null };
  scope: Scope | null;
  /** Worst first. */
  customers: CustomerState[];
  versions: { version: string; agents: number }[];
  gaps: string[];
}

const percent = (ratio: number): string => `${Math.round(ratio * 1000) / 10} %`;
const round = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;
const share = (c: CustomerState): number | null =>
  c.agents_expected === null || c.agents_connected === null || c.agents_expected <= 0
    ? null
    : c.agents_connected / c.agents_expected;

/**
 * How many customers are affected. A customer is when too few of its agents are connected or too many of its requests fail.
 * Source: the runbook, "Triage" step 1 and "Severity levels" (all, many, some customers).
 *
 * @param reading null where the fleet could not be read at all
 */
export function judgeFleet(reading: FleetReading | null, rules: Partial<FleetRules> = {}): FleetJudgement {
  const all: FleetRules = { ...DEFAULT_FLEET_RULES, ...rules };
  const gaps = [...(reading?.gaps ?? ['the fleet could not be read'])];
  const customers = (reading?.customers ?? []).map((c) => stateOf(c, all)).sort(worstFirst);
  const versions = [...(reading?.versions ?? [])].sort((a, b) => b.agents - a.agents);
  // No customer at all means that the series is missing: a platform without customers has no incidents.
  if (customers.length === 0 && reading) gaps.push('the source names no customer');
  const total = customers.length === 0 ? null : customers.length;
  const unknown = customers.filter((c) => c.affected === null).length;
  const nothingKnown = total === null || unknown === total;
  const affected = nothingKnown ? null : customers.filter((c) => c.affected).length;
  if (unknown > 0) gaps.push(`for ${unknown} of ${total} customers it is not known whether they are affected`);
  const ratio = total === null || affected === null ? null : (affected / total) * 100;
  return {
    customers_total: total,
    customers_affected: affected,
    customers_unknown: total === null ? null : unknown,
    affected_percent: ratio === null ? null : round(ratio, 1),
    agents_expected: sumOf(customers, (c) => c.agents_expected),
    agents_connected: sumOf(customers, (c) => c.agents_connected),
    agents_unknown: sumOf(customers, unknownAgents) ?? 0,
    slo: sloOf(customers, all.slo_target),
    scope: scopeOf(ratio, unknown, all.scope),
    customers,
    versions,
    gaps,
  };
}

function stateOf(c: CustomerAgents, rules: FleetRules): CustomerState {
  const { customer, expected, connected, error_ratio } = c;
  const state = { customer, agents_expected: expected, agents_connected: connected, error_ratio };
  const reasons: string[] = [];
  if (expected !== null && connected !== null && expected > 0 && connected / expected < rules.customer_threshold) {
    reasons.push(`${connected} of ${expected} agents connected`);
  }
  if (error_ratio !== null && error_ratio >= rules.impaired_threshold)
    reasons.push(`error ratio ${percent(error_ratio)}`);
  if (reasons.length > 0) return { ...state, affected: true, reason: reasons.join('; ') };
  if (expected === null || (connected === null && expected > 0)) {
    return { ...state, affected: null, reason: `agents ${expected === null ? 'expected' : 'connected'} not known` };
  }
  return { ...state, affected: false, reason: null };
}

const RANK = new Map<boolean | null, number>([
  [true, 0],
  [null, 1],
  [false, 2],
]);
const lost = (c: CustomerState): number => Math.max(0, (c.agents_expected ?? 0) - (c.agents_connected ?? 0));

function worstFirst(a: CustomerState, b: CustomerState): number {
  return (
    (RANK.get(a.affected) ?? 0) - (RANK.get(b.affected) ?? 0) ||
    (share(a) ?? 1) - (share(b) ?? 1) ||
    (b.error_ratio ?? 0) - (a.error_ratio ?? 0) ||
    lost(b) - lost(a) ||
    (a.customer < b.customer ? -1 : a.customer > b.customer ? 1 : 0)
  );
}

function sumOf(customers: readonly CustomerState[], pick: (c: CustomerState) => number | null): number | null {
  const known = customers.map(pick).filter((value): value is number => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}

const unknownAgents = (c: CustomerState): number => (c.agents_connected === null ? (c.agents_expected ?? 0) : 0);

function sloOf(customers: readonly CustomerState[], target: number): FleetJudgement['slo'] {
  const both = customers.filter((c) => c.agents_expected !== null && c.agents_connected !== null);
  const expected = sumOf(both, (c) => c.agents_expected);
  const connected = sumOf(both, (c) => c.agents_connected);
  if (expected === null || connected === null || expected === 0) return { target, current: null, breached: null };
  // More agents than expected (a rollout of theirs) is not better than all of them.
  const capped = Math.min(expected, connected);
  const current = capped / expected;
  const missing = sumOf(customers, unknownAgents) ?? 0;
  const best = (capped + missing) / (expected + missing);
  const worst = capped / (expected + missing);
  const breached = best < target ? true : worst >= target ? false : null;
  return { target, current: round(current, 4), breached };
}

/** `none` is only said when nothing is unknown: it is the one scope that would call a customer well without knowing. */
function scopeOf(affectedPercent: number | null, unknown: number, limits: FleetRules['scope']): Scope | null {
  if (affectedPercent === null) return null;
  if (affectedPercent >= limits.all) return 'all';
  if (affectedPercent >= limits.many && affectedPercent > 0) return 'many';
  if (affectedPercent > 0) return 'some';
  return unknown > 0 ? null : 'none';
}
