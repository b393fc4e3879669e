import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { build } from 'esbuild';
import type { SandboxInfo } from '../../src/sandbox/start.ts';

export interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Truth {
  scenario: string;
  severity: string;
  right_move: { tool: string; arguments: Record<string, string | number> } | null;
  recovered: boolean;
  actions: { at: string; kind: string; target: string; detail: string }[];
  notifications: { sink: string; body: unknown; headers?: Record<string, string> }[];
}

export interface TestSandbox {
  info: SandboxInfo;
  child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** The folder that holds everything the sandbox wrote. */
  dir: string;
  truth(): Promise<Truth>;
  helm(...argv: string[]): Promise<Said>;
  pulsar(...argv: string[]): Promise<Said>;
  kubectl(...argv: string[]): Promise<Said>;
  /** Asks the Kubernetes API; a body makes it a write. */
  kube(path: string, init?: RequestInit): Promise<{ status: number; body: KubeBody }>;
  query(promql: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]>;
  alerts(): Promise<string[]>;
  exited: Promise<number | null>;
  stop(): Promise<void>;
}

/** The fields of answers that tests look at. */
export interface KubeBody {
  kind: string;
  reason?: string;
  message?: string;
  items: KubeBody[];
  metadata: {
    name: string;
    resourceVersion: string;
    continue?: string;
    remainingItemCount?: number;
    generation: number;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    ownerReferences: { kind: string; name: string }[];
    uid: string;
  };
  spec: { replicas: number; template: { metadata: { annotations: Record<string, string> }; spec: PodSpecBody } };
  status: Record<string, number> & {
    containerStatuses: { restartCount: number; ready: boolean; state: StateBody; lastState: StateBody }[];
  };
  columnDefinitions: { name: string }[];
  rows: { cells: (string | number)[]; object: unknown }[];
  data: Record<string, string>;
  resources: { name: string }[];
}
interface PodSpecBody {
  containers: { name: string; image: string; env: { name: string; value?: string }[] }[];
}
type StateBody = Record<'waiting' | 'terminated', { reason: string; exitCode: number } | undefined>;

export const CORE_NS = 'pulsestream-core-prod';
export const AGENT_NS = 'pulsestream-agent-prod';

export interface Bundle {
  program: string;
  remove(): Promise<void>;
}

/** Builds the sandbox the way it ships: one file. */
export async function bundleSandbox(): Promise<Bundle> {
  const folder = await mkdtemp(join(tmpdir(), 'sandbox-bundle-'));
  const program = join(folder, 'sandbox.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, '../../src/sandbox/main.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
    banner: { js: "import { createRequire as cr } from 'node:module'; const require = cr(import.meta.url);" },
  });
  return { program, remove: () => rm(folder, { recursive: true, force: true }) };
}

export function runProgram(file: string, argv: string[], env?: NodeJS.ProcessEnv): Promise<Said> {
  return new Promise((resolve) => {
    const options = { timeout: 30_000, encoding: 'utf8', env: env ?? process.env } as const;
    execFile(file, argv, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

export async function startTestSandbox(bundle: Bundle, ...argv: string[]): Promise<TestSandbox> {
  const child = spawn(process.execPath, [bundle.program, ...argv, '--exit-with-parent'], { stdio: 'pipe' });
  const exited = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
  const line = await new Promise<string>((resolve, reject) => {
    let text = '';
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) resolve(text);
    });
    child.on('exit', (code) => reject(new Error(`the sandbox ended with ${code}: ${errors}`)));
  });
  const info = JSON.parse(line) as SandboxInfo;
  const dir = dirname(info.config);
  const env = { ...process.env, KUBECONFIG: info.kubeconfig };
  const read = async (url: string): Promise<unknown> => (await fetch(url, within())).json();
  return {
    info,
    child,
    dir,
    exited,
    truth: async () => (await read(info.truth)) as Truth,
    helm: (...words) => runProgram(join(dir, 'bin', 'helm'), words, env),
    pulsar: (...words) => runProgram(join(dir, 'bin', 'pulsar'), words, env),
    kubectl: (...words) => runProgram('kubectl', words, env),
    async kube(path, init = {}) {
      const headers = { 'content-type': 'application/json', ...init.headers };
      const response = await fetch(`${info.urls.kubernetes}${path}`, { ...within(), ...init, headers });
      return { status: response.status, body: (await response.json()) as KubeBody };
    },
    async query(promql) {
      const url = `${info.urls.prometheus}/api/v1/query?query=${encodeURIComponent(promql)}`;
      const answer = (await read(url)) as { data?: { result: never[] }; error?: string };
      if (answer.data === undefined) throw new Error(answer.error);
      return answer.data.result;
    },
    async alerts() {
      const url = `${info.urls.alertmanager}/api/v2/alerts?silenced=false`;
      return ((await read(url)) as { labels: { alertname: string } }[]).map((alert) => alert.labels.alertname);
    },
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}

/** A deadline for one request. */
export const within = (ms = 5_000): RequestInit => ({ signal: AbortSignal.timeout(ms) });

/** Asks again until the answer is true; fails after the deadline with what it waited for. */
export async function eventually(what: string, ask: () => Promise<boolean>, deadlineMs = 5_000): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!(await ask())) {
    if (Date.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

export const deployment = (name: string, namespace = CORE_NS): string =>
  `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;

/** A rollout restart over the wire, as kubectl sends it. */
export function restart(sandbox: TestSandbox, name: string, namespace = CORE_NS, plural = 'deployments') {
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
  return sandbox.kube(`/apis/apps/v1/namespaces/${namespace}/${plural}/${name}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/strategic-merge-patch+json' },
    body: JSON.stringify({ spec: { template: { metadata: { annotations } } } }),
  });
}
