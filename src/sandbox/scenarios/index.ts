import type { ScenarioName } from '../options.ts';
import { agentDisconnect } from './agent-disconnect.ts';
import { badDeploy } from './bad-deploy.ts';
import { databaseOutage } from './database-outage.ts';
import { memoryLeak } from './memory-leak.ts';
import { healthy, llmOutage, singleTenant, uiGlitch } from './quiet.ts';
import { redHerring } from './red-herring.ts';
import type { Scenario } from './types.ts';

export const SCENARIOS: Readonly<Record<ScenarioName, Scenario>> = {
  healthy,
  'bad-deploy': badDeploy,
  'agent-disconnect': agentDisconnect,
  'database-outage': databaseOutage,
  'memory-leak': memoryLeak,
  'llm-outage': llmOutage,
  'single-tenant': singleTenant,
  'ui-glitch': uiGlitch,
  'red-herring': redHerring,
};
