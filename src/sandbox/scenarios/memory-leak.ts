import { CALM } from './calm.ts';
import { CORE, ENVIRONMENT, type Scenario } from './types.ts';

const MINUTE = 60;

export const memoryLeak: Scenario = {
  ...CALM,
  name: 'memory-leak',
  cause:
    'The memory-backed spool of ingest-gateway has filled up over days. It outlives a restart of the container, so the ' +
    'pods are OOM-killed again and again; only new pods start with an empty one.',
  severity: 'SEV3',
  onset: 42 * MINUTE,
  rightMove: {
    tool: 'restart_service',
    arguments: { service: 'ingest-gateway', environment: ENVIRONMENT, namespace: CORE.namespace },
  },
  faultOf: ({ service, original }) => (service === 'ingest-gateway' && original !== null ? 'oom' : null),
};
