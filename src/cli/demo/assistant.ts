/** What the demo's assistant concludes from the answers; the same reasoning that the prompts ask of a model. */

interface Component {
  name: string;
  status: string;
  reason: string;
}
export interface Seen {
  health: {
    status: string;
    components: Component[];
    alerts: { component: string | null; started_at: string | null; state?: string }[];
  };
  fleet: { scope: string | null; affected_percent: number | null };
  deploys: { rollback_candidate: { release: string; namespace: string; to_revision: number; reason: string } | null };
}

export interface Move {
  tool: 'rollback_release' | 'restart_service' | 'scale_down';
  arguments: Record<string, unknown>;
  target: string;
  why: string;
}

/** The earliest sign of trouble: the start of the oldest alert that fires. */
export function onsetOf(health: Seen['health']): string | null {
  const starts = health.alerts
    .filter((a) => a.state !== 'silenced' && a.state !== 'inhibited')
    .flatMap((a) => (a.started_at ? [a.started_at] : []));
  return starts.sort()[0] ?? null;
}

/** Trouble that comes from outside or concerns one customer alone is not mended by changing the platform. */
export function moveOf(seen: Seen, environment: string): Move | null {
  const candidate = seen.deploys.rollback_candidate;
  if (candidate) {
    return {
      tool: 'rollback_release',
      arguments: { release: candidate.release, environment },
      target: candidate.release,
      why: `a deploy before the onset fits: ${candidate.reason}`,
    };
  }
  if (seen.fleet.scope === 'all') {
    return {
      tool: 'scale_down',
      arguments: { environment },
      target: environment,
      why: 'all customers are affected, no deploy is to blame, and the bleeding must stop',
    };
  }
  const sick = seen.health.components.find((c) => c.status === 'down' || c.status === 'degraded');
  if (!sick) return null;
  return {
    tool: 'restart_service',
    arguments: { service: sick.name, environment },
    target: sick.name,
    why: `no deploy fits, and ${sick.name} is ${sick.status}: ${sick.reason}`,
  };
}
