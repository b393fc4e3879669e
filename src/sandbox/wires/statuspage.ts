import type { Platform } from '../platform/platform.ts';
import { type Handler, json, type Reply } from './http.ts';

/** The made-up LLM provider of the platform. */
export const PROVIDER = 'Lumenia AI';

/** The provider's public status page, in the form of Statuspage's API v2. */
export function statuspageWire(platform: Platform): Handler {
  return ({ path }) => {
    const down = platform.timeline.current().providerDown;
    const now = platform.clock.now();
    const page = { id: 'lumenia0sandbox', name: PROVIDER, url: 'https://status.lumenia.example', time_zone: 'Etc/UTC' };
    const status = down
      ? { indicator: 'major', description: 'Major Service Outage' }
      : { indicator: 'none', description: 'All Systems Operational' };
    if (path === '/api/v2/status.json') return json(200, { page: { ...page, updated_at: iso(now) }, status });
    if (path !== '/api/v2/summary.json') return json(404, { error: 'Not Found' });
    const startedAt = outageStart(platform);
    const component = (id: string, name: string, hit: boolean) => ({
      id,
      name,
      status: hit && down ? 'major_outage' : 'operational',
      updated_at: iso(hit && down ? startedAt : now - 40 * 86_400_000),
      position: 1,
      description: null,
      group: false,
    });
    return json(200, {
      page: { ...page, updated_at: iso(now) },
      components: [
        component('completions', 'Completions API', true),
        component('embeddings', 'Embeddings API', true),
        component('console', 'Console', false),
      ],
      incidents: down ? [incident(startedAt)] : [],
      scheduled_maintenances: [],
      status,
    });
  };
}

export function statuspageError(status: number): Reply {
  return json(status, { error: `status ${status}` });
}

const iso = (wallMs: number): string => new Date(wallMs).toISOString();

/** Simulated time that runs ahead of the wall makes the outage older, not the present later. */
function outageStart({ clock, scenario }: Platform): number {
  const began = (scenario.providerOutage?.began ?? 0) * 1000;
  const ahead = clock.elapsed() * 1000 - (clock.now() - clock.startedAt);
  return Math.floor((clock.startedAt - began - Math.max(0, ahead)) / 1000) * 1000;
}

function incident(startedAt: number): Record<string, unknown> {
  const update = (id: string, status: string, body: string, at: number) => ({
    id,
    status,
    body,
    incident_id: 'outage0sandbox',
    created_at: iso(at),
    updated_at: iso(at),
    display_at: iso(at),
    affected_components: [],
  });
  return {
    id: 'outage0sandbox',
    name: 'Elevated errors on completions and embeddings',
    status: 'identified',
    impact: 'major',
    shortlink: 'https://status.lumenia.example/incidents/outage0sandbox',
    started_at: iso(startedAt),
    created_at: iso(startedAt + 120_000),
    updated_at: iso(startedAt + 600_000),
    monitoring_at: null,
    resolved_at: null,
    incident_updates: [
      update('u2', 'identified', 'The cause is identified; a fix is being rolled out.', startedAt + 600_000),
      update('u1', 'investigating', 'We are investigating failing requests.', startedAt + 120_000),
    ],
    components: [],
  };
}
