import type { Incident } from '../domain/incident.ts';

/** An incident as tools answer it: without histories and bookkeeping, which the resource and the post-mortem hold. */
export function incidentResult(incident: Incident) {
  const {
    id,
    title,
    severity,
    status,
    environment,
    summary,
    root_cause,
    components,
    drill,
    declared_at,
    detected_at,
    detected_by,
    impact_started_at,
    mitigated_at,
    resolved_at,
    closed_at,
    reopened,
  } = incident;
  const roles: Record<string, { person: string; since: string; known_by: string }> = {};
  for (const [role, holder] of Object.entries(incident.roles)) if (holder) roles[role] = holder;
  return {
    id,
    title,
    severity,
    status,
    environment,
    summary,
    root_cause,
    components,
    drill,
    declared_at,
    detected_at,
    detected_by,
    impact_started_at,
    mitigated_at,
    resolved_at,
    closed_at,
    reopened,
    roles,
  };
}
