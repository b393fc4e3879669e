import { z } from 'zod';
import type { Approval } from '../../domain/approval.ts';
import { takesForm } from '../../policy/approval-state.ts';
import type { ReadContext } from '../context.ts';
import { outcomeView, planView } from '../schemas.ts';

export const GATE_STATUSES = [
  'approval_required',
  'executed',
  'declined',
  'expired',
  'stale',
  'failed',
  'in_progress',
  'outcome_unknown',
] as const;
export type GateStatus = (typeof GATE_STATUSES)[number];

/** The one output schema of all gated tools. */
export const gateOutput = z.object({
  status: z.enum(GATE_STATUSES),
  approval_id: z.string(),
  incident_id: z.string().nullable(),
  plan: planView,
  how_to_approve: z.array(z.string()),
  outcome: outcomeView.optional(),
  message: z.string(),
});
export type GateResult = z.output<typeof gateOutput>;

const STATUS_OF: Record<Approval['status'], GateStatus> = {
  pending: 'approval_required',
  approved: 'in_progress',
  running: 'in_progress',
  executed: 'executed',
  failed: 'failed',
  outcome_unknown: 'outcome_unknown',
  declined: 'declined',
  expired: 'expired',
  stale: 'stale',
};

/** What a human has at hand here: a form of this client, and the page's address. */
export interface Means {
  form: boolean;
  page: string | null;
}

/** What the caller's human has at hand. */
export const meansOf = async (context: ReadContext, approval: Approval): Promise<Means> => ({
  form: context.caller.can_ask,
  page: approval.status === 'pending' ? ((await context.approvalPage?.(approval)) ?? null) : null,
});

/** The ways that policy accepts for this plan and that exist here, as sentences for the human. */
export function howToApprove(approval: Approval, means: Means): string[] {
  if (approval.status !== 'pending') return [];
  const ways: string[] = [];
  const again = `then ask the assistant to call ${approval.tool} again with approval_id ${approval.approval_id}.`;
  if (takesForm(approval) && means.form)
    ways.push(`In the client: fill in the form it shows when ${approval.tool} is called.`);
  if (approval.ways.includes('terminal')) {
    ways.push(
      `In a terminal: run \`incident-mcp approve ${approval.approval_id}\` (it shows the plan and asks for the approver's secret), ${again}`,
    );
  }
  if (means.page !== null)
    ways.push(`In a browser on this machine: open ${means.page} (it asks who you are), ${again}`);
  return ways;
}

export function gateResult(approval: Approval, message: string, means: Means): GateResult {
  return {
    status: STATUS_OF[approval.status],
    approval_id: approval.approval_id,
    incident_id: approval.incident_id,
    plan: approval.plan,
    how_to_approve: howToApprove(approval, means),
    ...(approval.outcome ? { outcome: approval.outcome } : {}),
    message,
  };
}
