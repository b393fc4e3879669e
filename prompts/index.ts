import type { Prompt } from '../src/mcp/prompt.ts';
import { mitigateIncident } from './mitigate-incident.ts';
import { triageIncident } from './triage-incident.ts';
import { writePostmortem } from './write-postmortem.ts';

/** Every prompt there is. */
export const prompts: readonly Prompt[] = [triageIncident, mitigateIncident, writePostmortem];
