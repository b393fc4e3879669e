import { CALM } from './calm.ts';
import { agentHistory, coreHistory, coreValues, STABLE } from './history.ts';
import { AGENT, ENVIRONMENT, type Scenario } from './types.ts';

const MINUTE = 60;

export const redHerring: Scenario = {
  ...CALM,
  name: 'red-herring',
  cause:
    'Two of the three agent-gateway processes are stuck on a lock and answer nothing. Revision 11 of pulsestream-core ' +
    'landed after the onset, changed only web-ui, and has nothing to do with it.',
  severity: 'SEV2',
  onset: 35 * MINUTE,
  rightMove: {
    tool: 'restart_service',
    arguments: { service: 'agent-gateway', environment: ENVIRONMENT, namespace: AGENT.namespace },
  },
  releases: () => [
    coreHistory({
      revision: 11,
      status: 'deployed',
      chartVersion: '4.4.1',
      appVersion: '1.7.5',
      age: 10 * MINUTE,
      description: 'Upgrade complete',
      values: coreValues({ ...STABLE, 'web-ui': '1.7.5' }),
    }),
    agentHistory(),
  ],
  faultOf: ({ service, original }) =>
    service === 'agent-gateway' && original !== null && original < 2 ? 'stuck' : null,
};
