import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatDuration } from '../domain/instant.ts';
import type { Env } from './compose.ts';
import { moveOf, onsetOf, type Seen, severityOf } from './demo/assistant.ts';
import { Session } from './demo/session.ts';
import { Stage } from './demo/stage.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { print } from './output.ts';
import { type RunningSandbox, startSandbox } from './sandbox-process.ts';

const ENVIRONMENT = 'prod';
const RECOVERY_MS = 60_000;
const POLL_MS = 1_500;

/**
 * Plays one incident from the first look to the post-mortem: sandbox and server as processes, a real MCP client between, the human at the
 * terminal. Exit 1 when the platform was not in the state that the right move leads to.
 */
export async function demo(flags: { scenario: string; speed: string }, env: Env): Promise<ExitCode> {
  const interactive = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const stage = new Stage(process.stdout.isTTY === true && env.NO_COLOR === undefined);
  const began = Date.now();
  const data = await mkdtemp(join(tmpdir(), 'incident-mcp-demo-'));
  const sandbox = await startSandbox([flags.scenario, '--speed', flags.speed], env);
  let session: Session | null = null;
  try {
    stage.title(`An incident from alert to post-mortem: scenario ${flags.scenario}`);
    stage.say(
      'A simulated platform (Kubernetes API, Helm, Prometheus, Alertmanager) and the real MCP server run as processes of their own.',
    );
    stage.say(
      'The assistant here is a script that follows the same steps as the prompts. Production changes only when the human approves.',
    );
    if (!interactive) stage.say('There is no terminal: a stand-in human answers the forms.');
    session = await Session.start(['--config', sandbox.ready.config, '--data-dir', data], env, interactive, stage);
    const markdown = await play(session, stage);
    await session.close();
    session = null;
    return await reckon(sandbox, stage, markdown, began);
  } finally {
    await session?.close();
    await sandbox.stop();
    await rm(data, { recursive: true, force: true });
  }
}

async function play(session: Session, stage: Stage): Promise<string | null> {
  stage.title('Triage: scope, component, changes');
  const fleet = (await session.call('get_fleet_summary', { environment: ENVIRONMENT })).data as Seen['fleet'];
  const health = (await session.call('get_system_health', { environment: ENVIRONMENT }, 9)).data as Seen['health'];
  const onset = onsetOf(health);
  const deploys = (
    await session.call('check_recent_deploys', { environment: ENVIRONMENT, ...(onset ? { onset } : {}) }, 8)
  ).data as Seen['deploys'];
  const seen: Seen = { fleet, health, deploys };
  const severity = severityOf(seen);
  if (severity === null) {
    stage.good('Nothing is wrong that the platform can see; no incident is declared.');
    return null;
  }
  stage.title('Declare and notify');
  const sick = health.components.filter((c) => c.status === 'down' || c.status === 'degraded').map((c) => c.name);
  await session.call('declare_incident', {
    title: sick.length > 0 ? `${sick[0]} is failing` : 'Customers are affected',
    severity,
    environment: ENVIRONMENT,
    detected_by: { source: 'investigation', reference: 'get_system_health' },
    components: sick,
    ...(onset ? { detected_at: onset, impact_started_at: onset } : {}),
  });
  const move = moveOf(seen, ENVIRONMENT);
  await session.call('record_timeline_event', {
    kind: 'hypothesis',
    message: move ? move.why : 'Nothing in this platform is broken that a change of ours would mend.',
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
    await recovery(session, stage);
  }
  stage.title('Close the loop');
  await session.call('update_incident', {
    status: 'mitigated',
    root_cause: move?.why ?? 'outside of this platform',
    reason: 'health and fleet are back to normal',
  });
  await session.call('update_incident', {
    status: 'resolved',
    reason:
      move?.tool === 'scale_down'
        ? 'override: scaled down on purpose, accepted by the human of the demo'
        : 'recovery verified',
  });
  const { data } = await session.call('draft_postmortem', {}, 14);
  return typeof data.markdown === 'string' ? data.markdown : null;
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

async function reckon(
  sandbox: RunningSandbox,
  stage: Stage,
  markdown: string | null,
  began: number,
): Promise<ExitCode> {
  const answer = await fetch(sandbox.ready.truth, { signal: AbortSignal.timeout(5_000) });
  const truth = (await answer.json()) as {
    cause: string;
    severity: string;
    recovered: boolean;
    actions: { kind: string; target: string; detail: unknown }[];
  };
  if (markdown) {
    stage.title('The post-mortem, as drafted from the record (first lines)');
    for (const line of markdown.split('\n').slice(0, 24)) print(`   ${line.slice(0, 160)}`);
    stage.say(`   ... ${markdown.split('\n').length} lines in all`);
  }
  stage.title('What really happened (the sandbox tells now)');
  print(`   cause: ${truth.cause}`);
  for (const action of truth.actions)
    print(
      `   changed for real: ${action.kind} ${action.target} ${typeof action.detail === 'string' ? action.detail : JSON.stringify(action.detail)}`,
    );
  print(`   played in ${formatDuration(Date.now() - began)}`);
  if (truth.recovered) stage.good('The platform has recovered.');
  else stage.bad('The platform has not recovered.');
  return truth.recovered ? EXIT.ok : EXIT.no;
}
