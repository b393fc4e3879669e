import { setTimeout as sleep } from 'node:timers/promises';
import type { Gated, Health, Plan, Provider } from './answers.ts';
import type { Assistant } from './assistant.ts';
import type { Person } from './person.ts';
import { ENVIRONMENT, type Move, sickOnes, type Triage } from './triage.ts';

const RECOVERY_MS = 20_000;
const LOOK_EVERY_MS = 700;

/** The prompt mitigate_incident from the plan on, with what triage has just read. Gives the plan that was approved and run. */
export async function plan(assistant: Assistant, person: Person, incident: string, move: Move): Promise<Gated> {
  await assistant.follow('mitigate_incident', { incident_id: incident });
  person.agrees(move.target);
  const { tool, why } = move;
  return assistant.call<Gated>(tool, {
    ...move.arguments,
    environment: ENVIRONMENT,
    incident_id: incident,
    reason: why,
  });
}

const downOnes = (health: Health): number => health.components.filter((c) => c.status === 'down').length;

/** Down weighs more than degraded, however many those are. */
const trouble = (health: Health): number => downOnes(health) * 1_000 + sickOnes(health).length;

/** Steps 6 and 7: looks again, and says what the health says. */
export async function watch(assistant: Assistant, before: Triage, done: Plan): Promise<string> {
  const environment = ENVIRONMENT;
  const incident_id = before.incident ?? '';
  const improved = (health: Health): boolean => trouble(health) < trouble(before.health);
  // What was scaled down on purpose stays dark: the bleeding has stopped when nothing is down that should run.
  const enough = (health: Health): boolean =>
    done.action === 'scale_down' ? downOnes(health) === 0 : health.status === 'healthy';
  const end = Date.now() + RECOVERY_MS;
  let health = await assistant.call<Health>('get_system_health', { environment });
  while (!enough(health) && Date.now() < end) {
    await sleep(LOOK_EVERY_MS);
    health = await assistant.call<Health>('get_system_health', { environment });
  }
  await assistant.call('get_fleet_summary', { environment });
  const reason = `after ${done.action}: health is ${health.status}, ${sickOnes(health).length} components not healthy`;
  if (!improved(health)) {
    await assistant.call('record_timeline_event', { incident_id, kind: 'observation', message: `no better ${reason}` });
    return 'investigating';
  }
  await assistant.call('update_incident', { incident_id, status: 'mitigated', reason });
  if (health.status !== 'healthy') return 'mitigated';
  await assistant.call('update_incident', { incident_id, status: 'resolved', reason });
  return 'resolved';
}

/** The prompt llm_provider_outage after the declaration: no change, but people are told; the human approves the words for customers. */
export async function tellCustomers(assistant: Assistant, person: Person, incident: string): Promise<Provider> {
  await assistant.follow('llm_provider_outage', { environment: ENVIRONMENT });
  const provider = await assistant.call<Provider>('check_llm_provider', { environment: ENVIRONMENT });
  const message = provider.customer_message ?? '';
  const incident_id = incident;
  await assistant.call('record_timeline_event', { incident_id, kind: 'observation', message: provider.guidance });
  await assistant.call('send_update', { incident_id, audience: 'internal', message: provider.guidance });
  person.agrees(message);
  await assistant.call('send_update', { incident_id, audience: 'customers', message });
  return provider;
}
