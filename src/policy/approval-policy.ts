import type { Way } from '../domain/approval.ts';
import { formatDuration, MINUTE } from '../domain/instant.ts';
import type { Action, Risk } from '../domain/plan.ts';
import type { Severity } from '../domain/severity.ts';

/** One rule of the configuration's `approval.policy`. What is absent matches everything; `lifetime` is in milliseconds. */
export interface PolicyRule {
  action?: Action | Action[] | undefined;
  environment?: string | string[] | undefined;
  /** Worst severity so far of the incident that the change belongs to; a change without an incident never matches it. */
  severity?: Severity | Severity[] | undefined;
  risk?: Risk | Risk[] | undefined;
  ways: Way[];
  /** How many different people must approve; default 1. All that comes through the client's form counts as one. */
  approvers?: number | undefined;
  lifetime?: number | undefined;
}

export interface PolicySubject {
  action: Action;
  environment: string;
  risk: Risk;
  /** Worst severity so far of the incident it belongs to; absent or null without one. */
  severity?: Severity | null;
}

export interface PolicyAnswer {
  ways: Way[];
  approvers_needed: number;
  lifetime_ms: number;
  /** Which rule decided, in words for people. */
  why: string;
}

/** Source: the product's contract, "Approval" step 5. */
export const DEFAULT_LIFETIME_MS = 10 * MINUTE;

const STRONG: readonly Way[] = ['terminal', 'page_secret', 'passkey'];
const EVERY: readonly Way[] = ['client_form', ...STRONG];

const WAY_WORDS: Record<Way, string> = {
  client_form: "the client's form",
  terminal: 'a terminal with the secret',
  page_secret: 'the local page with the secret',
  passkey: 'the local page with a passkey',
};

const listOf = <T>(value: T | T[] | undefined): T[] | null =>
  value === undefined ? null : Array.isArray(value) ? value : [value];
const admits = <T>(value: T | T[] | undefined, actual: T | null): boolean => {
  const list = listOf(value);
  return list === null || (actual !== null && list.includes(actual));
};

function conditionOf(rule: PolicyRule): string {
  const parts = [
    ['action', listOf(rule.action)],
    ['environment', listOf(rule.environment)],
    ['severity', listOf(rule.severity)],
    ['risk', listOf(rule.risk)],
  ] as const;
  const said = parts.flatMap(([key, list]) => (list === null ? [] : [`${key} ${list.join(' or ')}`]));
  return said.length === 0 ? 'everything' : said.join(', ');
}

/** A client's form says what the client sent, not that a human was there: a protected environment asks for more at high risk. */
function defaultWays(isProtected: boolean, risk: Risk): Way[] {
  return [...(isProtected && risk === 'high' ? STRONG : EVERY)];
}

/**
 * Which ways of approval are strong enough, how many people must approve and for how long the approval serves. The first
 * rule that matches wins; without one, a protected environment takes no client form for a high risk, and all else takes every way.
 */
export function waysFor(
  subject: PolicySubject,
  env: { protected: boolean },
  rules: readonly PolicyRule[],
  defaultLifetimeMs: number = DEFAULT_LIFETIME_MS,
): PolicyAnswer {
  const index = rules.findIndex(
    (rule) =>
      admits(rule.action, subject.action) &&
      admits(rule.environment, subject.environment) &&
      admits(rule.severity, subject.severity ?? null) &&
      admits(rule.risk, subject.risk),
  );
  const rule = rules[index];
  if (rule !== undefined) {
    return {
      ways: [...new Set(rule.ways)],
      approvers_needed: Math.max(1, rule.approvers ?? 1),
      lifetime_ms: rule.lifetime ?? defaultLifetimeMs,
      why: `approval policy, rule ${index + 1} (${conditionOf(rule)})`,
    };
  }
  const kind = env.protected ? 'protected' : 'unprotected';
  return {
    ways: defaultWays(env.protected, subject.risk),
    approvers_needed: 1,
    lifetime_ms: defaultLifetimeMs,
    why: `default for ${subject.risk} risk in the ${kind} environment ${subject.environment}`,
  };
}

const describeAnswer = (ways: readonly Way[], approvers: number, lifetimeMs: number): string =>
  `${approvers > 1 ? `${approvers} different people, each ` : ''}by ${ways.map((way) => WAY_WORDS[way]).join(', or ')}; ` +
  `serves for ${formatDuration(lifetimeMs)}`;

/** The policy of one environment in words for people, one line a rule, in the order in which they are tried. */
export function describePolicy(
  environment: { name: string; protected: boolean },
  rules: readonly PolicyRule[],
  defaultLifetimeMs: number = DEFAULT_LIFETIME_MS,
): string[] {
  const lines = rules.flatMap((rule, index) =>
    admits(rule.environment, environment.name)
      ? [
          `rule ${index + 1}, ${conditionOf(rule)}: ` +
            describeAnswer(rule.ways, Math.max(1, rule.approvers ?? 1), rule.lifetime ?? defaultLifetimeMs),
        ]
      : [],
  );
  const rest = lines.length > 0 ? 'otherwise, ' : '';
  if (!environment.protected) {
    return [...lines, `${rest}any risk: ${describeAnswer(EVERY, 1, defaultLifetimeMs)}`];
  }
  return [
    ...lines,
    `${rest}high risk: ${describeAnswer(STRONG, 1, defaultLifetimeMs)}`,
    `${rest}low or medium risk: ${describeAnswer(EVERY, 1, defaultLifetimeMs)}`,
  ];
}
