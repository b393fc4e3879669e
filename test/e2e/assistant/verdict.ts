import type { Truth } from '../../helpers/sandbox.ts';
import type { Plan } from './answers.ts';
import type { Cost } from './assistant.ts';

/** How one play went, judged by the truth when it is over. */
export interface Verdict {
  scenario: string;
  generation: string;
  /** From the first look to the proposal: to the plan where something is to be changed, else to the word that nothing is. */
  proposal: Cost;
  /** Calls of the whole play, to the end of the incident. */
  calls_in_all: number;
  severity: string;
  move: string;
  wrong: string[];
}

const KINDS: Record<string, string> = {
  rollback_release: 'rollback',
  restart_service: 'restart',
  scale_down: 'scale_down',
};

export const MOST_CALLS = 8;
export const MOST_BYTES = 24 * 1024;

/** What was not right, in words; empty where all was. */
export function wrongs(truth: Truth, severity: string, plan: Plan | null, cost: Cost): string[] {
  const wrong: string[] = [];
  const right = truth.right_move;
  if (severity !== truth.severity) wrong.push(`severity ${severity}, right is ${truth.severity}`);
  if (right === null && plan !== null) wrong.push(`${plan.action} ${plan.target}, right is none`);
  if (right !== null && !isMove(plan, right)) wrong.push(`${moveWords(plan)}, right is ${JSON.stringify(right)}`);
  const expected = right === null ? [] : [KINDS[right.tool]];
  const kinds = truth.actions.map((action) => action.kind);
  if (JSON.stringify(kinds) !== JSON.stringify(expected)) wrong.push(`changed for real: ${kinds.join(', ') || 'none'}`);
  if (right !== null && !truth.recovered) wrong.push('not recovered');
  if (cost.calls > MOST_CALLS) wrong.push(`${cost.calls} calls to the proposal`);
  if (bytesOf(cost) > MOST_BYTES) wrong.push(`${bytesOf(cost)} bytes to the proposal`);
  return wrong;
}

export const bytesOf = (cost: Cost): number => cost.answer_bytes + cost.prompt_bytes;

/** The tool and every argument that the truth names. */
function isMove(plan: Plan | null, right: NonNullable<Truth['right_move']>): boolean {
  if (plan?.action !== right.tool) return false;
  const { target, environment, namespace, to } = plan;
  const planned: Record<string, unknown> = { release: target, service: target, environment, namespace, revision: to };
  return Object.entries(right.arguments).every(([name, value]) => planned[name] === value);
}

export const moveWords = (plan: Plan | null): string =>
  plan === null
    ? 'none'
    : `${plan.action} ${plan.target}${plan.action === 'rollback_release' ? ` ${plan.from} -> ${plan.to}` : ''}`;

const HEAD = ['scenario', 'client', 'calls', 'answers B', 'with prompts B', 'severity', 'move', 'in all', 'verdict'];

export function tableOf(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map((v) => [
    v.scenario,
    v.generation,
    String(v.proposal.calls),
    String(v.proposal.answer_bytes),
    String(bytesOf(v.proposal)),
    v.severity,
    v.move,
    String(v.calls_in_all),
    v.wrong.length === 0 ? 'right' : `wrong: ${v.wrong.join('; ')}`,
  ]);
  const widths = HEAD.map((word, i) => Math.max(word.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(HEAD), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
