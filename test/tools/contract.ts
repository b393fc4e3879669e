/**
 * The tools of the contract as data: names, arguments and the fields that every result must have. `a` alone is a field, `a[]` a list,
 * `a.b` a field within, `a[].b` a field of each item. Written by hand from the contract, so that a change of a tool shows here.
 */
export interface ToolContract {
  name: string;
  effect: 'read' | 'record' | 'gated';
  /** Since which stage of the product it is listed. */
  since: 2 | 3;
  required: readonly string[];
  optional: readonly string[];
  result: readonly string[];
}

const deploy = ['release', 'namespace', 'revision', 'status', 'chart', 'app_version', 'deployed_at', 'description'];
const each = (list: string, fields: readonly string[]): string[] => fields.map((field) => `${list}[].${field}`);
const of = (part: string, fields: readonly string[]): string[] => fields.map((field) => `${part}.${field}`);

const PLAN = [
  ...of('plan', [
    'action',
    'environment',
    'cluster',
    'target',
    'namespace',
    'from',
    'to',
    'risk',
    'digest',
    'expires_at',
  ]),
  'plan.command[]',
  ...each('plan.changes', ['kind', 'name', 'field', 'from', 'to']),
  ...of('plan.blast_radius', ['pods', 'customers']),
  'plan.warnings[]',
];
const GATED = ['status', 'approval_id', ...PLAN, 'how_to_approve[]', 'outcome'];
const INCIDENT = of('incident', ['id', 'title', 'severity', 'status', 'declared_at', 'resolved_at']);
const EVENT = [
  ...of('event', ['id', 'seq', 'occurred_at', 'recorded_at', 'kind', 'message', 'hash']),
  'event.actor.type',
  'event.actor.name',
  'event.evidence[]',
];

export const CONTRACT: readonly ToolContract[] = [
  {
    name: 'get_system_health',
    effect: 'read',
    since: 2,
    required: [],
    optional: ['environment', 'component'],
    result: [
      'status',
      ...each('components', ['name', 'kind', 'status', 'reason', 'ready', 'desired', 'restarts']),
      ...each('alerts', ['name', 'severity', 'component', 'started_at', 'summary']),
      ...each('sources', ['name', 'status', 'latency_ms', 'error']),
      'checked_at',
    ],
  },
  {
    name: 'get_fleet_summary',
    effect: 'read',
    since: 2,
    required: [],
    optional: ['environment', 'customer', 'limit', 'cursor'],
    result: [
      'customers_total',
      'customers_affected',
      'affected_percent',
      'agents_expected',
      'agents_connected',
      ...of('slo', ['target', 'current', 'breached']),
      'scope',
      ...each('top_affected', ['customer', 'agents_expected', 'agents_connected']),
      'versions[]',
    ],
  },
  {
    name: 'check_recent_deploys',
    effect: 'read',
    since: 2,
    required: [],
    optional: ['environment', 'release', 'since', 'onset', 'incident_id'],
    result: [
      ...each('deploys', [...deploy, 'suspicion']),
      'deploys[].reasons[]',
      'suspect',
      ...of('rollback_candidate', ['release', 'namespace', 'from_revision', 'to_revision', 'reason']),
    ],
  },
  {
    name: 'check_llm_provider',
    effect: 'read',
    since: 3,
    required: [],
    optional: ['provider', 'environment'],
    result: [
      'indicator',
      'outage_started_at',
      'outage_minutes',
      ...of('queue', ['depth', 'oldest_minutes']),
      'action_needed',
      'guidance',
      'customer_message',
    ],
  },
  {
    name: 'assess_severity',
    effect: 'read',
    since: 3,
    required: [],
    optional: ['environment', 'workaround', 'note'],
    result: ['severity', 'reasons[]', 'row', 'respond_by', 'evidence'],
  },
  {
    name: 'get_incident',
    effect: 'read',
    since: 2,
    required: [],
    optional: ['incident_id', 'view', 'since_seq', 'limit'],
    result: [...INCIDENT, 'clock', 'timeline[]', 'approvals[]', 'action_items[]', 'brief'],
  },
  {
    name: 'list_incidents',
    effect: 'read',
    since: 2,
    required: [],
    optional: ['status', 'severity', 'limit', 'cursor'],
    result: each('incidents', ['id', 'title', 'severity', 'status', 'declared_at', 'resolved_at']),
  },
  {
    name: 'get_approval',
    effect: 'read',
    since: 2,
    required: [],
    optional: ['approval_id'],
    result: ['approval_id', 'status', 'plan', 'how_to_approve[]', 'outcome'].map((field) => `approvals[].${field}`),
  },
  {
    name: 'verify_mitigation',
    effect: 'read',
    since: 3,
    required: ['approval_id'],
    optional: [],
    result: ['verdict', 'before', 'after', 'watched_minutes'],
  },
  {
    name: 'declare_incident',
    effect: 'record',
    since: 2,
    required: ['title', 'severity'],
    optional: [
      'environment',
      'summary',
      'detected_at',
      'detected_by',
      'impact_started_at',
      'components',
      'commander',
      'drill',
      'idempotency_key',
    ],
    result: [...INCIDENT, 'clock', ...each('notifications', ['channel', 'status'])],
  },
  {
    name: 'update_incident',
    effect: 'record',
    since: 2,
    required: ['reason'],
    optional: [
      'incident_id',
      'severity',
      'status',
      'title',
      'summary',
      'root_cause',
      'impact_started_at',
      'mitigated_at',
    ],
    result: [...INCIDENT, 'clock', ...EVENT],
  },
  {
    name: 'assign_role',
    effect: 'record',
    since: 3,
    required: ['role', 'person'],
    optional: ['incident_id'],
    result: [...INCIDENT, 'clock', ...EVENT],
  },
  {
    name: 'record_timeline_event',
    effect: 'record',
    since: 2,
    required: ['kind', 'message'],
    optional: ['incident_id', 'occurred_at', 'evidence', 'supersedes', 'idempotency_key'],
    result: EVENT,
  },
  {
    name: 'send_update',
    effect: 'record',
    since: 3,
    required: ['audience', 'message'],
    optional: ['incident_id', 'approval_id'],
    result: ['update', ...each('notifications', ['channel', 'status'])],
  },
  {
    name: 'add_action_item',
    effect: 'record',
    since: 3,
    required: ['title', 'kind'],
    optional: ['incident_id', 'owner', 'due', 'ticket', 'done', 'item_id'],
    result: of('action_item', ['id', 'title', 'kind', 'owner', 'due', 'ticket', 'done']),
  },
  {
    name: 'draft_postmortem',
    effect: 'record',
    since: 2,
    required: [],
    optional: ['incident_id', 'claims'],
    result: ['markdown', 'uri', 'path', 'metrics', 'missing[]', 'unverified[]'],
  },
  {
    name: 'rollback_release',
    effect: 'gated',
    since: 2,
    required: ['release', 'reason'],
    optional: ['environment', 'namespace', 'revision', 'incident_id', 'approval_id'],
    result: GATED,
  },
  {
    name: 'restart_service',
    effect: 'gated',
    since: 2,
    required: ['service', 'reason'],
    optional: ['environment', 'namespace', 'incident_id', 'approval_id'],
    result: GATED,
  },
  {
    name: 'scale_down',
    effect: 'gated',
    since: 2,
    required: ['reason'],
    optional: ['environment', 'service', 'replicas', 'incident_id', 'approval_id'],
    result: GATED,
  },
  {
    name: 'update_runbook',
    effect: 'gated',
    since: 3,
    required: ['runbook', 'failure_mode', 'detection', 'mitigation'],
    optional: ['incident_id', 'approval_id'],
    result: GATED,
  },
];

