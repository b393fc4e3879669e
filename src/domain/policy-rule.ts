import type { Way } from './approval.ts';
import type { Action, Risk } from './plan.ts';
import type { Severity } from './severity.ts';

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
  /** Whether the one whose assistant asked may not approve; default: where two or more must. */
  exclude_requester?: boolean | undefined;
  /** Whether only a passkey or a secret of one's own says who approves; default false. */
  proven_names?: boolean | undefined;
  lifetime?: number | undefined;
}

/** With its defaults filled in. */
export const excludesRequester = (rule: Pick<PolicyRule, 'approvers' | 'exclude_requester'>): boolean =>
  rule.exclude_requester ?? (rule.approvers ?? 1) >= 2;

export const listOf = <T>(value: T | T[] | undefined): T[] | null =>
  value === undefined ? null : Array.isArray(value) ? value : [value];

/** A rule that says something that can never be: which one, which of its keys, and what to do instead. */
export interface RuleProblem {
  rule: number;
  key: keyof PolicyRule;
  message: string;
}

const CONDITIONS = ['action', 'environment', 'severity', 'risk'] as const;

/**
 * What is wrong with the rules beyond their form: approvals that nobody could ever give, environments that do not exist (the built-in policy would
 * quietly decide in their place), and rules that an earlier one leaves nothing for.
 */
export function ruleProblems(rules: readonly PolicyRule[], environments: readonly string[]): RuleProblem[] {
  return rules.flatMap((rule, index) => {
    const problems = [...impossible(rule), ...unknownEnvironments(rule, environments)];
    const before = rules.slice(0, index).findIndex((earlier) => covers(earlier, rule));
    if (before >= 0)
      problems.push({
        key: CONDITIONS.find((key) => rule[key] !== undefined) ?? 'ways',
        message: `never decides: rule ${before + 1} stands before it and matches all that it does; put the narrower one first`,
      });
    return problems.map((problem) => ({ rule: index, ...problem }));
  });
}

type Found = Omit<RuleProblem, 'rule'>;

function impossible(rule: PolicyRule): Found[] {
  const approvers = rule.approvers ?? 1;
  const problems: Found[] = [];
  if (rule.ways.every((way) => way === 'client_form')) {
    if (rule.proven_names)
      problems.push({
        key: 'proven_names',
        message:
          "a name in a client's form is only typed: add another way, such as passkey, or leave proven_names away",
      });
    else if (approvers > 1)
      problems.push({
        key: 'ways',
        message: "a client's form counts as one person: more approvers need another way, such as terminal",
      });
    else if (rule.exclude_requester)
      problems.push({
        key: 'exclude_requester',
        message:
          "a client's form is the requester's own: add another way, such as terminal, or leave exclude_requester away",
      });
  }
  if (rule.lifetime === 0) problems.push({ key: 'lifetime', message: 'is over at once: give at least 1s' });
  return problems;
}

const unknownEnvironments = (rule: PolicyRule, known: readonly string[]): Found[] =>
  (listOf(rule.environment) ?? [])
    .filter((name) => !known.includes(name))
    .map((name) => ({
      key: 'environment',
      message: `"${name}" is not one of the environments: ${known.join(', ')}`,
    }));

const covers = (earlier: PolicyRule, later: PolicyRule): boolean =>
  CONDITIONS.every((key) => {
    const [wide, narrow] = [listOf<string>(earlier[key]), listOf<string>(later[key])];
    return wide === null || (narrow?.every((value) => wide.includes(value)) ?? false);
  });
