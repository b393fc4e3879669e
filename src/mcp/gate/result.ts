import { z } from 'zod';
import type { Approval } from '../../domain/approval.ts';
import { takesForm } from '../../policy/approval-state.ts';
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

/** The ways that policy accepts for this plan, as sentences for the human. */
export function howToApprove(approval: Approval): string[] {
  if (approval.status !== 'pending') return [];
  const ways: string[] = [];
  if (takesForm(approval)) ways.push(`In the client: fill in the form it shows when ${approval.tool} is called.`);
  if (approval.ways.includes('terminal')) {
    ways.push(
      `In a terminal: run \`incident-mcp approve ${approval.approval_id}\` (it shows the plan and asks for the approver's secret), then ask the assistant to call ${approval.tool} again with approval_id ${approval.approval_id}.`,
    );
  }
  return ways;
}

export function gateResult(approval: Approval, message: string): GateResult {
  return {
    status: STATUS_OF[approval.status],
    approval_id: approval.approval_id,
    incident_id: approval.incident_id,
    plan: approval.plan,
    how_to_approve: howToApprove(approval),
    ...(approval.outcome ? { outcome: approval.outcome } : {}),
    message,
  };
}
