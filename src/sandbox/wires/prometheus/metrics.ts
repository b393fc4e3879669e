import type { Effects } from '../../platform/effects.ts';
import { countServices, PLACES } from '../../platform/observe.ts';
import type { Platform } from '../../platform/platform.ts';
import { BUCKETS, type Reading } from '../../platform/timeline.ts';
import type { Pod, Strings } from '../../platform/types.ts';
import { ENVIRONMENT, SERVICES, type Service } from '../../scenarios/types.ts';

/** One series at one instant. */
export interface Sample {
  labels: Strings;
  value: number;
}

/** Requests served before the sandbox's own history begins, so that counters look like counters. */
const BASE = 1_000_000;

const METRICS: Readonly<Record<string, (platform: Platform, reading: Reading) => Sample[]>> = {
  pulsestream_agents_expected: ({ customers }) =>
    customers.map(({ name, agents }) => ({ labels: { customer: name }, value: agents })),
  pulsestream_agents_connected: ({ customers }, { signals }) =>
    customers.map(({ name, version }) => ({
      labels: { customer: name, version },
      value: signals.connected.get(name) ?? 0,
    })),
  pulsestream_customer_error_ratio: ({ customers }, { signals }) =>
    customers.map(({ name }) => ({ labels: { customer: name }, value: signals.errorRatio.get(name) ?? 0 })),
  pulsestream_http_requests_total: (_, { requests, effects }) =>
    served(effects).flatMap((service) => {
      const { total, failed } = requests[service];
      const labels = { service, namespace: PLACES[service].namespace };
      return [
        { labels: { ...labels, code: '200' }, value: BASE + total - failed },
        { labels: { ...labels, code: '500' }, value: BASE / 1000 + failed * 0.8 },
        { labels: { ...labels, code: '503' }, value: BASE / 1000 + failed * 0.2 },
      ];
    }),
  pulsestream_http_request_duration_seconds_bucket: (_, { requests, effects }) =>
    served(effects).flatMap((service) =>
      BUCKETS.map((limit, i) => ({
        labels: { service, le: limit === Number.POSITIVE_INFINITY ? '+Inf' : String(limit) },
        value: BASE + (requests[service].buckets[i] ?? 0),
      })),
    ),
  pulsestream_http_request_duration_seconds_count: (_, { requests, effects }) =>
    served(effects).map((service) => ({ labels: { service }, value: BASE + requests[service].total })),
  pulsestream_http_request_duration_seconds_sum: (_, { requests, effects }) =>
    served(effects).map((service) => ({ labels: { service }, value: requests[service].seconds })),
  pulsestream_analysis_queue_depth: (_, { queueDepth }) => [{ labels: {}, value: queueDepth }],
  pulsestream_analysis_queue_oldest_seconds: (_, { queueOldest }) => [{ labels: {}, value: queueOldest }],
  up: (_, { effects }) =>
    SERVICES.filter((service) => effects.services[service].condition !== 'off').map((service) => ({
      labels: { job: service, service, instance: `${service}:metrics` },
      value: effects.services[service].ready > 0 ? 1 : 0,
    })),
  pulsestream_replicas_ready: (_, { effects }) =>
    SERVICES.map((service) => ({ labels: { service }, value: effects.services[service].ready })),
  kube_pod_container_status_restarts_total: ({ store }) => {
    const counts = countServices(store);
    return SERVICES.flatMap((service) =>
      counts[service].pods.map((pod) => ({
        labels: { service, namespace: PLACES[service].namespace, pod: pod.metadata.name, container: service },
        value: (pod as Pod).status?.containerStatuses?.[0]?.restartCount ?? 0,
      })),
    );
  },
};

/** The services that take requests; the series of one that is scaled to zero end, as those of gone pods do. */
const served = ({ services }: Effects): Service[] =>
  SERVICES.filter((service) => service !== 'postgres' && services[service].condition !== 'off');

export const METRIC_NAMES: readonly string[] = Object.keys(METRICS);

/** All series of a metric at a simulated second. */
export function samplesOf(platform: Platform, metric: string, second: number): Sample[] {
  const read = METRICS[metric];
  if (read === undefined) return [];
  return read(platform, platform.timeline.at(second)).map(({ labels, value }) => ({
    labels: { __name__: metric, environment: ENVIRONMENT, ...labels },
    value,
  }));
}
