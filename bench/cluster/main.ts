import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, release, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runToEnd } from '../../test/cluster/lab/daemon.ts';
import { type Lab, type RunningLab, startLab } from '../../test/cluster/lab/lab.ts';
import { Missing } from '../../test/cluster/lab/programs.ts';
import { VERSIONS } from '../../test/cluster/lab/versions.ts';
import { connectApi } from './api.ts';
import { fillCluster, PODS, SIZE } from './cluster.ts';
import { figuresOf } from './figures.ts';
import { connect } from './mcp.ts';
import { inTurns } from './measure.ts';
import { ourServer, startFleet } from './ours.ts';
import { installPeers, PEERS, peerServers } from './peers.ts';
import { fillReleases } from './releases.ts';
import { figureTable, pageOf, type Report } from './report.ts';
import { measureMemory, measureStarts } from './starts.ts';
import { NAMES, subjects } from './subjects.ts';

const ROUNDS = 5;
const BUILD_MS = 120_000;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const load = (): number => loadavg()[0] ?? 0;

/** Builds what is measured into a folder of this run, so that nobody's build changes under it. */
async function buildInto(dir: string): Promise<string> {
  const dist = join(dir, 'dist');
  await runToEnd(process.execPath, [resolve('scripts', 'build.mjs'), dist], { deadlineMs: BUILD_MS });
  cpSync(resolve('runbooks'), join(dir, 'runbooks'), { recursive: true });
  return dist;
}

async function fill(lab: Lab, dir: string): Promise<number> {
  if (lab.plane === null) throw new Error('the bench fills a cluster of its own only');
  const api = connectApi(lab.plane.api);
  try {
    const began = Date.now();
    await fillCluster(api);
    const payload = await fillReleases(lab, api, dir);
    say(`filled in ${Math.round((Date.now() - began) / 1_000)} s`);
    return payload;
  } finally {
    api.close();
  }
}

type Measured = Pick<Report, 'figures' | 'series' | 'starts' | 'memory' | 'peerMemory'>;

async function measure(lab: Lab, dir: string, dist: string, rounds: number): Promise<Measured> {
  const fleet = await startFleet();
  try {
    const ours = await ourServer(lab, dir, dist, fleet.url);
    const { containers, flux } = await peerServers(lab, dir);
    say('starts');
    const starts = await measureStarts([ours, containers, flux]);
    const servers = [await connect(ours), await connect(containers), await connect(flux)] as const;
    let all: Awaited<ReturnType<typeof inTurns>>;
    try {
      const [mine, go, node] = servers;
      all = await inTurns(subjects(lab, { ours: mine, containers: go, flux: node }), rounds, say);
    } finally {
      for (const server of servers) await server.close();
    }
    say('memory');
    const memory = [
      await measureMemory(NAMES.health, ours, (server) => server.call('get_system_health')),
      await measureMemory(NAMES.whole, ours, (server) => server.call('get_system_health', { environment: 'whole' })),
      await measureMemory(NAMES.deploys, ours, (server) => server.call('check_recent_deploys')),
    ];
    const pods = { resourceType: 'pods', allNamespaces: true };
    const peerMemory = [
      await measureMemory(NAMES.containersPods, containers, (server) => server.call('pods_list'), 2),
      await measureMemory(NAMES.fluxPods, flux, (server) => server.call('kubectl_get', pods), 2),
    ];
    return { figures: figuresOf(all, memory), series: [...all.values()], starts, memory, peerMemory };
  } finally {
    await fleet.close();
  }
}

function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(resolve('package.json'), 'utf8')) as { version: string };
  return version;
}

/**
 * Starts a cluster, fills it, measures and writes the page. `--lab FILE` uses a lab that is running, filling it unless `--filled`; `--rounds N`;
 * `--out FILE`; `--check` exits 1 when a figure is missed.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      lab: { type: 'string' },
      filled: { type: 'boolean', default: false },
      rounds: { type: 'string', default: String(ROUNDS) },
      out: { type: 'string', default: resolve('docs', 'performance.md') },
      check: { type: 'boolean', default: false },
    },
    args: process.argv.slice(2),
  });
  const loads = [load()];
  const dir = mkdtempSync(join(tmpdir(), 'incident-bench-'));
  // A cluster of its own always: nobody's is filled with ten thousand pods.
  const { INCIDENT_MCP_TEST_NAMESPACE_PREFIX: _given, ...env } = process.env;
  let running: Promise<RunningLab> | null = null;
  const clean = async (): Promise<void> => {
    await (await running?.catch(() => null))?.stop();
    rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  };
  const interrupted = (): void => void clean().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupted);
  try {
    // What may fail for want of a network or of a sound tree comes before what takes long.
    const dist = await buildInto(dir);
    await installPeers();
    if (values.lab === undefined) running = startLab(env);
    const lab = (await running)?.lab ?? (JSON.parse(readFileSync(values.lab ?? '', 'utf8')) as Lab);
    say(`filling with ${PODS} pods and ${SIZE.releases} releases`);
    const payload_bytes = values.filled ? Number.NaN : await fill(lab, dir);
    loads.push(load());
    const rounds = Number(values.rounds);
    const measured = await measure(lab, dir, dist, rounds);
    loads.push(load());
    const report: Report = {
      date: new Date().toISOString().slice(0, 10),
      machine: {
        cores: availableParallelism(),
        memory_gb: totalmem() / 2 ** 30,
        node: process.versions.node,
        kernel: release().split('-')[0] ?? '',
      },
      load: loads,
      versions: {
        'incident-mcp': ownVersion(),
        Kubernetes: VERSIONS.kubernetes,
        Helm: VERSIONS.helm4,
        KWOK: VERSIONS.kwok,
        'containers/kubernetes-mcp-server': PEERS['kubernetes-mcp-server'],
        'Flux159/mcp-server-kubernetes': PEERS['mcp-server-kubernetes'],
      },
      rounds,
      payload_bytes,
      ...measured,
    };
    await writeFile(values.out, pageOf(report));
    process.stdout.write(`${figureTable(report.figures)}\n`);
    for (const { name, failure } of report.series) if (failure !== null) say(`${name} failed: ${failure}`);
    say(`load average: ${loads.map((one) => one.toFixed(1)).join(', ')}`);
    return values.check && report.figures.some(({ met }) => met !== true) ? 1 : 0;
  } finally {
    await clean();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof Missing ? 2 : 1;
}
