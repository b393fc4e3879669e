import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parse, stringify } from 'yaml';
import type { Bin } from './bin.ts';
import { TESTED } from './dist.ts';
import { endProcess, run, type Said, until } from './process.ts';

export interface Truth {
  scenario: string;
  severity: string;
  right_move: { tool: string; arguments: Record<string, string | number> } | null;
  recovered: boolean;
  actions: { at: string; kind: string; target: string; detail: string }[];
  notifications: { sink: string; body: Record<string, unknown> }[];
}

/** The configuration as plain data, for tests that change some of it. */
// The shape is the server's; a test names only the keys that it sets.
export interface RawConfig {
  environments: Record<string, Record<string, unknown>>;
  programs: Record<string, string>;
  [key: string]: unknown;
}

export interface Sandbox {
  config: string;
  kubeconfig: string;
  secret: string;
  dir: string;
  urls: Record<string, string>;
  truth(): Promise<Truth>;
  /** The truth once the platform has recovered, or as it is after the deadline. */
  recovered(deadlineMs?: number): Promise<Truth>;
  fault(wire: string, mode: string, path?: string): Promise<void>;
  /** Writes a changed copy of the configuration and gives its path. */
  configured(change: (config: RawConfig) => void): Promise<string>;
  /** Writes an executable script beside the stand-ins and gives its path; `$HELM` in it is the stand-in for helm. */
  script(name: string, body: string): Promise<string>;
  /** The stand-in for helm, as a colleague at another terminal would use it. */
  helm(...argv: string[]): Promise<Said>;
}

/** Starts the platform in a box as its own process; it ends with the test. */
export async function startSandbox(bin: Bin, scenario: string, ...flags: string[]): Promise<Sandbox> {
  const argv = [TESTED.sandbox, scenario, '--exit-with-parent', ...(flags.length > 0 ? flags : ['--speed', '10'])];
  const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  bin.add(() => endProcess(child));
  const [line] = (await once(createInterface({ input: child.stdout }), 'line', {
    signal: AbortSignal.timeout(15_000),
  })) as [string];
  const ready = JSON.parse(line) as {
    config: string;
    kubeconfig: string;
    approver_secret: string;
    truth: string;
    urls: Record<string, string>;
  };
  const dir = dirname(ready.config);
  const truth = async (): Promise<Truth> =>
    (await (await fetch(ready.truth, { signal: AbortSignal.timeout(5_000) })).json()) as Truth;
  let copies = 0;
  return {
    config: ready.config,
    kubeconfig: ready.kubeconfig,
    secret: ready.approver_secret,
    dir,
    urls: ready.urls,
    truth,
    recovered: (deadlineMs = 10_000) => until(truth, (t) => t.recovered, deadlineMs),
    fault: async (wire, mode, path) => {
      const body = JSON.stringify({ wire, mode, ...(path === undefined ? {} : { path }) });
      const answer = await fetch(`${ready.urls.control}/faults`, { method: 'POST', body });
      if (!answer.ok) throw new Error(`the sandbox refused the fault: ${await answer.text()}`);
    },
    configured: async (change) => {
      const config = parse(await readFile(ready.config, 'utf8')) as RawConfig;
      change(config);
      copies += 1;
      const path = join(dir, `changed-${copies}.yaml`);
      await writeFile(path, stringify(config), { mode: 0o600 });
      return path;
    },
    script: async (name, body) => {
      const path = join(dir, 'bin', name);
      await writeFile(path, `#!/bin/sh\nHELM='${join(dir, 'bin', 'helm')}'\n${body}\n`);
      await chmod(path, 0o755);
      return path;
    },
    helm: (...argv_) => run(join(dir, 'bin', 'helm'), [`--kubeconfig=${ready.kubeconfig}`, ...argv_]),
  };
}
