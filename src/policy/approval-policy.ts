import type { Approval, Way } from '../domain/approval.ts';
import { formatDuration, MINUTE } from '../domain/instant.ts';
import type { Action, Risk } from '../domain/plan.ts';
import { excludesRequester, listOf, type PolicyRule } from '../domain/policy-rule.ts';
import type { Severity } from '../domain/severity.ts';

export type { PolicyRule } from '../domain/policy-rule.ts';

export interface PolicySubject {
  action: Action;
  environment: string;
  risk: Risk;
  /** Worst severity so far of the incident it belongs to; absent or null without one. */
  severity?: Severity | null;
}

/** What an approval takes. */
export interface Demands {
  ways: Way[];
  approvers_needed: number;
  /** The one whose assistant asked may not approve. */
  exclude_requester: boolean;
  /** Only a passkey or a secret of one's own says who approves. */
  proven_names: boolean;
  lifetime_ms: number;
}

export interface PolicyAnswer extends Demands {
  /** Which rule decided, in words for people. */
  why: string;
}

/** Source: the product's contract, "Approval" step 5. */
export const DEFAULT_LIFETIME_MS = 10 * MINUTE;

/** Ways that prove a human by more than the client's word. */
export const STRONG: readonly Way[] = ['terminal', 'page_secret', 'passkey'];
const EVERY: readonly Way[] = ['client_form', ...STRONG];

export const WAY_WORDS: Readonly<Record<Way, string>> = {
  client_form: "the client's form",
  terminal: 'a terminal with the secret',
  page_secret: 'the local page with the secret',
  passkey: 'the local page with a passkey',
};

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

const demandsOf = (rule: PolicyRule, defaultLifetimeMs: number): Demands => ({
  ways: [...new Set(rule.ways)],
  approvers_needed: Math.max(1, rule.approvers ?? 1),
  exclude_requester: excludesRequester(rule),
  proven_names: rule.proven_names ?? false,
  lifetime_ms: rule.lifetime ?? defaultLifetimeMs,
});

/** A client's form says what the client sent, not that a human was there: a protected environment asks for more at high risk. */
const builtIn = (isProtected: boolean, risk: Risk, lifetimeMs: number): Demands => ({
  ways: [...(isProtected && risk === 'high' ? STRONG : EVERY)],
  approvers_needed: 1,
  exclude_requester: false,
  proven_names: false,
  lifetime_ms: lifetimeMs,
});

/**
 * Which ways of approval are strong enough, how many people must approve, who may not, and for how long the approval serves. The first
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
      ...demandsOf(rule, defaultLifetimeMs),
      why: `approval policy, rule ${index + 1} (${conditionOf(rule)})`,
    };
  }
  const kind = env.protected ? 'protected' : 'unprotected';
  return {
    ...builtIn(env.protected, subject.risk, defaultLifetimeMs),
    why: `default for ${subject.risk} risk in the ${kind} environment ${subject.environment}`,
  };
}

/** One case of the policy of an environment: when it holds, and what it takes. */
export interface PolicyCase {
  /** Number of the rule in the configuration, from 1; null for the built-in policy. */
  rule: number | null;
  when: string;
  demands: Demands;
}

/** The policy of one environment, in the order in which its cases are tried. */
export function policyCases(
  environment: { name: string; protected: boolean },
  rules: readonly PolicyRule[],
  defaultLifetimeMs: number = DEFAULT_LIFETIME_MS,
): PolicyCase[] {
  const cases: PolicyCase[] = rules.flatMap((rule, index) =>
    admits(rule.environment, environment.name)
      ? [
          {
            rule: index + 1,
            when: `rule ${index + 1}, ${conditionOf(rule)}`,
            demands: demandsOf(rule, defaultLifetimeMs),
          },
        ]
      : [],
  );
  const rest = cases.length > 0 ? 'otherwise, ' : '';
  const fallback = (when: string, risk: Risk): PolicyCase => ({
    rule: null,
    when: `${rest}${when}`,
    demands: builtIn(environment.protected, risk, defaultLifetimeMs),
  });
  // After a rule for everything nothing is left.
  if (rules.some((rule) => admits(rule.environment, environment.name) && matchesAll(rule))) return cases;
  return environment.protected
    ? [...cases, fallback('high risk', 'high'), fallback('low or medium risk', 'low')]
    : [...cases, fallback('any risk', 'low')];
}

const matchesAll = ({ action, severity, risk }: PolicyRule): boolean =>
  action === undefined && severity === undefined && risk === undefined;

/** What an approval takes, in words for people. */
export const describeDemands = (demands: Demands): string =>
  [
    `${demands.approvers_needed > 1 ? `${demands.approvers_needed} different people, each ` : ''}by ${demands.ways.map((way) => WAY_WORDS[way]).join(', or ')}`,
    ...(demands.exclude_requester
      ? [
          `not by the one whose assistant asked${demands.ways.includes('client_form') ? ', nor by the form of their client' : ''}`,
        ]
      : []),
    ...(demands.proven_names ? ['only under a name that a passkey or a secret of their own proves'] : []),
    `serves for ${formatDuration(demands.lifetime_ms)}`,
  ].join('; ');

/** The policy of one environment in words for people, one line a case, in the order in which they are tried. */
export const describePolicy = (...about: Parameters<typeof policyCases>): string[] =>
  policyCases(...about).map(({ when, demands }) => `${when}: ${describeDemands(demands)}`);

/** Who must approve this plan beyond one human, as a sentence; empty where nothing more is asked. */
export function approversWanted(approval: Approval): string {
  const { approvers_needed: needed, requested_for, exclude_requester, proven_names } = approval;
  const parts = [
    ...(needed > 1 ? [`${needed} different people must approve`] : []),
    ...(exclude_requester && requested_for ? [`${requested_for}, whose assistant asked, may not`] : []),
    ...(proven_names ? ['names count only when a passkey or a secret of their own proves them'] : []),
  ];
  const said = parts.join('; ');
  return said === '' ? '' : `${said.charAt(0).toUpperCase()}${said.slice(1)}.`;
}
