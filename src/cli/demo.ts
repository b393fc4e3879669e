import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scoreDrill } from '../domain/drill.ts';
import { formatDuration } from '../domain/instant.ts';
import { responseClock } from '../mcp/incidents.ts';
import { configure, type Env, openStore, systemClock } from './compose.ts';
import { play, type Report } from './demo/play.ts';
import { Session } from './demo/session.ts';
import { Stage } from './demo/stage.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { print } from './output.ts';
import { type RunningSandbox, startSandbox } from './sandbox-process.ts';
import { readTruth } from './truth.ts';

/** Where the signals are green, somebody has to say that something is wrong. */
const REPORTS: Record<string, Report> = {
  'ui-glitch': {
    symptom: 'A customer writes: the export button is cut off on small screens; the keyboard shortcut works.',
    workaround: true,
  },
};
const NO_REPORT: Report = { symptom: null, workaround: null };

/**
 * Plays one incident from the first look to the post-mortem: sandbox and server as processes, a real MCP client between, the human at the
 * terminal. At the end the sandbox tells the truth and the play is scored. Exit 1 when a change was needed and the platform has not recovered.
 */
export async function demo(flags: { scenario: string; speed: string }, env: Env): Promise<ExitCode> {
  const interactive = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const stage = new Stage(process.stdout.isTTY === true && env.NO_COLOR === undefined);
  const began = Date.now();
  const data = await mkdtemp(join(tmpdir(), 'incident-mcp-demo-'));
  let sandbox: RunningSandbox | null = null;
  let session: Session | null = null;
  try {
    sandbox = await startSandbox([flags.scenario, '--speed', flags.speed], env);
    stage.title('An incident from alert to post-mortem');
    stage.say(
      'A simulated platform (Kubernetes API, Helm, Prometheus, Alertmanager) and the real MCP server run as processes of their own.',
    );
    stage.say(
      'The assistant here is a script that follows the steps of the prompts. Production changes only when the human approves.',
    );
    if (!interactive) stage.say('There is no terminal: a stand-in human answers the forms.');
    session = await Session.start(['--config', sandbox.ready.config, '--data-dir', data], env, interactive, stage);
    const markdown = await play(session, stage, REPORTS[flags.scenario] ?? NO_REPORT);
    const said = `${session.calls} calls, ${Math.round(session.bytes / 1024)} KB of text for the model`;
    await session.close();
    session = null;
    if (markdown) showPostmortem(stage, markdown);
    return await reckon(sandbox, data, stage, env, `${said}, played in ${formatDuration(Date.now() - began)}`);
  } finally {
    await session?.close();
    await sandbox?.stop();
    await rm(data, { recursive: true, force: true });
  }
}

function showPostmortem(stage: Stage, markdown: string): void {
  const lines = markdown.split('\n').filter((line) => !line.startsWith('<!--') && line.trim() !== '');
  stage.title('The post-mortem, as drafted from the record (first lines)');
  for (const line of lines.slice(0, 22)) print(`   ${line.slice(0, 160)}`);
  stage.say(`   ... ${lines.length} lines in all`);
}

async function reckon(
  sandbox: RunningSandbox,
  dataDir: string,
  stage: Stage,
  env: Env,
  said: string,
): Promise<ExitCode> {
  const truth = await readTruth(sandbox.ready.truth);
  const config = configure({ config: sandbox.ready.config, data_dir: dataDir }, env);
  const store = openStore(config, systemClock, () => {});
  const incident = (await store.incidents())[0] ?? null;
  stage.title(`What really happened: ${truth.scenario} (the sandbox tells now)`);
  print(`   cause: ${truth.cause}`);
  for (const action of truth.actions)
    print(`   changed for real: ${action.kind} ${action.target} ${JSON.stringify(action.detail ?? '')}`);
  for (const criterion of scoreDrill({
    truth,
    incident,
    clock: incident ? responseClock({ config, clock: systemClock }, incident) : null,
    approvals: await store.approvals({}),
  })) {
    const mark = criterion.passed ? stage.paint('green', 'yes') : stage.paint('yellow', 'no ');
    print(`   ${mark} ${criterion.name}: ${criterion.found}`);
  }
  print(`   ${said}`);
  const well = truth.recovered || truth.right_move === null;
  if (truth.right_move === null) stage.good('No change of the platform was needed.');
  else if (well) stage.good('The platform has recovered.');
  else stage.bad('The platform has not recovered.');
  return well ? EXIT.ok : EXIT.no;
}
