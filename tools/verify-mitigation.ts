import { z } from 'zod';
import { VERDICTS } from '../src/domain/verify.ts';
import { conflict, notFound } from '../src/errors.ts';
import * as s from '../src/mcp/schemas.ts';
import { defineTool } from '../src/mcp/tool.ts';
import { compareNow, figuresView } from '../src/mcp/verification.ts';

/** Before this the figures still carry the time before the change. */
const EARLY_MINUTES = 1;

export const verifyMitigation = defineTool({
  name: 'verify_mitigation',
  title: 'Verify a mitigation',
  effect: 'read',
  description:
    'Compares error rate, latency, readiness, restarts, agents and affected customers before an approved change with now: improved, unchanged, worse, or unknown. The server also records a verdict by itself when the watched window closes. It changes nothing.',
  input: z.strictObject({ approval_id: s.approvalId.describe('The executed change.') }),
  output: z.object({
    approval_id: z.string(),
    incident_id: z.string().nullable(),
    verdict: z.enum(VERDICTS),
    findings: z.array(z.string()),
    before: figuresView.nullable(),
    after: figuresView,
    watched_minutes: z.number(),
  }),
  handle: async (args, context) => {
    const approval = await context.record.approval(args.approval_id);
    if (!approval) throw notFound(`there is no approval ${args.approval_id}.`, 'get_approval lists those there are.');
    if (!approval.outcome) {
      throw conflict(
        `${args.approval_id} is ${approval.status}: it has not run, so there is nothing to verify.`,
        'run it first, after a human approved it.',
      );
    }
    const seen = await compareNow(context, approval);
    return { approval_id: approval.approval_id, incident_id: approval.incident_id, ...seen };
  },
  render: (result) =>
    [
      `${result.approval_id}: ${result.verdict} after ${result.watched_minutes} minutes.`,
      ...result.findings.map((finding) => `- ${finding}`),
      ...(result.watched_minutes < EARLY_MINUTES ? ['It is early: look again in a minute or two.'] : []),
      result.verdict === 'improved'
        ? 'Next: update_incident with status mitigated and these figures.'
        : 'Next: tell the human plainly, and choose the next move.',
    ].join('\n'),
  incidentOf: (result) => result.incident_id,
});
