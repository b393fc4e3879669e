import { z } from 'zod';
import type { Approval } from '../../domain/approval.ts';
import { APPROVAL_STATUSES, WAYS } from '../../domain/approval.ts';
import type { Incident } from '../../domain/incident.ts';
import { ACTION_ITEM_KINDS, AUDIENCES, DETECTION_SOURCES, ROLES, STATUSES } from '../../domain/incident.ts';
import { isInstant } from '../../domain/instant.ts';
import { ACTIONS, RISKS } from '../../domain/plan.ts';
import { SEVERITIES } from '../../domain/severity.ts';
import type { TimelineEvent } from '../../domain/timeline.ts';

const instant = z.string().refine(isInstant, 'is not an instant with an offset');
const known = z.enum(['claimed_by_assistant', 'client_form', 'terminal', 'page_secret', 'passkey']);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const fact = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const facts = z.record(z.string(), fact);

/** A change that this version does not understand is passed over: a newer server may have written it. */
const lenient = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined);

const declared = z.looseObject({
  id: z.string(),
  title: z.string(),
  severity: z.enum(SEVERITIES),
  environment: z.string(),
  summary: z.string().nullable(),
  components: z.array(z.string()),
  drill: z.boolean(),
  declared_at: instant,
  detected_at: instant,
  detected_by: z.looseObject({ source: z.enum(DETECTION_SOURCES), reference: z.string().nullable() }).nullable(),
  impact_started_at: instant.nullable(),
});

const actionItem = z.looseObject({
  id: z.string(),
  title: z.string(),
  kind: z.enum(ACTION_ITEM_KINDS),
  owner: z.string().nullable(),
  due: z.string().nullable(),
  ticket: z.string().nullable(),
  done: z.boolean(),
  created_at: instant,
});

const change = z.looseObject({
  declared: declared.optional(),
  severity: lenient(z.enum(SEVERITIES)),
  status: lenient(z.enum(STATUSES)),
  title: lenient(z.string()),
  summary: lenient(z.string()),
  root_cause: lenient(z.string()),
  impact_started_at: lenient(instant),
  mitigated_at: lenient(instant),
  role: lenient(z.looseObject({ role: z.enum(ROLES), person: z.string(), known_by: known })),
  human_response: lenient(z.looseObject({ by: z.string(), known_by: known })),
  update_sent: lenient(z.looseObject({ id: z.string(), audience: z.enum(AUDIENCES), message: z.string() })),
  action_item: lenient(actionItem),
  breach: lenient(z.looseObject({ kind: z.enum(['first_response', 'update']), due_at: instant })),
  postmortem: lenient(z.looseObject({ missing: z.array(z.string()) })),
});

/** One line of a timeline. Loose: what it does not know is kept. The kind is open, so that later ones can be read. */
const event = z.looseObject({
  id: z.string().regex(/^E\d+$/),
  seq: z.number().int().positive(),
  kind: z.string().min(1),
  message: z.string(),
  actor: z.looseObject({ type: z.enum(['human', 'assistant', 'system']), name: z.string() }),
  occurred_at: instant,
  recorded_at: instant,
  evidence: z.array(z.string()),
  supersedes: z.string().optional(),
  approval_id: z.string().optional(),
  change: change.optional(),
  data: z.record(z.string(), z.unknown()).optional(),
  idempotency_key: z.string().optional(),
  prev_hash: hash,
  hash,
});

const planChange = z.looseObject({
  kind: z.string(),
  name: z.string(),
  field: z.string(),
  from: z.string().nullable(),
  to: z.string().nullable(),
});

const plan = z.looseObject({
  action: z.enum(ACTIONS),
  environment: z.string(),
  cluster: z.string(),
  target: z.string(),
  namespace: z.string().nullable(),
  from: z.union([z.string(), z.number()]),
  to: z.union([z.string(), z.number()]),
  command: z.array(z.string()),
  changes: z.array(planChange),
  changes_total: z.number(),
  blast_radius: z.looseObject({ pods: z.number().nullable(), customers: z.number().nullable() }),
  warnings: z.array(z.string()),
  risk: z.enum(RISKS),
  reason: z.string(),
  digest: z.string(),
  expires_at: instant,
});

