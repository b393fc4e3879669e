import { createClock } from './clock.ts';
import { KUBERNETES_TOKEN, makeSecrets, openFolder, writeFiles } from './files.ts';
import type { SandboxOptions } from './options.ts';
import { createPlatform } from './platform/platform.ts';
import { createRandom } from './random.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { alertmanagerError, alertmanagerWire } from './wires/alertmanager.ts';
import { controlError, controlWire } from './wires/control.ts';
import { createFaults, type WireName } from './wires/faults.ts';
import { healthError, healthWire } from './wires/health.ts';
import { type ErrorBody, type Handler, serveWire } from './wires/http.ts';
import { kubernetesError, kubernetesWire } from './wires/kubernetes/wire.ts';
import { prometheusError, prometheusWire } from './wires/prometheus/wire.ts';
import { createSinks, sinkError } from './wires/sinks.ts';
import { statuspageError, statuspageWire } from './wires/statuspage.ts';

/** What the sandbox prints when everything listens. */
export interface SandboxInfo {
  config: string;
  kubeconfig: string;
  urls: Record<WireName, string>;
  approver_secret: string;
  truth: string;
  scenario: string;
  pid: number;
  data_dir: string;
}

export interface RunningSandbox {
  info: SandboxInfo;
  /** Closes the wires and removes the temporary folder. */
  close(): Promise<void>;
}

const DEFAULT_SEED = 1;

/** Starts the platform and all its wires. `program` is the URL of the bundle, which the stand-ins run. */
export async function startSandbox(options: SandboxOptions, program: string): Promise<RunningSandbox> {
  const random = createRandom(String(options.seed ?? DEFAULT_SEED));
  const secrets = makeSecrets(options.seed === null ? null : random.fork('secrets'));
  const clock = createClock(options.speed);
  const platform = createPlatform(SCENARIOS[options.scenario], clock, random, options.pods);
  const sinks = createSinks(clock.now, secrets.token);
  const faults = createFaults();
  const wires: Readonly<Record<WireName, readonly [Handler, ErrorBody]>> = {
    kubernetes: [kubernetesWire(platform, KUBERNETES_TOKEN), kubernetesError],
    prometheus: [prometheusWire(platform), prometheusError],
    alertmanager: [alertmanagerWire(platform), alertmanagerError],
    health: [healthWire(platform), healthError],
    statuspage: [statuspageWire(platform), statuspageError],
    slack: [sinks.slack, sinkError],
    pagerduty: [sinks.pagerduty, sinkError],
    webhook: [sinks.webhook, sinkError],
    control: [controlWire(platform, sinks, faults, options.seed), controlError],
  };
  const names = Object.keys(wires) as WireName[];
  const [folder, ...served] = await Promise.all([
    openFolder(options.dir),
    ...names.map((name) => serveWire(name, faults, ...wires[name])),
  ]);
  const urls = Object.fromEntries(served.map((wire, i) => [names[i], wire.url])) as Record<WireName, string>;
  const paths = await writeFiles({
    dir: folder.dir,
    urls,
    secrets,
    sinkPaths: { slack: sinks.slackPath, webhook: sinks.webhookPath },
    program,
    speed: options.speed,
  });
  return {
    info: {
      config: paths.config,
      kubeconfig: paths.kubeconfig,
      urls,
      approver_secret: secrets.approver,
      truth: `${urls.control}/truth`,
      scenario: options.scenario,
      pid: process.pid,
      data_dir: paths.data,
    },
    async close() {
      platform.stop();
      clock.stop();
      await Promise.all(served.map((wire) => wire.close()));
      await folder.remove();
    },
  };
}
