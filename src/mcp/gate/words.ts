import type { Approval } from '../../domain/approval.ts';
import { shortInstant } from '../../domain/instant.ts';
import type { Change, Plan } from '../../domain/plan.ts';
import { cleanText, fence, oneLine } from '../../domain/text.ts';
import type { GateResult } from './result.ts';

const SHOWN_CHANGES = 8;
/** Longest name or warning in a plan, characters. */
const CUT = 300;

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The argv as a human reads it. What a terminal or a form would not draw as itself is shown as `\u....`. */
export const commandLine = (argv: readonly string[]): string =>
  argv
    .map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : JSON.stringify(arg).replace(/(?! )[\p{C}\p{Z}]/gu, escaped)))
    .join(' ');

/**
 * A value of a change. One of several lines (a section, a message) is set off by a margin, so that whatever the model or the cluster
 * wrote can draw no line that looks like the plan's own.
 */
function valueLines(value: string | null): string {
  if (value === null) return '(none)';
  const lines = cleanText(value).trimEnd().split('\n');
  return lines.length === 1 ? oneLine(value) : ['', ...lines.map((line) => `    | ${line}`), '   '].join('\n');
}

function changeLine(change: Change): string {
  const what = `${oneLine(change.kind, CUT)}/${oneLine(change.name, CUT)} ${oneLine(change.field, CUT)}`;
  return `- ${what}: ${valueLines(change.from)} -> ${valueLines(change.to)}`.trimEnd();
}

function blast(plan: Plan): string {
  const pods = plan.blast_radius.pods === null ? 'unknown number of pods' : `${plan.blast_radius.pods} pods`;
  const customers =
    plan.blast_radius.customers === null ? 'customers unknown' : `${plan.blast_radius.customers} customers on it`;
  return `${pods}, ${customers}`;
}

/** The plan as a human must see it before deciding: what, where, from what to what, how it can go wrong. */
export function planLines(plan: Plan): string[] {
  const shown = plan.changes.slice(0, SHOWN_CHANGES);
  const hidden = plan.changes_total - shown.length;
  return [
    `Action:       ${plan.action} (${plan.risk} risk)`,
    `Target:       ${plan.target}${plan.namespace ? ` in namespace ${plan.namespace}` : ''}`,
    `Environment:  ${plan.environment}`,
    `Cluster:      ${oneLine(plan.cluster, CUT)}`,
    `From -> to:   ${oneLine(String(plan.from), CUT)} -> ${oneLine(String(plan.to), CUT)}`,
    `Command:      ${commandLine(plan.command)}`,
    `Blast radius: ${blast(plan)}`,
    `Reason given: ${oneLine(plan.reason)}`,
    plan.changes_total === 0 ? 'Changes:      none that can be seen' : `Changes (${plan.changes_total}):`,
    ...shown.map(changeLine),
    ...(hidden > 0 ? [`- ... and ${hidden} more`] : []),
    ...(plan.warnings.length > 0 ? ['Warnings:', ...plan.warnings.map((warning) => `! ${oneLine(warning, CUT)}`)] : []),
    `Expires:      ${shortInstant(plan.expires_at)}`,
  ];
}

/** Title of the form or page. */
export const planTitle = (plan: Plan): string =>
  `${plan.action} ${plan.target} in ${plan.environment}: ${plan.from} -> ${plan.to}`;

/** Message of the client's form. */
export function formMessage(approval: Approval): string {
  return [
    `Approve this change to production? (${approval.approval_id})`,
    ...planLines(approval.plan),
    approval.plan.risk === 'high' ? `High risk: type the target ("${approval.plan.target}") to confirm.` : '',
    'Nothing runs unless you approve. Everything you decide here is written to the timeline.',
  ]
    .filter((line) => line !== '')
    .join('\n');
}

/** The gate's answer for the model. */
export function renderGate(result: GateResult): string {
  const lines = [`${result.status} ${result.approval_id}: ${result.message}`];
  if (result.outcome) lines.push(fence('outcome', result.outcome.summary));
  if (result.status === 'approval_required' || result.status === 'stale')
    lines.push('', fence('plan', planLines(result.plan).join('\n')));
  if (result.how_to_approve.length > 0)
    lines.push('', 'A human approves in one of these ways:', ...result.how_to_approve.map((way) => `- ${way}`));
  return lines.join('\n');
}
