import { isUrgent } from './health-severity.ts';
import { formatDuration } from './instant.ts';
import type { Alert, Health, HealthProbe, PodSummary, ServiceSignals, Workload } from './observe.ts';
import { replaceable } from './workload-rollout.ts';

export interface HealthThresholds {
  /** 0..1; from here on a service is degraded. */
  error_rate: number;
  /** Seconds, 95th percentile. */
  latency_p95: number;
  /** A restart within so many milliseconds before now counts. */
  restart_window_ms: number;
}

export interface Finding {
  status: Extract<Health, 'degraded' | 'down'>;
  reason: string;
}

/** Words of pods that are on their way up or down: they say nothing that the count of ready ones does not say. */
const PASSING =
  /^(ContainerCreating|PodInitializing|Pending|Terminating|Completed|Succeeded|Running|NotReady|Init:\d+\/\d+)$/;

/** An alert that fires because its rule could not be judged says nothing about the component. */
export const isCritical = (alert: Alert): boolean =>
  alert.state === 'active' && alert.blind !== true && isUrgent(alert.severity);

/** Whether the alert is about the component of this name; a namespace that either of them does not tell fits every other. */
export const concerns = (alert: Alert, name: string, namespace: string | null): boolean =>
  alert.component === name && (!alert.namespace || namespace === null || alert.namespace === namespace);

const percent = (ratio: number): string => `${Math.round(ratio * 1000) / 10} %`;
const seconds = (value: number): string => `${Math.round(value * 100) / 100} s`;

/** What a workload's own numbers say. Source: Kubernetes' workload status; the runbook, "Detection" (pod restarts). */
export function workloadFindings(
  workload: Workload,
  pods: PodSummary | undefined,
  thresholds: HealthThresholds,
  now: Date,
): Finding[] {
  const { desired, ready } = workload;
  const findings: Finding[] = [];
  if (desired > 0 && ready < desired) {
    const rolling = workload.observed_generation < workload.generation || workload.updated < replaceable(workload);
    const rollout = workload.paused ? ', rollout paused' : rolling ? ', rollout in progress' : '';
    findings.push({ status: ready <= 0 ? 'down' : 'degraded', reason: `${ready} of ${desired} ready${rollout}` });
  }
  if (desired > 0) {
    const problems = Object.entries(pods?.problems ?? {}).filter(([word, count]) => count > 0 && !PASSING.test(word));
    for (const [word, count] of problems.sort((a, b) => b[1] - a[1])) {
      findings.push({ status: 'degraded', reason: `${word} in ${count} ${count === 1 ? 'pod' : 'pods'}` });
    }
    const restarted = pods?.last_restart_at ? now.getTime() - Date.parse(pods.last_restart_at) : null;
    if (pods && pods.restarts > 0 && restarted !== null && restarted <= thresholds.restart_window_ms) {
      findings.push({
        status: 'degraded',
        reason: `restarted ${formatDuration(Math.max(0, restarted))} ago (${pods.restarts} restarts)`,
      });
    }
  }
  for (const condition of workload.conditions) findings.push({ status: 'degraded', reason: condition });
  return findings;
}

/**
 * What probes, figures and alerts say about the component of this name. `alone` when no workload is known: then a probe without
 * any answer means down, since nothing else speaks for it.
 */
export function signalFindings(
  name: string,
  namespace: string | null,
  seen: { probes: readonly HealthProbe[]; signals: ServiceSignals | null; alerts: readonly Alert[] },
  thresholds: HealthThresholds,
  alone: boolean,
): Finding[] {
  const findings: Finding[] = [];
  for (const probe of seen.probes) {
    if (probe.ok || (probe.service ?? probe.name) !== name) continue;
    const answer = probe.http_status === null ? 'does not answer' : `answers ${probe.http_status}`;
    findings.push({
      status: alone && probe.http_status === null ? 'down' : 'degraded',
      reason: `health endpoint ${answer}${probe.reason ? ` (${probe.reason})` : ''}`,
    });
  }
  const errors = figure(seen.signals?.error_rate, name);
  if (errors !== null && errors >= thresholds.error_rate) {
    findings.push({
      status: 'degraded',
      reason: `error rate ${percent(errors)} (limit ${percent(thresholds.error_rate)})`,
    });
  }
  const latency = figure(seen.signals?.latency_p95, name);
  if (latency !== null && latency >= thresholds.latency_p95) {
    findings.push({
      status: 'degraded',
      reason: `95th percentile latency ${seconds(latency)} (limit ${seconds(thresholds.latency_p95)})`,
    });
  }
  for (const alert of seen.alerts) {
    if (isCritical(alert) && concerns(alert, name, namespace)) {
      findings.push({ status: 'degraded', reason: `alert ${alert.name}` });
    }
  }
  return findings;
}

/** Whether any probe or figure speaks about this name at all. */
export const isHeardOf = (name: string, probes: readonly HealthProbe[], signals: ServiceSignals | null): boolean =>
  probes.some((probe) => (probe.service ?? probe.name) === name) ||
  figure(signals?.error_rate, name) !== null ||
  figure(signals?.latency_p95, name) !== null;

/** Names come from outside, so a series called `constructor` must not find the object's own. */
function figure(series: Record<string, number> | undefined, name: string): number | null {
  const value = series && Object.hasOwn(series, name) ? series[name] : undefined;
  return value === undefined || !Number.isFinite(value) ? null : value;
}