/** Values that the contract spells out for arguments and results, by tool and place. */
export const VALUES: readonly { tool: string; side: 'input' | 'output'; at: string; values: readonly string[] }[] = [
  { tool: 'get_system_health', side: 'output', at: 'status', values: ['healthy', 'degraded', 'down', 'unknown'] },
  {
    tool: 'get_system_health',
    side: 'output',
    at: 'sources[].status',
    values: ['ok', 'error', 'timeout', 'not_configured'],
  },
  { tool: 'get_fleet_summary', side: 'output', at: 'scope', values: ['all', 'many', 'some', 'none'] },
  {
    tool: 'check_llm_provider',
    side: 'output',
    at: 'indicator',
    values: ['none', 'minor', 'major', 'critical', 'unknown'],
  },
  { tool: 'get_incident', side: 'input', at: 'view', values: ['brief', 'full', 'timeline'] },
  {
    tool: 'verify_mitigation',
    side: 'output',
    at: 'verdict',
    values: ['improved', 'unchanged', 'worse', 'unknown'],
  },
  { tool: 'declare_incident', side: 'input', at: 'severity', values: ['SEV1', 'SEV2', 'SEV3', 'SEV4'] },
  {
    tool: 'declare_incident',
    side: 'input',
    at: 'detected_by.source',
    values: ['grafana', 'health_check', 'slo', 'support_ticket', 'investigation', 'other'],
  },
  {
    tool: 'declare_incident',
    side: 'output',
    at: 'notifications[].status',
    values: ['sent', 'queued', 'failed', 'not_configured'],
  },
  {
    tool: 'update_incident',
    side: 'input',
    at: 'status',
    values: ['investigating', 'identified', 'mitigated', 'resolved', 'closed', 'false_alarm'],
  },
  {
    tool: 'assign_role',
    side: 'input',
    at: 'role',
    values: ['commander', 'scribe', 'communications', 'operations'],
  },
  {
    tool: 'record_timeline_event',
    side: 'input',
    at: 'kind',
    values: [
      'detection',
      'observation',
      'hypothesis',
      'decision',
      'action',
      'communication',
      'mitigation',
      'recovery',
      'note',
    ],
  },
  {
    tool: 'record_timeline_event',
    side: 'output',
    at: 'event.actor.type',
    values: ['human', 'assistant', 'system'],
  },
  { tool: 'send_update', side: 'input', at: 'audience', values: ['internal', 'executives', 'customers'] },
  { tool: 'add_action_item', side: 'input', at: 'kind', values: ['prevent', 'detect', 'mitigate', 'process'] },
  {
    tool: 'rollback_release',
    side: 'output',
    at: 'status',
    values: [
      'approval_required',
      'executed',
      'declined',
      'expired',
      'stale',
      'failed',
      'in_progress',
      'outcome_unknown',
    ],
  },
  { tool: 'rollback_release', side: 'output', at: 'plan.risk', values: ['low', 'medium', 'high'] },
];
