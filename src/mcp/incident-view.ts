import type { Incident } from '../domain/incident.ts';

/** An incident for a tool's output: its schema leaves out the histories and bookkeeping, which the resource and the post-mortem hold. */
export function incidentResult(incident: Incident) {
  const roles: Record<string, { person: string; since: string; known_by: string }> = {};
  for (const [role, holder] of Object.entries(incident.roles)) if (holder) roles[role] = holder;
  return { ...incident, roles };
}
