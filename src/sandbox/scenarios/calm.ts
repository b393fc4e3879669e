import { agentHistory, coreHistory } from './history.ts';
import type { Scenario } from './types.ts';

/** What a scenario has where nothing is wrong; the others name their differences. */
export const CALM: Omit<Scenario, 'name' | 'cause' | 'severity'> = {
  rightMove: null,
  onset: null,
  releases: () => [coreHistory(), agentHistory()],
  faultOf: () => null,
  customersOffline: 0,
  providerOutage: null,
  recovered: (platform) => !platform.impaired,
};
