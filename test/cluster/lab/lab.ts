import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiServer, type Keep, startApiServer, startControllers, startEtcd } from './control-plane.ts';
import { type Daemon, runToEnd } from './daemon.ts';
import { startNodes } from './nodes.ts';
import { type Programs, programs } from './programs.ts';

/** What a test is told about the lab: the content of the file that `INCIDENT_MCP_LAB` names. */
export interface Lab {
  /** `own`: started by this run. `given`: the user's, of which only namespaces with the prefix are used. */
  cluster: 'own' | 'given';
  programs: Programs;
  /** The administrator's. */
  kubeconfig: string;
  context: string;
  /** Every namespace of the suite begins with it. */
  prefix: string;
  /** Of the own cluster only: what a test needs to start more of it. */
  plane: { api: ApiServer; etcd: string; dir: string } | null;
}

export interface RunningLab {
  lab: Lab;
  /** The file for `INCIDENT_MCP_LAB`. */
  file: string;
  stop(): Promise<void>;
}

const NODES = 5;

/** Starts a cluster of its own, or uses the given one, and writes down what tests need to know. */
export async function startLab(env: NodeJS.ProcessEnv = process.env): Promise<RunningLab> {
  const found = await programs(env.INCIDENT_MCP_TEST_NAMESPACE_PREFIX ? 'given' : 'own', env);
  const dir = mkdtempSync(join(tmpdir(), 'incident-lab-'));
  const daemons: Daemon[] = [];
  const keep = (daemon: Daemon): Daemon => {
    daemons.push(daemon);
    return daemon;
  };
  const stop = async (): Promise<void> => {
    for (const daemon of daemons.reverse()) await daemon.stop();
    rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    const lab = (await given(found, env)) ?? (await own(found, dir, keep));
    const file = join(dir, 'lab.json');
    writeFileSync(file, JSON.stringify(lab, null, 2), { mode: 0o600 });
    return { lab, file, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The user's cluster, when both `KUBECONFIG` and a prefix are set: a KUBECONFIG alone may well be production. */
async function given(found: Programs, env: NodeJS.ProcessEnv): Promise<Lab | undefined> {
  const prefix = env.INCIDENT_MCP_TEST_NAMESPACE_PREFIX;
  if (!prefix) return undefined;
  if (!env.KUBECONFIG)
    throw new Error('INCIDENT_MCP_TEST_NAMESPACE_PREFIX is set and KUBECONFIG is not: set both, or neither');
  if (!/^[a-z][a-z0-9-]{1,20}$/.test(prefix))
    throw new Error('INCIDENT_MCP_TEST_NAMESPACE_PREFIX: lower case letters, digits and hyphens, at most 21');
  const kubectl = (...argv: string[]): Promise<string> =>
    runToEnd(found.kubectl, [`--kubeconfig=${env.KUBECONFIG}`, ...argv], { deadlineMs: 20_000 });
  const context = (await kubectl('config', 'current-context')).trim();
  await kubectl('get', '--raw', '/readyz');
  return { cluster: 'given', programs: found, kubeconfig: env.KUBECONFIG, context, prefix, plane: null };
}

async function own(found: Programs, dir: string, keep: Keep): Promise<Lab> {
  const etcd = await startEtcd(found, dir, keep);
  const api = await startApiServer(found, dir, etcd, 'lab', keep);
  await startControllers(found, dir, api, keep);
  await startNodes(found, dir, api, NODES, keep);
  return {
    cluster: 'own',
    programs: found,
    kubeconfig: api.kubeconfig,
    context: api.context,
    prefix: 'imcp',
    plane: { api, etcd, dir },
  };
}
