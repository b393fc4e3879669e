import {
  type Finding,
  type HealthThresholds,
  isCritical,
  isHeardOf,
  signalFindings,
  workloadFindings,
} from './health-findings.ts';
import { MINUTE } from './instant.ts';
import type { Alert, Health, HealthProbe, PodSummary, ServiceSignals, SourceReport, Workload } from './observe.ts';

export type { HealthThresholds } from './health-findings.ts';

export const DEFAULT_THRESHOLDS: HealthThresholds = {
  error_rate: 0.05,
  latency_p95: 2,
  restart_window_ms: 10 * MINUTE,
};

export interface HealthReading {
  /** Empty where Kubernetes could not be read: `sources` tells the difference. */
  workloads: readonly Workload[];
  pods: readonly PodSummary[];
  probes: readonly HealthProbe[];
  alerts: readonly Alert[];
  /** null where the metrics could not be read. */
  signals: ServiceSignals | null;
  sources: readonly SourceReport[];
  /** Configured names of services that must exist. */
  services: readonly string[];
  /** Services without which the platform is down. */
  critical?: readonly string[];
  thresholds?: Partial<HealthThresholds>;
  /** Name of the source that alone can call the whole healthy; default `kubernetes`. */
  main_source?: string;
  now: Date;
}

export interface ComponentHealth {
  name: string;
  /** The workload's kind, or `Service` for a name that only signals or the configuration know. */
  kind: string;
  namespace: string | null;
  status: Health;
  reason: string;
  ready: number | null;
  desired: number | null;
  restarts: number | null;
}

export interface HealthJudgement {
  status: Health;
  /** Why, in one sentence. */
  reason: string;
  /** Worst first, then by name. */
  components: ComponentHealth[];
  /** Active ones first, critical before others; silenced and inhibited ones are kept but do not count. */
  alerts: Alert[];
  /** Sources that did not answer, in words. */
  gaps: string[];
}

const WEIGHT: Record<Health, number> = { down: 0, degraded: 1, unknown: 2, healthy: 3 };
const MOST_REASONS = 4;
/** Name of the source whose silence is data: each endpoint is a probe. */
const PROBES = 'health endpoints';

/**
 * Health of an environment from readings that may each be missing. Rules:
 * - none ready of some desired is down; fewer ready than desired, a crash loop, a recent restart, a failing probe, an error rate or
 *   latency at its limit, or an active critical alert is degraded;
 * - scaled to 0 is healthy by itself, since somebody meant it, and degraded where a signal complains about it;
 * - where nothing at all answers, silent endpoints are unknown and not down: the fault may lie with whoever looks;
 * - a missing source makes a component unknown only where nothing else tells;
 * - the whole is down when a critical component or at least half of those that are known are down; trouble that is seen counts
 *   even where sources are missing; without trouble the whole is unknown while the main source or a component is unknown.
 * Source: the runbook, "Detection"; the product's contract, `get_system_health`.
 */
export function judgeHealth(given: HealthReading): HealthJudgement {
  const reading = cutOff(given) ? { ...given, probes: [] } : given;
  const thresholds = { ...DEFAULT_THRESHOLDS, ...reading.thresholds };
  const main = reading.main_source ?? 'kubernetes';
  const mainMissing = reading.sources.find((source) => source.name === main)?.status !== 'ok';
  const podsOf = new Map(reading.pods.map((pods) => [`${pods.namespace}/${pods.kind ?? ''}/${pods.owner}`, pods]));
  const components = reading.workloads.map((workload) =>
    ofWorkload(
      workload,
      podsOf.get(`${workload.namespace}/${workload.kind}/${workload.name}`) ??
        podsOf.get(`${workload.namespace}//${workload.name}`),
      reading,
      thresholds,
    ),
  );
  const known = new Set(reading.workloads.map((workload) => workload.name));
  for (const name of otherNames(reading)) {
    if (!known.has(name)) components.push(ofSignals(name, reading, thresholds, main, mainMissing));
  }
  components.sort(
    (a, b) =>
      WEIGHT[a.status] - WEIGHT[b.status] || compare(a.name, b.name) || compare(a.namespace ?? '', b.namespace ?? ''),
  );
  const alerts = [...reading.alerts].sort((a, b) => alertWeight(a) - alertWeight(b));
  return {
    ...overall(components, alerts, reading, main, mainMissing),
    components,
    alerts,
    gaps: reading.sources
      .filter((source) => source.status === 'error' || source.status === 'timeout')
      .map(
        (source) => `${source.name} ${source.status === 'timeout' ? 'did not answer in time' : 'could not be read'}`,
      ),
  };
}

/**
 * Whether nothing at all answers: then the fault may as well lie in the network of whoever looks, and endpoints that stay silent say nothing
 * about the platform. An endpoint that answers, even with an error, or any other source that does, speaks against it.
 */
