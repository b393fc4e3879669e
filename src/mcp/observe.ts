import { judgeFleet } from '../domain/fleet-rules.ts';
import { judgeHealth } from '../domain/health-rules.ts';
import type { EnvironmentReaders, ReadContext } from './context.ts';
import { readSource } from './sources.ts';

/**
 * Reads all sources of health at once, each within its own deadline, and judges what came back. Never throws for a dead source.
 */
export async function observeHealth(env: EnvironmentReaders, context: ReadContext) {
  const deadline = context.config.source_deadline;
  const read = <T>(name: string, work: Parameters<typeof readSource<T>>[3]) =>
    readSource<T>(name, deadline, context.signal, work);
  const [workloads, pods, alerts, metrics, health] = await Promise.all([
    read('kubernetes', async (options) => (await env.kubernetes()).listWorkloads(env.namespaces, options)),
    read('kubernetes pods', async (options) => (await env.kubernetes()).summarizePods(env.namespaces, options)),
    read('alertmanager', async (options) => (await env.alerts())?.list(options) ?? null),
    read('prometheus', async (options) => (await env.metrics())?.services(options) ?? null),
    read('health endpoints', async (options) => (await env.health())?.probe(options) ?? null),
  ]);
  const sources = [workloads, pods, alerts, metrics, health].map((source) => source.report);
  const judged = judgeHealth({
    workloads: workloads.value ?? [],
    pods: pods.value ?? [],
    probes: health.value ?? [],
    alerts: alerts.value ?? [],
    signals: metrics.value,
    sources,
    services: env.config.releases.flatMap((release) => release.services),
    now: context.clock.now(),
  });
  return { judged, alerts: judged.alerts, signals: metrics.value, sources };
}

/** Reads the fleet and judges it; `judged` is null where the source did not answer. */
export async function observeFleet(env: EnvironmentReaders, context: ReadContext) {
  const read = await readSource(
    'fleet',
    context.config.source_deadline,
    context.signal,
    async (options) => (await env.fleet())?.read(options) ?? null,
  );
  const config = env.config.fleet ?? context.config.fleet;
  const judged = read.value
    ? judgeFleet(read.value, {
        slo_target: config.slo_target,
        customer_threshold: config.customer_threshold,
        scope: config.scope,
      })
    : null;
  return { judged, versions: judged?.versions ?? [], gaps: judged?.gaps ?? [], source: read.report };
}
