import { moveOf, onsetOf, type Seen } from './assistant.ts';
import type { Session } from './session.ts';
import type { Stage } from './stage.ts';

const ENVIRONMENT = 'prod';
const RECOVERY_MS = 60_000;
const POLL_MS = 1_500;

/** What people say at the beginning; the assistant hears nothing else of the scenario. */
export interface Report {
  symptom: string | null;
  workaround: boolean | null;
}

/** Plays one incident by the steps of the prompts. Resolves with the draft of the post-mortem, null where there was no incident. */
export async function play(session: Session, stage: Stage, report: Report): Promise<string | null> {
  const seen = await triage(session, stage, report);
  if (seen.severity === 'SEV4' && report.symptom === null) {
    stage.good('Nothing is wrong that the platform can see, and nobody reports anything: no incident is declared.');
    return null;
  }
  await declare(session, stage, seen, report);
  const move = moveOf(seen, ENVIRONMENT);
  const why = move?.why ?? seen.outside ?? 'nothing in this platform is broken that a change of ours would mend';
  await session.call('record_timeline_event', {
    kind: 'hypothesis',
    message: why,
    evidence: ['get_system_health', 'check_recent_deploys'],
  });
  if (move) {
    stage.title('Mitigate: the assistant plans, the human decides, the server runs it once');
    session.target = move.target;
    const ran = await session.call(move.tool, { ...move.arguments, reason: move.why }, 8);
    if (ran.data.status !== 'executed') {
      stage.bad(`Nothing more to do: the plan is ${String(ran.data.status)}.`);
      return null;
    }
    if (move.tool === 'scale_down') await settle(stage);
    else await recovery(session, stage);
    await session.call('verify_mitigation', { approval_id: ran.data.approval_id }, 6);
  }
  return close(session, stage, seen, why, move?.tool ?? null);
}

type Triage = Seen & { severity: string; onset: string | null; sick: string[]; outside: string | null };

async function triage(session: Session, stage: Stage, report: Report): Promise<Triage> {
  stage.title('Triage: scope, component, changes, severity');
  if (report.symptom) stage.say(`Somebody reports: "${report.symptom}"`);
  const fleet = (await session.call('get_fleet_summary', { environment: ENVIRONMENT })).data as Seen['fleet'];
  const health = (await session.call('get_system_health', { environment: ENVIRONMENT }, 9)).data as Seen['health'];
  const onset = onsetOf(health);
  const deploys = (
    await session.call('check_recent_deploys', { environment: ENVIRONMENT, ...(onset ? { onset } : {}) }, 8)
  ).data as Seen['deploys'];
  const assessed = (
    await session.call('assess_severity', {
      environment: ENVIRONMENT,
      ...(report.workaround === null ? {} : { workaround: report.workaround }),
      ...(report.symptom ? { note: report.symptom } : {}),
    })
  ).data as { severity: string; evidence: { llm_indicator: string | null } };
  const indicator = assessed.evidence.llm_indicator;
  let outside: string | null = null;
  if (indicator !== null && indicator !== 'none' && indicator !== 'unknown') {
    const provider = (await session.call('check_llm_provider', {})).data as { guidance: string };
    outside = `the LLM provider reports an outage: ${provider.guidance}`;
  }
  const sick = health.components.filter((c) => c.status === 'down' || c.status === 'degraded').map((c) => c.name);
  return { fleet, health, deploys, severity: assessed.severity, onset, sick, outside };
}

async function declare(session: Session, stage: Stage, seen: Triage, report: Report): Promise<void> {
  stage.title('Declare and notify');
  const title = seen.sick[0]
    ? `${seen.sick[0]} is failing`
    : (report.symptom ?? seen.outside?.slice(0, 80) ?? 'Customers are affected');
  await session.call('declare_incident', {
    title,
    severity: seen.severity,
    environment: ENVIRONMENT,
    detected_by: report.symptom
      ? { source: 'support_ticket', reference: 'ticket' }
      : { source: 'investigation', reference: 'get_system_health' },
    components: seen.sick,
    ...(seen.onset ? { detected_at: seen.onset, impact_started_at: seen.onset } : {}),
  });
}

const SETTLE_MS = 4_000;

async function settle(stage: Stage): Promise<void> {
  stage.say(
    '   Scaled down on purpose: the platform stays dark until people bring it back; what had to stop is the bleeding.',
  );
  await new Promise((wake) => setTimeout(wake, SETTLE_MS));
}

async function recovery(session: Session, stage: Stage): Promise<void> {
  const end = Date.now() + RECOVERY_MS;
  while (Date.now() < end) {
    await new Promise((wake) => setTimeout(wake, POLL_MS));
    const { data } = await session.call('get_system_health', { environment: ENVIRONMENT }, 2);
    if (data.status === 'healthy') {
      await session.call('get_fleet_summary', { environment: ENVIRONMENT }, 2);
      return;
    }
  }
  stage.note('health is not green yet');
}

async function close(
  session: Session,
  stage: Stage,
  seen: Triage,
  why: string,
  tool: string | null,
): Promise<string | null> {
  stage.title('Close the loop');
  await session.call(
    'send_update',
    {
      audience: 'internal',
      message: tool ? `Mitigated by ${tool}; we are watching.` : `No change of ours is needed: ${why}`,
    },
    2,
  );
  const green = seen.outside === null && tool !== null;
  if (!green) {
    stage.say(
      'The trouble is not in this platform or waits for others: the incident stays open, and the assistant says so.',
    );
    return String((await session.call('draft_postmortem', {}, 4)).data.markdown);
  }
  if (tool === 'scale_down') {
    await session.call(
      'update_incident',
      { status: 'mitigated', root_cause: why, reason: 'the load is gone; the platform is scaled down' },
      3,
    );
    stage.say('It is mitigated and not resolved: people must mend the database and scale up again.');
  } else {
    await session.call(
      'update_incident',
      { status: 'mitigated', root_cause: why, reason: 'health and fleet are back to normal' },
      3,
    );
    await session.call('update_incident', { status: 'resolved', reason: 'recovery verified' }, 3);
  }
  await session.call(
    'add_action_item',
    { title: 'Find out why this was not caught before production', kind: 'prevent', owner: 'platform team' },
    2,
  );
  const { data } = await session.call('draft_postmortem', {}, 4);
  return String(data.markdown);
}
