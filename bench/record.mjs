#!/usr/bin/env node
// `node bench/record.mjs`: what a long incident costs. Prints a table, writes bench/results/record.json. With --check it exits 1 when a
// figure is not met. Needs a build (`npm run build`).
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { median, tableOf } from './figures.mjs';
import { Server, startSandbox } from './wire.mjs';

const LONG = 10_000;
const BRIEF = 1_000;
const ROUNDS = 300;
const DRAFTS = 5;
const KB = 1024;

const root = fileURLToPath(new URL('..', import.meta.url));
const cli = join(root, 'dist', 'cli.js');
const sandboxProgram = join(root, 'dist', 'sandbox.js');

/** Bundles the store and what fills it; it runs from a folder that is gone afterwards. */
async function loadTools(folder) {
  const outfile = join(folder, 'load.mjs');
  const banner = "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);";
  await build({
    absWorkingDir: root,
    entryPoints: ['bench/record/load.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: banner },
    logLevel: 'warning',
  });
  return import(pathToFileURL(outfile).href);
}

async function measureAppend(load, store, long) {
  const short = await load.longIncident(store, 10, load.usualText);
  const { short_ms, long_ms } = await load.appendTimes(store, { short, long }, ROUNDS);
  return { rounds: ROUNDS, short_ms, long_ms, ratio: long_ms / short_ms };
}

async function call(server, name, args) {
  const { result, ms } = await server.request('tools/call', { name, arguments: args });
  const text = result.content.map((part) => part.text ?? '').join('\n');
  if (result.isError) throw new Error(`${name}: ${text}`);
  return { ms, bytes: Buffer.byteLength(text), data: result.structuredContent };
}

async function measureServer(server, { long, brief }) {
  const drafts = [];
  for (let i = 0; i < DRAFTS; i++) drafts.push(await call(server, 'draft_postmortem', { incident_id: long }));
  const [first] = drafts;
  const shown = await call(server, 'get_incident', { incident_id: brief, view: 'brief' });
  return {
    postmortem: {
      first_ms: first.ms,
      median_ms: median(drafts.map((draft) => draft.ms)),
      text_bytes: first.bytes,
      document_bytes: Buffer.byteLength(first.data.markdown),
    },
    brief: { events: BRIEF, bytes: shown.bytes },
  };
}

const row = (figure, measured, target, met) => ({ figure, measured, target, met });
const bytes = (n) => `${n.toLocaleString('en-US')} B`;

const rowsOf = ({ append, postmortem, brief }) => [
  row(
    `append at 10,000 events (medians of ${append.rounds}, in turns)`,
    `${append.long_ms.toFixed(2)} ms, x ${append.ratio.toFixed(2)} (at 10: ${append.short_ms.toFixed(2)} ms)`,
    '<= x 1.5',
    append.ratio <= 1.5,
  ),
  row(
    '`draft_postmortem` of 10,000 events, first call of a server',
    `${Math.round(postmortem.first_ms)} ms (median of ${DRAFTS}: ${Math.round(postmortem.median_ms)} ms)`,
    '< 1,000 ms',
    postmortem.first_ms < 1_000,
  ),
  row('its text', bytes(postmortem.text_bytes), '<= 8 KB', postmortem.text_bytes <= 8 * KB),
  row('the whole post-mortem', bytes(postmortem.document_bytes), '', null),
  row('`get_incident` brief with 1,000 events', bytes(brief.bytes), '<= 1,600 B', brief.bytes <= 1_600),
];

const rounded = (_key, value) => (typeof value === 'number' ? Number(value.toFixed(2)) : value);

async function measure(folder) {
  const load = await loadTools(folder);
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, 'config'),
    INCIDENT_MCP_LOG: 'warn',
  };
  const data = join(folder, 'data');
  const store = await load.openRecord(env.XDG_CONFIG_HOME, data);
  const incidents = {
    long: await load.longIncident(store, LONG, load.usualText),
    brief: await load.longIncident(store, BRIEF, load.usualText),
  };
  const sandbox = await startSandbox(sandboxProgram, ['healthy', '--seed', '1'], env);
  let server = null;
  try {
    server = new Server(cli, ['--config', sandbox.config, '--data-dir', data], env);
    await server.initialize();
    const served = await measureServer(server, incidents);
    return { append: await measureAppend(load, store, incidents.long), ...served };
  } finally {
    await server?.close();
    await sandbox.stop();
  }
}

async function main() {
  if (!existsSync(cli)) {
    process.stderr.write('dist/cli.js is missing: run `npm run build` first.\n');
    return 2;
  }
  const folder = await mkdtemp(join(tmpdir(), 'incident-mcp-bench-'));
  try {
    const figures = await measure(folder);
    const rows = rowsOf(figures);
    const machine = {
      cores: availableParallelism(),
      memory_gb: totalmem() / 2 ** 30,
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
    };
    const out = join(root, 'bench', 'results');
    await mkdir(out, { recursive: true });
    const results = { measured_at: new Date().toISOString(), machine, rows, figures };
    await writeFile(join(out, 'record.json'), `${JSON.stringify(results, rounded, 2)}\n`);
    process.stdout.write(`${tableOf(rows)}\n`);
    return process.argv.includes('--check') && rows.some((r) => r.met === false) ? 1 : 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