function cutOff(reading: HealthReading): boolean {
  const others = reading.sources.filter((source) => source.name !== PROBES && source.status !== 'not_configured');
  return (
    others.length > 0 &&
    others.every((source) => source.status !== 'ok') &&
    reading.probes.every((probe) => probe.http_status === null)
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const alertWeight = (alert: Alert): number => (isCritical(alert) ? 0 : alert.state === 'active' ? 1 : 2);

function otherNames(reading: HealthReading): Set<string> {
  return new Set([
    ...reading.services,
    ...reading.probes.map((probe) => probe.service ?? probe.name),
    ...Object.keys(reading.signals?.error_rate ?? {}),
    ...Object.keys(reading.signals?.latency_p95 ?? {}),
  ]);
}

function summed(
  findings: readonly Finding[],
  otherwise: { status: Health; reason: string },
): { status: Health; reason: string } {
  if (findings.length === 0) return otherwise;
  const ordered = [...findings].sort((a, b) => WEIGHT[a.status] - WEIGHT[b.status]);
  const said = ordered.slice(0, MOST_REASONS).map((finding) => finding.reason);
  const cut = ordered.length - said.length;
  return { status: ordered[0]?.status ?? 'unknown', reason: said.join('; ') + (cut > 0 ? `; ${cut} more` : '') };
}

function ofWorkload(
  workload: Workload,
  pods: PodSummary | undefined,
  reading: HealthReading,
  thresholds: HealthThresholds,
): ComponentHealth {
  const { name, kind, namespace, ready, desired } = workload;
  const findings = [
    ...workloadFindings(workload, pods, thresholds, reading.now),
    ...signalFindings(name, namespace, reading, thresholds, false),
  ];
  // Nobody scales a DaemonSet: its desired number is that of the nodes that fit.
  const empty = kind === 'DaemonSet' ? 'no node wants it' : 'scaled to 0';
  const judged = summed(findings, {
    status: 'healthy',
    reason: desired === 0 ? empty : `${ready} of ${desired} ready${workload.paused ? ', rollout paused' : ''}`,
  });
  if (desired === 0 && findings.length > 0) judged.reason = `${empty}; ${judged.reason}`;
  return { name, kind, namespace, ...judged, ready, desired, restarts: pods?.restarts ?? null };
}

function ofSignals(
  name: string,
  reading: HealthReading,
  thresholds: HealthThresholds,
  main: string,
  mainMissing: boolean,
): ComponentHealth {
  const findings = signalFindings(name, null, reading, thresholds, true);
  const heard = isHeardOf(name, reading.probes, reading.signals);
  const silence = mainMissing
    ? `${main} could not be read and nothing else tells`
    : 'no workload of this name, and no signal';
  const judged = summed(
    findings,
    heard ? { status: 'healthy', reason: 'its probes and figures are good' } : { status: 'unknown', reason: silence },
  );
  return { name, kind: 'Service', namespace: null, ...judged, ready: null, desired: null, restarts: null };
}

function overall(
  components: readonly ComponentHealth[],
  alerts: readonly Alert[],
  reading: HealthReading,
  main: string,
  mainMissing: boolean,
): { status: Health; reason: string } {
  const of = (status: Health): ComponentHealth[] => components.filter((c) => c.status === status);
  const names = (list: readonly ComponentHealth[]): string =>
    list
      .slice(0, 5)
      .map((c) => c.name)
      .join(', ') + (list.length > 5 ? ` and ${list.length - 5} more` : '');
  const down = of('down');
  const degraded = of('degraded');
  const unknown = of('unknown');
  const vital = down.filter((c) => reading.critical?.includes(c.name));
  if (vital.length > 0)
    return { status: 'down', reason: `${names(vital)} down, without which the platform does not work` };
  const total = components.length - unknown.length;
  if (down.length > 0 && down.length * 2 >= total) {
    return { status: 'down', reason: `${down.length} of ${total} components down: ${names(down)}` };
  }
  if (down.length > 0) return { status: 'degraded', reason: `${names(down)} down; ${degraded.length} more degraded` };
  if (degraded.length > 0) return { status: 'degraded', reason: `${names(degraded)} degraded` };
  const critical = alerts.filter(isCritical);
  if (critical.length > 0) {
    return {
      status: 'degraded',
      reason: `critical alerts fire: ${[...new Set(critical.map((a) => a.name))].slice(0, 5).join(', ')}`,
    };
  }
  if (mainMissing) return { status: 'unknown', reason: `${main} could not be read; no trouble is seen in what was` };
  if (components.length === 0) return { status: 'unknown', reason: 'nothing was found to judge' };
  if (unknown.length > 0)
    return { status: 'unknown', reason: `nothing is known about ${names(unknown)}; the rest is healthy` };
  return { status: 'healthy', reason: `all ${components.length} components are healthy` };
}
