import { CALM } from './calm.ts';
import { agentHistory, agentValues, coreHistory } from './history.ts';
import { AGENT, ENVIRONMENT, type Scenario } from './types.ts';

const MINUTE = 60;

export const agentDisconnect: Scenario = {
  ...CALM,
  name: 'agent-disconnect',
  cause:
    'Revision 7 of pulsestream-agent brings agent-gateway 3.3.0, whose new handshake drops the agents of most customers ' +
    'at every heartbeat.',
  severity: 'SEV2',
  onset: 18 * MINUTE,
  rightMove: {
    tool: 'rollback_release',
    arguments: { release: AGENT.release, environment: ENVIRONMENT, namespace: AGENT.namespace, revision: 6 },
  },
  releases: () => [
    coreHistory(),
    agentHistory({
      revision: 7,
      status: 'deployed',
      chartVersion: '2.9.0',
      appVersion: '3.3.0',
      age: 20 * MINUTE,
      description: 'Upgrade complete',
      values: agentValues('3.3.0', '3.3.0'),
    }),
  ],
  faultOf: ({ service, tag }) => (service === 'agent-gateway' && tag === '3.3.0' ? 'drops-agents' : null),
};
