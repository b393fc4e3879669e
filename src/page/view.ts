import type { Approval } from '../domain/approval.ts';
import type { Incident } from '../domain/incident.ts';
import { cleanText } from '../domain/text.ts';
import type { TimelineEvent } from '../domain/timeline.ts';
import { publicEvent } from '../mcp/event-view.ts';
import { commandLine, planTitle } from '../mcp/gate/words.ts';
import { approversWanted } from '../policy/approval-policy.ts';
import { approversOf } from '../policy/approval-state.ts';

/** Any JSON with what a browser would not draw as itself taken out of its texts: names and messages come from the cluster and from models. */
function clean<T>(value: T): T {
  if (typeof value === 'string') return cleanText(value) as T;
  if (Array.isArray(value)) return value.map(clean) as T;
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, clean(inner)])) as T;
  return value;
}

/** A plan as its human sees it. Proofs and hashes of secrets stay behind. */
export function approvalView(approval: Approval) {
  const { plan } = approval;
  return clean({
    approval_id: approval.approval_id,
    status: approval.status,
    tool: approval.tool,
    incident_id: approval.incident_id,
    title: planTitle(plan),
    command: commandLine(plan.command),
    plan: {
      action: plan.action,
      environment: plan.environment,
      cluster: plan.cluster,
      target: plan.target,
      namespace: plan.namespace,
      from: String(plan.from),
      to: String(plan.to),
      changes: plan.changes,
      changes_total: plan.changes_total,
      blast_radius: plan.blast_radius,
      warnings: plan.warnings,
      risk: plan.risk,
      reason: plan.reason,
      digest: plan.digest,
    },
    ways: approval.ways,
    approvers_needed: approval.approvers_needed,
    /** Who must approve beyond one human, and who may not; empty where nothing more is asked. */
    approvers_wanted: approversWanted(approval),
    approvers_missing: Math.max(0, approval.approvers_needed - approversOf(approval)),
    decisions: approval.decisions.map(({ decision, way, approver, note, at }) => ({
      decision,
      way,
      approver,
      note,
      at,
    })),
    requested_by: approval.requested_by,
    created_at: approval.created_at,
    expires_at: approval.expires_at,
    outcome: approval.outcome ? { status: approval.outcome.status, summary: approval.outcome.summary } : null,
  });
}
export type ApprovalView = ReturnType<typeof approvalView>;

export function incidentView(incident: Incident, state: string, events: readonly TimelineEvent[]) {
  return clean({
    id: incident.id,
    title: incident.title,
    severity: incident.severity,
    status: incident.status,
    environment: incident.environment,
    drill: incident.drill,
    state,
    timeline: events.map((event) => {
      const { id, occurred_at, kind, message, actor } = publicEvent(event);
      return { id, occurred_at, kind, message, actor };
    }),
  });
}
export type IncidentView = ReturnType<typeof incidentView>;

/** All that the page shows. `now` is the server's clock: countdowns follow it and not the browser's. */
export interface PageState {
  now: string;
  person: string | null;
  session_expires_at: string;
  passkeys: boolean;
  approvals: ApprovalView[];
  incidents: IncidentView[];
}