/** What a passkey signed; kept whole, so that it can be checked again. */
const proof = z.looseObject({
  kind: z.literal('passkey'),
  passkey: z.string(),
  public_key: z.string(),
  nonce: z.string(),
  credential_id: z.string(),
  authenticator_data: z.string(),
  client_data: z.string(),
  signature: z.string(),
  origin: z.string(),
});

const approval = z.looseObject({
  approval_id: z.string(),
  tool: z.string(),
  arguments_hash: z.string(),
  arguments: z.record(z.string(), z.unknown()).optional(),
  incident_id: z.string().nullable(),
  plan,
  world: facts,
  status: z.enum(APPROVAL_STATUSES),
  ways: z.array(z.enum(WAYS)),
  approvers_needed: z.number().int().positive(),
  decisions: z.array(
    z.looseObject({
      decision: z.enum(['approve', 'reject']),
      way: z.enum(WAYS),
      approver: z.string(),
      name_proven: z.boolean().optional(),
      note: z.string().nullable(),
      at: instant,
      proof: proof.optional(),
    }),
  ),
  requested_by: z.string(),
  requested_for: z.string().optional(),
  exclude_requester: z.boolean().optional(),
  proven_names: z.boolean().optional(),
  secret_id: z.string().nullish(),
  passkeys: z.array(z.string()).optional(),
  created_at: instant,
  expires_at: instant,
  runner: z.looseObject({ pid: z.number().int(), token: z.string(), started_at: instant }).nullable(),
  outcome: z
    .looseObject({
      status: z.enum(['executed', 'failed', 'outcome_unknown']),
      summary: z.string(),
      started_at: instant,
      finished_at: instant,
      details: facts,
    })
    .nullable(),
});

/** The fold of a stream up to a byte, as a cache. It carries a seal, so its inside need not be checked field by field. */
const snapshot = z.object({
  version: z.literal(1),
  stream: z.string(),
  seq: z.number().int().positive(),
  lines: z.number().int().positive(),
  offset: z.number().int().positive(),
  head_hash: hash,
  declare_key: z.string().nullable(),
  keys: z.record(z.string(), z.array(z.number().int())),
  marks: z.array(z.object({ seq: z.number().int(), offset: z.number().int() })),
  incident: z.looseObject({ id: z.string(), seq: z.number() }).nullable(),
  seal: hash,
});
export type Snapshot = Omit<z.infer<typeof snapshot>, 'incident'> & { incident: Incident | null };

const head = z.object({ stream: z.string(), seq: z.number().int().nonnegative(), hash, seal: hash });
export type HeadRecord = z.infer<typeof head>;

/** What does not fit its schema; the message names the field and never its value. */
export class Misfit extends Error {}

function parsed<T>(schema: z.ZodType, raw: unknown): T {
  const result = schema.safeParse(raw);
  if (result.success) return result.data as T;
  const issue = result.error.issues[0];
  const where = issue && issue.path.length > 0 ? issue.path.join('.') : 'the whole';
  throw new Misfit(`${where}: ${issue?.message ?? 'does not fit'}`);
}

/** These throw `Misfit`. Optional fields that are absent stay absent, as the domain's types say. */
export const parseEvent = (raw: unknown): TimelineEvent => parsed<TimelineEvent>(event, raw);
export const parseApproval = (raw: unknown): Approval => parsed<Approval>(approval, raw);
export const parseSnapshot = (raw: unknown): Snapshot => parsed<Snapshot>(snapshot, raw);
export const parseHead = (raw: unknown): HeadRecord => parsed<HeadRecord>(head, raw);
