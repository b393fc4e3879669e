import type { AnyTool } from '../src/mcp/tool.ts';
import { checkRecentDeploys } from './check-recent-deploys.ts';
import { declareIncident } from './declare-incident.ts';
import { draftPostmortem } from './draft-postmortem.ts';
import { getApproval } from './get-approval.ts';
import { getFleetSummary } from './get-fleet-summary.ts';
import { getIncident } from './get-incident.ts';
import { getSystemHealth } from './get-system-health.ts';
import { listIncidents } from './list-incidents.ts';
import { recordTimelineEvent } from './record-timeline-event.ts';
import { restartService } from './restart-service.ts';
import { rollbackRelease } from './rollback-release.ts';
import { scaleDown } from './scale-down.ts';
import { updateIncident } from './update-incident.ts';

/** Every tool there is, in the order in which an incident needs them. */
export const tools: readonly AnyTool[] = [
  getSystemHealth,
  getFleetSummary,
  checkRecentDeploys,
  declareIncident,
  updateIncident,
  getIncident,
  listIncidents,
  recordTimelineEvent,
  rollbackRelease,
  restartService,
  scaleDown,
  getApproval,
  draftPostmortem,
];
