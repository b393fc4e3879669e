import { toInstant } from '../domain/instant.ts';
import type { Figures } from '../domain/verify.ts';
import type { ReadContext } from './context.ts';
import { observeFleet, observeHealth } from './observe.ts';

const highest = (values: Record<string, number> | undefined): number | null => {
  const all = Object.values(values ?? {});
  return all.length === 0 ? null : Math.max(...all);
};

const sum = (values: (number | null)[]): number | null => {
  const known = values.filter((value): value is number => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
};

/** What can be measured of an environment now; each figure is null where its source does not tell. */
export async function measure(context: ReadContext, environment: string): Promise<Figures> {
  const env = context.environment(environment);
  const [health, fleet] = await Promise.all([observeHealth(env, context), observeFleet(env, context)]);
  const { components } = health.judged;
  return {
    at: toInstant(context.clock.now()),
    error_rate: highest(health.signals?.error_rate),
    latency_p95: highest(health.signals?.latency_p95),
    ready: sum(components.map((c) => c.ready)),
    desired: sum(components.map((c) => c.desired)),
    restarts: sum(components.map((c) => c.restarts)),
    agents_connected: fleet.judged?.agents_connected ?? null,
    customers_affected: fleet.judged?.customers_affected ?? null,
  };
}
