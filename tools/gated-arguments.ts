import { z } from 'zod';
import * as s from '../src/mcp/schemas.ts';

/** Arguments that every gated tool takes; `reason` is shown to the human and written to the timeline. */
export const gatedArguments = {
  environment: s.environmentArg,
  reason: s.text(1_000).describe('Why; the human reads it before deciding.'),
  incident_id: s.incidentId.optional().describe('Default: the open incident.'),
  approval_id: s.approvalId.optional().describe('From the plan, to run it after a human approved.'),
};

/** For the tools that change one workload. */
export const kindArg = z
  .enum(['Deployment', 'StatefulSet', 'DaemonSet'])
  .optional()
  .describe('Only where two kinds share the name.');

export const namespaceArg = s.kubeName.optional().describe('Default: the configured one.');
