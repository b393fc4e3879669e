import { z } from 'zod';
import { APPROVAL_STATUSES } from '../src/domain/approval.ts';
import { fence } from '../src/domain/text.ts';
import { notFound } from '../src/errors.ts';
import { howToApprove, meansOf } from '../src/mcp/gate/result.ts';
import { planLines } from '../src/mcp/gate/words.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';
import { expireIfDue } from '../src/policy/approval-state.ts';

export const getApproval = defineTool({
  name: 'get_approval',
  title: 'Show approvals',
  effect: 'read',
  card: true,
  description:
    'Shows one approval, or the pending and newest ones: plan, status, how a human can approve, and the outcome. It decides nothing. After an approval call the gated tool again with its approval_id.',
  input: z.strictObject({ approval_id: s.approvalId.optional().describe('Default: the pending and newest ones.') }),
  output: z.object({
    approvals: z.array(
      z.object({
        approval_id: z.string(),
        tool: z.string(),
        incident_id: z.string().nullable(),
        status: z.enum(APPROVAL_STATUSES),
        plan: s.planView,
        how_to_approve: z.array(z.string()),
        decisions: z.array(z.object({ decision: z.string(), way: z.string(), approver: z.string(), at: z.string() })),
        outcome: s.outcomeView.optional(),
      }),
    ),
  }),
  handle: async (args, context) => {
    const now = context.clock.now();
    const found = args.approval_id
      ? [await context.record.approval(args.approval_id)]
      : await context.record.approvals({ limit: 5 });
    const shown = async (approval: (typeof found)[number]) => {
      if (!approval) {
        throw notFound(
          `there is no approval ${args.approval_id}.`,
          'call get_approval without arguments for those there are.',
        );
      }
      const current = expireIfDue(approval, now);
      return {
        approval_id: current.approval_id,
        tool: current.tool,
        incident_id: current.incident_id,
        status: current.status,
        plan: current.plan,
        how_to_approve: howToApprove(current, await meansOf(context, current)),
        decisions: current.decisions.map(({ decision, way, approver, at }) => ({ decision, way, approver, at })),
        ...(current.outcome ? { outcome: current.outcome } : {}),
      };
    };
    return { approvals: await Promise.all(found.map(shown)) };
  },
  render: ({ approvals }) => {
    if (approvals.length === 0) return 'There are no approvals.';
    const one = approvals.length === 1 ? approvals[0] : undefined;
    const lines = approvals.flatMap((a) => [
      `${a.approval_id} ${a.status}: ${a.plan.action} ${a.plan.target} in ${a.plan.environment}, ${a.plan.from} -> ${a.plan.to}`,
      ...(a.status === 'approved'
        ? [`Approved: call ${a.tool} again with the same arguments and approval_id ${a.approval_id}.`]
        : []),
      ...(a.outcome ? [`Outcome: ${a.outcome.summary}`] : []),
      ...a.how_to_approve.map((way) => `- ${way}`),
    ]);
    return [...lines, ...(one ? [fence('plan', planLines(one.plan).join('\n'))] : [])].join('\n');
  },
});
