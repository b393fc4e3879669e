import { z } from 'zod';
import { DETECTION_SOURCES, ROLES, STATUSES } from '../domain/incident.ts';
import { isInstant, toInstant } from '../domain/instant.ts';
import { ACTIONS } from '../domain/plan.ts';
import { SEVERITIES } from '../domain/severity.ts';
import { RECORDABLE_KINDS } from '../domain/timeline.ts';

/** Parts of inputs and outputs that several tools share. */

const NAIVE = 'must be an instant with an offset, like 2026-03-01T14:20:00Z or 2026-03-01T15:20:00+01:00';
/** ISO 8601 with an offset; becomes UTC. */
export const instant = z
  .string()
  .max(40)
  .refine(isInstant, { error: NAIVE })
  .transform((text) => toInstant(new Date(text)));

export const duration = z.string().regex(/^\d{1,6}(s|m|h|d)$/, 'must be a duration like 90s, 15m, 24h or 7d');

/** Names that may become an argument of a program: RFC 1123, so they can be no flag, path or shell text. */
export const kubeName = z
  .string()
  .max(63)
  .regex(
    /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
    'must be a Kubernetes name (RFC 1123): lower-case letters, digits, "-" and ".", starting and ending with a letter or digit',
  );
export const environmentArg = z
  .string()
  .max(41)
  .regex(
    /^[a-z0-9][a-z0-9_-]*$/,
    'must be the name of a configured environment: lower-case letters, digits, "-" and "_"',
  )
  .optional()
  .describe('Default: the configured one.');
export const incidentId = z
  .string()
  .max(20)
  .regex(/^INC-\d{4,}$/, 'must look like INC-0007');
export const approvalId = z
  .string()
  .max(20)
  .regex(/^APR-[0-9A-Z]{10}$/, 'must look like APR-7K2M9Q4XBT');
export const eventId = z.string().regex(/^E\d{1,7}$/, 'must look like E12');
/** Free text of people and models: bounded, so that one call cannot fill the record. */
export const text = (max: number) => z.string().trim().min(1, 'must not be empty').max(max);
export const severity = z.enum(SEVERITIES);
export const status = z.enum(STATUSES);
export const role = z.enum(ROLES);
export const recordableKind = z.enum(RECORDABLE_KINDS);
export const detectedBy = z.strictObject({
  source: z.enum(DETECTION_SOURCES),
  reference: text(300).optional(),
});
export const idempotencyKey = z.string().min(1).max(100);
export const limit = (max: number, standard: number) => z.number().int().min(1).max(max).default(standard);

export const sources = z.array(
  z.object({
    name: z.string(),
    status: z.enum(['ok', 'error', 'timeout', 'not_configured']),
    latency_ms: z.number(),
    error: z.string().optional(),
  }),
);

export const incidentView = z.object({
  id: z.string(),
  title: z.string(),
  severity,
  status,
  environment: z.string(),
  summary: z.string().nullable(),
  root_cause: z.string().nullable(),
  components: z.array(z.string()),
  drill: z.boolean(),
  declared_at: z.string(),
  detected_at: z.string(),
  detected_by: z.object({ source: z.string(), reference: z.string().nullable() }).nullable(),
  impact_started_at: z.string().nullable(),
  mitigated_at: z.string().nullable(),
  resolved_at: z.string().nullable(),
  closed_at: z.string().nullable(),
  reopened: z.number(),
  roles: z.record(z.string(), z.object({ person: z.string(), since: z.string(), known_by: z.string() })),
});

export const clockView = z.object({
  first_response: z.object({
    due_at: z.string(),
    state: z.enum(['pending', 'met', 'breached']),
    by: z.string().nullable(),
    remaining_ms: z.number(),
  }),
  next_update: z.object({ due_at: z.string().nullable(), state: z.enum(['pending', 'overdue', 'none']) }),
  commander: z.string().nullable(),
});

export const eventView = z.object({
  id: z.string(),
  seq: z.number(),
  occurred_at: z.string(),
  recorded_at: z.string(),
  actor: z.object({ type: z.enum(['human', 'assistant', 'system']), name: z.string() }),
  kind: z.string(),
  message: z.string(),
  evidence: z.array(z.string()),
  supersedes: z.string().optional(),
  approval_id: z.string().optional(),
  hash: z.string(),
});

export const notifications = z.array(
  z.object({
    channel: z.string(),
    status: z.enum(['sent', 'queued', 'failed', 'not_configured']),
    error: z.string().optional(),
  }),
);

export const planView = z.object({
  action: z.enum(ACTIONS),
  environment: z.string(),
  cluster: z.string(),
  target: z.string(),
  namespace: z.string().nullable(),
  from: z.union([z.string(), z.number()]),
  to: z.union([z.string(), z.number()]),
  command: z.array(z.string()),
  changes: z.array(
    z.object({
      kind: z.string(),
      name: z.string(),
      field: z.string(),
      from: z.string().nullable(),
      to: z.string().nullable(),
    }),
  ),
  changes_total: z.number(),
  blast_radius: z.object({ pods: z.number().nullable(), customers: z.number().nullable() }),
  warnings: z.array(z.string()),
  risk: z.enum(['low', 'medium', 'high']),
  reason: z.string(),
  digest: z.string(),
  expires_at: z.string(),
});

export const outcomeView = z.object({
  status: z.enum(['executed', 'failed', 'outcome_unknown']),
  summary: z.string(),
  started_at: z.string(),
  finished_at: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});
