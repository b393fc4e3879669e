import type { Platform } from '../platform/platform.ts';
import type { Faults } from './faults.ts';
import { type Handler, json, type Reply } from './http.ts';
import type { Sinks } from './sinks.ts';

/** What tests and demos use, and the server never does: the truth, the faults of the wires, the simulated clock. */
export function controlWire(platform: Platform, sinks: Sinks, faults: Faults, seed: number | null): Handler {
  return ({ method, path, body }) => {
    if (method === 'GET' && path === '/truth') return json(200, truth(platform, sinks, seed));
    if (method !== 'POST' || (path !== '/faults' && path !== '/advance')) {
      return json(404, { error: 'known are GET /truth, POST /faults and POST /advance' });
    }
    let sent: Record<string, unknown>;
    try {
      sent = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
    } catch {
      return json(400, { error: 'the body is not JSON' });
    }
    if (path === '/faults') {
      const wrong = faults.set(sent.wire, sent.mode, sent.path);
      return wrong === null ? json(200, { ok: true }) : json(400, { error: wrong });
    }
    const { seconds } = sent;
    if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= 86_400)) {
      return json(400, { error: 'seconds must be a number from 0 to 86400' });
    }
    platform.clock.advance(seconds);
    return json(200, { ok: true, elapsed: platform.clock.elapsed() });
  };
}

export function controlError(status: number): Reply {
  return json(status, { error: `status ${status}` });
}

function truth(platform: Platform, sinks: Sinks, seed: number | null): Record<string, unknown> {
  const { scenario, clock } = platform;
  const onset = scenario.onset === null ? null : new Date(clock.startedAt - scenario.onset * 1000).toISOString();
  return {
    scenario: scenario.name,
    cause: scenario.cause,
    severity: scenario.severity,
    right_move: scenario.rightMove,
    recovered: platform.recovered(),
    actions: platform.actions.list(),
    notifications: sinks.notifications,
    started_at: new Date(clock.startedAt).toISOString(),
    onset_at: onset,
    elapsed_seconds: clock.elapsed(),
    speed: clock.speed,
    seed,
  };
}
