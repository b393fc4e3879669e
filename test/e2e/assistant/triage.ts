import type { Assessed, Component, Deploys, Fleet, Health, Provider } from './answers.ts';
import type { Assistant } from './assistant.ts';
import type { Person } from './person.ts';

export const ENVIRONMENT = 'prod';

export interface Move {
  tool: 'rollback_release' | 'restart_service' | 'scale_down';
  arguments: Record<string, unknown>;
  /** What the human is told will be changed. */
  target: string;
  why: string;
}

export interface Triage {
  fleet: Fleet;
  health: Health;
  severity: string;
  provider: Provider | null;
  /** Null where nobody wanted an incident. */
  incident: string | null;
  move: Move | null;
}

/** The prompt triage_incident, step by step; ends with the proposal of one move or none. */
export async function triage(assistant: Assistant, person: Person): Promise<Triage> {
  const { symptom } = person;
  await assistant.follow('triage_incident', { environment: ENVIRONMENT, ...(symptom === null ? {} : { symptom }) });
  const environment = ENVIRONMENT;
  const fleet = await assistant.call<Fleet>('get_fleet_summary', { environment });
  const health = await assistant.call<Health>('get_system_health', { environment });
  const onset = onsetOf(health);
  const deploys = await assistant.call<Deploys>('check_recent_deploys', {
    environment,
    ...(onset === null ? {} : { onset }),
  });
  const assessed = await assistant.call<Assessed>('assess_severity', {
    environment,
    ...(symptom === null ? {} : { note: symptom, ...(/\bworkaround\b/i.test(symptom) ? { workaround: true } : {}) }),
  });
  const nothingBroken = health.status === 'healthy';
  const provider =
    nothingBroken && (/\banalys[ei]s\b.*\bslow\b/i.test(symptom ?? '') || troubled(assessed.evidence.llm_indicator))
      ? await assistant.call<Provider>('check_llm_provider', { environment })
      : null;
  const allWell = nothingBroken && fleet.scope === 'none' && !troubled(provider?.indicator ?? null);
  const found = { fleet, health, severity: assessed.severity, provider };
  if (allWell && !person.wantsItOnRecord()) return { ...found, incident: null, move: null };

  const move = moveOf(fleet, health, deploys, onset);
  const sick = sickOnes(health).map((c) => c.name);
  const declared = await assistant.call<{ incident: { id: string } }>('declare_incident', {
    title: titleOf(sick, provider, fleet, symptom),
    severity: assessed.severity,
    environment,
    components: sick,
    detected_by: { source: symptom === null ? 'grafana' : 'support_ticket' },
    ...(onset === null ? {} : { detected_at: onset, impact_started_at: onset }),
  });
  const incident_id = declared.incident.id;
  await assistant.call('record_timeline_event', {
    incident_id,
    kind: 'observation',
    message: `health is ${health.status}, unhealthy: ${sick.join(', ') || 'none'}; ${fleet.customers_affected} of ${fleet.customers_total} customers affected`,
    evidence: ['get_system_health', 'get_fleet_summary'],
  });
  await assistant.call('record_timeline_event', {
    incident_id,
    kind: 'hypothesis',
    message: move?.why ?? provider?.guidance ?? 'nothing of this platform is broken that a change of ours would mend',
    evidence: ['check_recent_deploys', ...(provider === null ? [] : ['check_llm_provider'])],
  });
  return { ...found, incident: incident_id, move };
}

const troubled = (indicator: string | null): boolean => /^(minor|major|critical)$/.test(indicator ?? '');

export const sickOnes = (health: Health): Component[] =>
  health.components.filter(({ status }) => status === 'down' || status === 'degraded');

/** The earliest sign: the start of the oldest alert that fires. */
function onsetOf(health: Health): string | null {
  const starts = health.alerts.filter((alert) => alert.state === 'active').flatMap((alert) => alert.started_at ?? []);
  return starts.sort()[0] ?? null;
}

/** Step 7 of the prompt, in its order; a deploy that landed after the onset is no cause. */
function moveOf(fleet: Fleet, health: Health, deploys: Deploys, onset: string | null): Move | null {
  const candidate = deploys.rollback_candidate;
  const landed = deploys.deploys.find(
    (d) => d.release === candidate?.release && d.revision === candidate.from_revision,
  )?.deployed_at;
  if (candidate && landed && onset !== null && Date.parse(landed) <= Date.parse(onset)) {
    const { release, to_revision: revision, reason } = candidate;
    const why = `${release} was deployed before the trouble began and fits it; ${reason}`;
    return { tool: 'rollback_release', arguments: { release, revision }, target: release, why };
  }
  const sick = sickOnes(health);
  if (fleet.scope === 'all' && health.status === 'down') {
    const why = `all customers are affected, ${sick.length} components are not healthy, and no deploy is to blame`;
    return { tool: 'scale_down', arguments: {}, target: ENVIRONMENT, why };
  }
  const [worst] = sick;
  if (!worst) return null;
  const why = `no deploy fits, and ${worst.name} is ${worst.status}: ${worst.reason ?? 'no reason given'}`;
  return { tool: 'restart_service', arguments: { service: worst.name }, target: worst.name, why };
}

function titleOf(sick: string[], provider: Provider | null, fleet: Fleet, symptom: string | null): string {
  if (sick[0] !== undefined) return `${sick[0]} is failing`;
  if (provider !== null && troubled(provider.indicator)) return 'Analyses wait for the LLM provider';
  if (fleet.customers_affected) return `${fleet.customers_affected} customers are affected`;
  return symptom?.slice(0, 100) ?? 'Trouble that the signals do not show';
}
