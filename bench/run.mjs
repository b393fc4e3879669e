#!/usr/bin/env node
// `npm run bench`: measures the built server against its figures, prints a table, writes bench/results/latest.json.
// With --check it exits 1 when a figure is not met.
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { availableParallelism, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { median, rowsOf, tableOf } from './figures.mjs';
import { bareNode, Server, startSandbox } from './wire.mjs';

const STARTS = 9;
const CALLS = 5;
const PODS = 2_000;
const DEADLINE_S = 2;
const PING_EVERY_MS = 50;
const SETTLE_MS = 1_000;
const FETCH_MS = 30_000;

const root = fileURLToPath(new URL('..', import.meta.url));
const cli = join(root, 'dist', 'cli.js');
const sandboxProgram = join(root, 'dist', 'sandbox.js');

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const say = (text) => process.stderr.write(`${text}\n`);

/** A home of its own, so that the figures do not depend on the user's configuration and leave nothing behind. */
function cleanEnv(home) {
  const { PATH, SYSTEMROOT } = process.env;
  return { PATH, HOME: home, ...(SYSTEMROOT ? { SYSTEMROOT } : {}), INCIDENT_MCP_LOG: 'warn' };
}

/** Counts who connects: a configuration that points here tells whether the server touches the platform. */
async function listenAndCount() {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    count: () => connections,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

async function measureStart(folder, env) {
  const platform = await listenAndCount();
  const kubeconfig = join(folder, 'kubeconfig');
  const config = join(folder, 'start.yaml');
  const context = { name: 'c', context: { cluster: 'c', user: 'u' } };
  const clusters = [{ name: 'c', cluster: { server: platform.url } }];
  const kube = { apiVersion: 'v1', kind: 'Config', 'current-context': 'c', clusters, contexts: [context], users: [] };
  await writeFile(kubeconfig, stringify(kube));
  await writeFile(
    config,
    stringify({
      environments: { prod: { kubeconfig, context: 'c' } },
      signals: { prometheus: { url: platform.url }, alertmanager: { url: platform.url } },
    }),
  );
  const args = ['--config', config, '--data-dir', join(folder, 'start-data')];
  const bare = [];
  const initialize = [];
  // Once unmeasured, so that both find their files in the page cache; then in turns, so that noise meets both.
  for (let i = -1; i < STARTS; i++) {
    const empty = await bareNode(env);
    const server = new Server(cli, args, env);
    const ms = await server.initialize();
    await server.close();
    if (i < 0) continue;
    bare.push(empty);
    initialize.push(ms);
  }
  const connections = platform.count();
  const server = new Server(cli, args, env);
  await server.initialize();
  const { result, bytes } = await server.request('tools/list');
  await pause(SETTLE_MS);
  const rss = residentMegabytes(server.pid);
  await server.close();
  await platform.close();
  const own = result.tools.map(({ name, description, inputSchema, annotations }) => ({
    tool: name,
    bytes: Buffer.byteLength(JSON.stringify({ name, description, inputSchema, annotations })),
  }));
  return {
    start: { bare_ms: median(bare), initialize_ms: median(initialize), runs_ms: initialize, connections },
    list: {
      tools: own.length,
      answer_bytes: bytes,
      definition_bytes: own.reduce((sum, tool) => sum + tool.bytes, 0),
      per_tool: own,
    },
    memory: { rss_mb: rss },
  };
}

/** VmRSS of a process in MB; null where there is no /proc. */
function residentMegabytes(pid) {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return null;
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(file, 'utf8'))[1]) / 1024;
}

async function getJson(url) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS) });
  return answer.json();
}

async function rawList(url) {
  const began = performance.now();
  const list = await getJson(url);
  return { ms: performance.now() - began, pods: list.items.length };
}

/** The sandbox's configuration with every namespace of the cluster watched, so that every pod counts. */
async function crowdConfig(folder, sandbox) {
  const config = parse(await readFile(sandbox.config, 'utf8'));
  const namespaces = await getJson(`${sandbox.urls.kubernetes}/api/v1/namespaces`);
  config.environments.prod.namespaces = namespaces.items.map((item) => item.metadata.name);
  config.source_deadline = `${DEADLINE_S}s`;
  const file = join(folder, 'crowd.yaml');
  await writeFile(file, stringify(config), { mode: 0o600 });
  return file;
}

