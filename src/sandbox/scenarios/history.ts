import { AGENT_CHART, CORE_CHART, type ComponentValues, type ReleaseValues } from '../platform/charts.ts';
import type { ReleaseSpec, RevisionSpec } from '../platform/releases.ts';
import { AGENT, CORE } from './types.ts';

const DAY = 86_400;
const MINUTE = 60;

/** Image tags by service; `app` stands for those that are not named. */
export type Tags = Record<string, string> & { app: string };

const component = (name: string, tag: string, replicas: number, env: Record<string, string>): ComponentValues => ({
  image: { repository: `registry.pulsestream.example/${name}`, tag },
  replicas,
  env,
});

/** The values of a core revision: what a scenario changes is named, all else is as in the long-lived revision. */
export function coreValues(
  tags: Tags,
  change: { concurrency?: string; batchSize?: string; llmApiKey?: string } = {},
): ReleaseValues {
  const tag = (name: string): string => tags[name] ?? tags.app;
  return {
    components: {
      'control-plane': component('control-plane', tag('control-plane'), 2, { LOG_LEVEL: 'info' }),
      'analysis-engine': component('analysis-engine', tag('analysis-engine'), 3, {
        LOG_LEVEL: 'info',
        LLM_CONCURRENCY: change.concurrency ?? '8',
      }),
      'ingest-gateway': component('ingest-gateway', tag('ingest-gateway'), 3, { SPOOL_DIR: '/var/spool/ingest' }),
      'web-ui': component('web-ui', tag('web-ui'), 2, { API_URL: 'http://control-plane:8080' }),
      postgres: component('postgres', '15.6', 1, { PGDATA: '/var/lib/postgresql/data' }),
    },
    config: {
      'analysis.batchSize': change.batchSize ?? '25',
      'analysis.retryBackoff': 'exponential',
      'retention.days': '30',
    },
    credentials: {
      databasePassword: 'planted-db-password-7Qm2',
      llmApiKey: change.llmApiKey ?? 'planted-llm-key-A1b2C3d4',
    },
  };
}

export function agentValues(gateway: string, relay: string): ReleaseValues {
  return {
    components: {
      'agent-gateway': component('agent-gateway', gateway, 3, { HEARTBEAT_SECONDS: '15' }),
      'agent-relay': component('agent-relay', relay, 0, { UPSTREAM: 'agent-gateway:9090' }),
    },
    config: { 'sessions.max': '5000', 'handshake.version': gateway.startsWith('3.3') ? '4' : '3' },
    credentials: { databasePassword: 'planted-db-password-7Qm2', enrolmentToken: 'planted-enrolment-token-9Zx8' },
  };
}

const past = (
  revision: number,
  ageDays: number,
  appVersion: string,
  chartVersion: string,
  values: ReleaseValues,
): RevisionSpec => ({
  revision,
  status: 'superseded',
  chartVersion,
  appVersion,
  age: Math.round(ageDays * DAY),
  description: 'Upgrade complete',
  values,
});

/** The tags of revision 10, the long-lived one. */
export const STABLE: Tags = { app: '1.7.4', 'ingest-gateway': '1.7.3' };

/** The core's history up to revision 10, which is deployed unless the scenario adds newer ones. */
export function coreHistory(...newer: RevisionSpec[]): ReleaseSpec {
  const ingest = '1.7.3';
  return released(CORE.release, CORE.namespace, CORE_CHART, [
    past(3, 61.2, '1.6.8', '4.2.0', coreValues({ app: '1.6.8' })),
    past(4, 52.1, '1.6.9', '4.2.1', coreValues({ app: '1.6.9' })),
    past(5, 44.4, '1.7.0', '4.3.0', coreValues({ app: '1.7.0' })),
    past(6, 33.3, '1.7.1', '4.3.1', coreValues({ app: '1.7.1' })),
    past(7, 24.0, '1.7.2', '4.3.2', coreValues({ app: '1.7.2' })),
    past(8, 24.0 - (6 * MINUTE) / DAY, '1.7.3', '4.3.3', coreValues({ app: '1.7.3' })),
    past(9, 13.2, '1.7.3', '4.3.4', coreValues({ app: '1.7.3', 'ingest-gateway': ingest }, { batchSize: '20' })),
    past(10, 6.1, '1.7.4', '4.4.0', coreValues(STABLE)),
    ...newer,
  ]);
}

/** The agents' history up to revision 6; revisions 5 and 6 run the same gateway. */
export function agentHistory(...newer: RevisionSpec[]): ReleaseSpec {
  return released(AGENT.release, AGENT.namespace, AGENT_CHART, [
    past(2, 88.2, '3.0.4', '2.6.0', agentValues('3.0.4', '3.0.4')),
    past(3, 70.5, '3.1.0', '2.7.0', agentValues('3.1.0', '3.1.0')),
    past(4, 41.7, '3.1.2', '2.7.1', agentValues('3.1.2', '3.1.2')),
    past(5, 27.9, '3.2.0', '2.8.0', agentValues('3.2.0', '3.2.0')),
    past(6, 9.4, '3.2.1', '2.8.1', agentValues('3.2.0', '3.2.1')),
    ...newer,
  ]);
}

function released(name: string, namespace: string, chart: ReleaseSpec['chart'], revisions: RevisionSpec[]) {
  const current = revisions.findLast((revision) => revision.status !== 'failed');
  return {
    name,
    namespace,
    chart,
    revisions: revisions.map((revision) =>
      revision === current ? { ...revision, status: 'deployed' as const } : revision,
    ),
  };
}
