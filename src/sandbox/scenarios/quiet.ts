import { CALM } from './calm.ts';
import type { Scenario } from './types.ts';

const MINUTE = 60;

/** The scenarios in which nothing of the platform is broken, hence nothing is to be changed. */

export const healthy: Scenario = { ...CALM, name: 'healthy', cause: 'Nothing is wrong.', severity: 'none' };

export const llmOutage: Scenario = {
  ...CALM,
  name: 'llm-outage',
  cause: 'The LLM provider has a major outage. Analyses queue up and complete once it recovers; nothing is wrong here.',
  severity: 'SEV3',
  onset: 25 * MINUTE,
  providerOutage: { began: 25 * MINUTE, lasts: 100 * MINUTE },
};

export const singleTenant: Scenario = {
  ...CALM,
  name: 'single-tenant',
  cause: "One customer's own network dropped all of its agents; the platform and all other customers are well.",
  severity: 'SEV3',
  onset: 31 * MINUTE,
  customersOffline: 1,
  recovered: () => false,
};

export const uiGlitch: Scenario = {
  ...CALM,
  name: 'ui-glitch',
  cause: 'A column of the web interface is misaligned in one browser, says a support ticket. All signals are green.',
  severity: 'SEV4',
  onset: 150 * MINUTE,
  recovered: () => false,
};