async function measureCrowd(server, sandbox) {
  const podsUrl = `${sandbox.urls.kubernetes}/api/v1/pods`;
  const tools = [];
  for (const tool of ['get_system_health', 'get_fleet_summary']) {
    const first = await server.call(tool);
    if (first.isError) throw new Error(`${tool}: ${first.text}`);
    tools.push({ tool, first_ms: first.ms, runs_ms: [], bytes: 0 });
  }
  const { pods } = await rawList(podsUrl);
  const raw = [];
  for (let i = 0; i < CALLS; i++) {
    raw.push((await rawList(podsUrl)).ms);
    for (const row of tools) {
      const { ms, bytes } = await server.call(row.tool);
      row.runs_ms.push(ms);
      row.bytes = Math.max(row.bytes, bytes);
    }
  }
  for (const row of tools) row.median_ms = median(row.runs_ms);
  return { pods, raw_list_ms: median(raw), raw_runs_ms: raw, tools };
}

/** Every source accepts and never answers: what a call costs, and whether anybody else must wait. */
async function measureHung(server, sandbox) {
  for (const wire of ['kubernetes', 'prometheus', 'alertmanager', 'health', 'statuspage']) {
    const body = JSON.stringify({ wire, mode: 'silent' });
    await fetch(`${sandbox.urls.control}/faults`, { method: 'POST', body, signal: AbortSignal.timeout(FETCH_MS) });
  }
  const { result } = await server.request('tools/list');
  const reading = result.tools.filter(
    (tool) => tool.annotations.readOnlyHint && (tool.inputSchema.required ?? []).length === 0,
  );
  const tools = [];
  const pings = [];
  for (const { name } of reading) {
    let over = false;
    const call = server.call(name).finally(() => {
      over = true;
    });
    while (!over) {
      pings.push((await server.request('ping')).ms);
      await pause(PING_EVERY_MS);
    }
    tools.push({ tool: name, ms: (await call).ms });
  }
  const slowest = tools.reduce((worst, row) => (row.ms > worst.ms ? row : worst));
  return { deadline_ms: DEADLINE_S * 1000, pings: pings.length, ping_ms: Math.max(...pings), tools, slowest };
}

async function measurePlatform(folder, env) {
  const sandbox = await startSandbox(sandboxProgram, ['bad-deploy', '--pods', String(PODS), '--seed', '1'], env);
  let server = null;
  try {
    const config = await crowdConfig(folder, sandbox);
    server = new Server(cli, ['--config', config, '--data-dir', join(folder, 'crowd-data')], env);
    await server.initialize();
    say(`reading ${PODS} pods ...`);
    const crowd = await measureCrowd(server, sandbox);
    say('silencing every source ...');
    const hung = await measureHung(server, sandbox);
    return { crowd, hung };
  } finally {
    await server?.close();
    await sandbox.stop();
  }
}

const rounded = (_key, value) => (typeof value === 'number' ? Number(value.toFixed(1)) : value);

async function main() {
  if (!existsSync(cli)) {
    say('dist/cli.js is missing: run `npm run build` first.');
    return 2;
  }
  const cores = availableParallelism();
  const load = loadavg()[0];
  if (load > cores / 2)
    say(`the machine is busy (load ${load.toFixed(1)} on ${cores} cores): the times below include its other work`);
  const folder = await mkdtemp(join(tmpdir(), 'incident-mcp-bench-'));
  try {
    const env = cleanEnv(folder);
    say(`starting the server ${STARTS + 2} times ...`);
    const figures = { ...(await measureStart(folder, env)), ...(await measurePlatform(folder, env)) };
    const rows = rowsOf(figures);
    const machine = {
      cores,
      load_before: load,
      memory_gb: totalmem() / 2 ** 30,
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
    };
    const results = { measured_at: new Date().toISOString(), machine, rows, figures };
    const out = join(root, 'bench', 'results');
    await mkdir(out, { recursive: true });
    await writeFile(join(out, 'latest.json'), `${JSON.stringify(results, rounded, 2)}\n`);
    process.stdout.write(`${tableOf(rows)}\n`);
    return process.argv.includes('--check') && rows.some((row) => row.met === false) ? 1 : 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
