/** The queries of the alerts of the sandbox's monitoring, by name. */
export const ALERT_QUERIES = {
  DatabaseDown: 'up{job="postgres"} == 0',
  PodCrashLooping: 'increase(kube_pod_container_status_restarts_total[10m]) > 3',
  ContainerOOMKilled: 'kube_pod_container_status_last_terminated_reason{reason="OOMKilled"} == 1',
  WorkloadReplicasNotReady: 'pulsestream_replicas_ready < pulsestream_replicas_desired',
  HighErrorRate:
    'sum by (service) (rate(pulsestream_http_requests_total{code=~"5.."}[5m])) / sum by (service) (rate(pulsestream_http_requests_total[5m])) > 0.05',
  HighLatency:
    'histogram_quantile(0.95, sum by (le, service) (rate(pulsestream_http_request_duration_seconds_bucket[5m]))) > 0.5',
  AgentConnectivitySLOBreach: 'sum(pulsestream_agents_connected) / sum(pulsestream_agents_expected) < 0.95',
  CustomerAgentsOffline: 'sum by (customer) (pulsestream_agents_connected) == 0',
  AnalysisQueueGrowing: 'pulsestream_analysis_queue_oldest_seconds > 300',
} as const;

export type AlertName = keyof typeof ALERT_QUERIES;
