import type { Approval } from '../../src/domain/approval.ts';
import type { Incident } from '../../src/domain/incident.ts';
import { parseDuration, toInstant } from '../../src/domain/instant.ts';
import type { Revision, Workload } from '../../src/domain/observe.ts';
import type { Plan } from '../../src/domain/plan.ts';
import type { MatrixRow } from '../../src/domain/severity.ts';
import type { TimelineEvent } from '../../src/domain/timeline.ts';

/** Monday noon: everything in these tests is told relative to it. */
export const T0 = Date.parse('2026-03-02T12:00:00Z');
/** Instant so many minutes after T0. */
export const min = (minutes: number): string => toInstant(new Date(T0 + minutes * 60_000));
export const at = (minutes: number): Date => new Date(T0 + minutes * 60_000);

const row = (severity: MatrixRow['severity'], response: string): MatrixRow => ({
  severity,
  description: severity,
  response_text: response,
  response:
    response === 'immediate'
      ? { kind: 'immediate' }
      : response === 'next_business_day'
        ? { kind: 'next_business_day' }
        : { kind: 'within', ms: parseDuration(response, 'response') },
  examples: [],
});
export const MATRIX = [
  row('SEV1', 'immediate'),
  row('SEV2', '15m'),
  row('SEV3', '1h'),
  row('SEV4', 'next_business_day'),
];

export function incident(over: Partial<Incident> = {}): Incident {
  const severity = over.severity ?? 'SEV2';
  return {
    id: 'INC-0007',
    title: 'analysis fails',
    severity,
    severity_first: severity,
    severity_peak: severity,
    status: 'investigating',
    environment: 'prod',
    summary: null,
    root_cause: null,
    components: ['analysis-engine'],
    drill: false,
    declared_at: min(0),
    detected_at: min(-2),
    detected_by: null,
    impact_started_at: min(-10),
    mitigated_at: null,
    resolved_at: null,
    closed_at: null,
    reopened: 0,
    status_history: [{ status: 'investigating', from: min(0) }],
    severity_history: [{ severity, from: min(0) }],
    roles: {},
    first_response: null,
    last_update_at: null,
    updates: [],
    action_items: [],
    breaches: [],
    postmortem: null,
    seq: 1,
    ...over,
  };
}

export function event(seq: number, over: Partial<TimelineEvent> = {}): TimelineEvent {
  return {
    id: `E${seq}`,
    seq,
    kind: 'note',
    message: `event ${seq}`,
    actor: { type: 'system', name: 'incident-mcp' },
    occurred_at: min(seq),
    recorded_at: min(seq),
    evidence: [],
    prev_hash: '0'.repeat(64),
    hash: '1'.repeat(64),
    ...over,
  };
}

export const plan = (over: Partial<Plan> = {}): Plan => ({
  action: 'rollback_release',
  environment: 'prod',
  cluster: 'prod (https://10.0.0.1:6443)',
  target: 'pulsestream-core',
  namespace: 'pulsestream-core-prod',
  from: 12,
  to: 10,
  command: ['helm', 'rollback', 'pulsestream-core', '10'],
  changes: [],
  changes_total: 0,
  blast_radius: { pods: 3, customers: null },
  warnings: [],
  risk: 'medium',
  reason: 'bad deploy',
  digest: 'd'.repeat(64),
  expires_at: min(10),
  ...over,
});

export const approval = (over: Partial<Approval> = {}): Approval => ({
  approval_id: 'APR-7K2M9Q4XBT',
  tool: 'rollback_release',
  arguments_hash: 'a'.repeat(64),
  incident_id: 'INC-0007',
  plan: plan(),
  world: {},
  status: 'pending',
  ways: ['client_form', 'terminal'],
  approvers_needed: 1,
  decisions: [],
  requested_by: 'test-client 1.0',
  created_at: min(0),
  expires_at: min(10),
  runner: null,
  outcome: null,
  ...over,
});

export const revision = (
  n: number,
  minutes: number | null,
  status = 'superseded',
  over: Partial<Revision> = {},
): Revision => ({
  release: 'core',
  namespace: 'core-prod',
  revision: n,
  status,
  chart: null,
  app_version: null,
  deployed_at: minutes === null ? null : min(minutes),
  description: null,
  ...over,
});

export const workload = (name: string, ready: number, desired: number, over: Partial<Workload> = {}): Workload => ({
  kind: 'Deployment',
  namespace: 'core-prod',
  name,
  uid: name,
  generation: 1,
  observed_generation: 1,
  desired,
  ready,
  updated: desired,
  available: ready,
  pods: desired,
  paused: false,
  strategy: 'RollingUpdate',
  partition: 0,
  scale_deletes_volumes: false,
  restarted_at: null,
  images: [],
  labels: {},
  annotations: {},
  conditions: [],
  created_at: null,
  ...over,
});
