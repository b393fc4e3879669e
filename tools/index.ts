import type { AnyTool } from '../src/mcp/tool.ts';
import { addActionItem } from './add-action-item.ts';
import { assessSeverity } from './assess-severity.ts';
import { assignRole } from './assign-role.ts';
import { checkLlmProvider } from './check-llm-provider.ts';
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
import { sendUpdate } from './send-update.ts';
import { updateIncident } from './update-incident.ts';
import { updateRunbook } from './update-runbook.ts';
import { verifyMitigation } from './verify-mitigation.ts';

/** Every tool there is, in the order in which an incident needs them. */
export const tools: readonly AnyTool[] = [
  getSystemHealth,
  getFleetSummary,
  checkRecentDeploys,
  checkLlmProvider,
  assessSeverity,
  declareIncident,
  updateIncident,
  assignRole,
  recordTimelineEvent,
  sendUpdate,
  addActionItem,
  getIncident,
  listIncidents,
  rollbackRelease,
  restartService,
  scaleDown,
  updateRunbook,
  getApproval,
  verifyMitigation,
  draftPostmortem,
];
