import { CALM } from './calm.ts';
import { agentHistory, coreHistory, coreValues, STABLE } from './history.ts';
import { CORE, ENVIRONMENT, type Scenario } from './types.ts';

const MINUTE = 60;

export const badDeploy: Scenario = {
  ...CALM,
  name: 'bad-deploy',
  cause:
    'Revision 12 of pulsestream-core runs analysis-engine 1.8.1, which crashes as soon as work reaches it. Revision 11 ' +
    '(1.8.0) had already failed, so revision 10 is the last healthy one.',
  severity: 'SEV2',
  onset: 12 * MINUTE,
  rightMove: {
    tool: 'rollback_release',
    arguments: { release: CORE.release, environment: ENVIRONMENT, namespace: CORE.namespace, revision: 10 },
  },
  releases: () => [
    coreHistory(
      {
        revision: 11,
        status: 'failed',
        chartVersion: '4.5.0',
        appVersion: '1.8.0',
        age: 47 * MINUTE,
        description: 'Upgrade "pulsestream-core" failed: timed out waiting for the condition',
        values: coreValues({ ...STABLE, 'analysis-engine': '1.8.0' }, { concurrency: '32' }),
      },
      {
        revision: 12,
        status: 'deployed',
        chartVersion: '4.5.1',
        appVersion: '1.8.1',
        age: 14 * MINUTE,
        description: 'Upgrade complete',
        values: coreValues(
          { ...STABLE, 'analysis-engine': '1.8.1' },
          { concurrency: '32', batchSize: '200', llmApiKey: 'planted-llm-key-E5f6G7h8' },
        ),
      },
    ),
    agentHistory(),
  ],
  faultOf: ({ service, tag }) => {
    if (service !== 'analysis-engine') return null;
    if (tag === '1.8.0') return 'crash-at-start';
    return tag === '1.8.1' ? 'crash-under-load' : null;
  },
};
