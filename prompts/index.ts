import type { Prompt } from '../src/mcp/prompt.ts';
import { declareSeverity } from './declare-severity.ts';
import { handoffIncident } from './handoff-incident.ts';
import { llmProviderOutage } from './llm-provider-outage.ts';
import { mitigateIncident } from './mitigate-incident.ts';
import { runDrill } from './run-drill.ts';
import { triageIncident } from './triage-incident.ts';
import { writePostmortem } from './write-postmortem.ts';

/** Every prompt there is. */
export const prompts: readonly Prompt[] = [
  triageIncident,
  declareSeverity,
  mitigateIncident,
  llmProviderOutage,
  handoffIncident,
  writePostmortem,
  runDrill,
];
