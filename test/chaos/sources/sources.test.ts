import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { Bin } from '../../helpers/bin.ts';
import { makeHome } from '../../helpers/home.ts';
import { type RawConfig, type Sandbox, startSandbox } from '../../helpers/sandbox.ts';
import { type Called, connect, type Session } from '../../helpers/session.ts';
import { ERROR } from '../../helpers/story.ts';
import { tell } from '../../helpers/suite-report.ts';
import { memoryOf, ms, pause } from '../machine.ts';
import { show } from '../seed.ts';
import { type Bad, badServer, MODES, type Mode } from './bad-server.ts';

const SUITE = 'hostile sources';
const DEADLINE_MS = 1_000;
const GRACE_MS = 1_000;
const PING_MS = 2_000;
const TRIES = 3;
/** Above what the server needs anyway: a few bodies of 8 MB that are read at the same time, and what becomes of them. */
const GROWTH_KB = 300 * 1024;
/** Three tools at once ask the API server for some fifteen lists, each of which it may fill up to 32 MB. */
const API_SERVER_KB = 768 * 1024;

const bin = new Bin();
let sandbox: Sandbox;
let elsewhere = 0;
let strayed = 0;
beforeAll(async () => {
  const own = new Bin();
  sandbox = await startSandbox(own, 'bad-deploy');
  const trap = createServer((socket) => {
    strayed += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
  own.add(() => new Promise((resolve) => trap.close(resolve)));
  elsewhere = (trap.address() as { port: number }).port;
  return () => own.empty();
});
afterEach(() => bin.empty());

interface Source {
  name: string;
  /** Points the configuration to the bad server. */
  use(raw: RawConfig, url: string): Promise<void> | void;
  /** The tools that ask it, and the names under which they tell of it. */
  tools: Record<string, string[]>;
}

const signals = (raw: RawConfig): Record<string, Record<string, unknown>> =>
  raw.signals as Record<string, Record<string, unknown>>;
const SOURCES: Source[] = [
  {
    name: 'Kubernetes API',
    async use(raw, url) {
      const kubeconfig = parse(await readFile(sandbox.kubeconfig, 'utf8')) as {
        clusters: { cluster: { server: string } }[];
      };
      for (const { cluster } of kubeconfig.clusters) cluster.server = url;
      const file = join(sandbox.dir, 'kubeconfig-bad');
      await writeFile(file, stringify(kubeconfig));
      (raw.environments.prod as Record<string, unknown>).kubeconfig = file;
    },
    tools: {
      get_system_health: ['kubernetes', 'kubernetes pods'],
      check_recent_deploys: ['helm'],
      assess_severity: ['kubernetes'],
    },
  },
  {
    name: 'Prometheus',
    use: (raw, url) => {
      signals(raw).prometheus = { url };
    },
    tools: { get_system_health: ['prometheus'], get_fleet_summary: ['fleet'], check_llm_provider: ['prometheus'] },
  },
  {
    name: 'Alertmanager',
    use: (raw, url) => {
      signals(raw).alertmanager = { url };
    },
    tools: { get_system_health: ['alertmanager'], check_recent_deploys: ['alertmanager'] },
  },
  {
    name: 'status page',
    use: (raw, url) => {
      signals(raw).llm_provider = { name: 'Provider', status_url: `${url}/api/v2/summary.json` };
    },
    tools: { check_llm_provider: ['llm provider'], assess_severity: ['llm provider'] },
  },
  {
    name: 'fleet as JSON',
    use: (raw, url) => {
      raw.fleet = { source: 'json', url: `${url}/fleet` };
    },
    tools: { get_fleet_summary: ['fleet'], assess_severity: ['fleet'] },
  },
  {
    name: 'health endpoints',
    use: (raw, url) => {
      (raw.environments.prod as Record<string, unknown>).health_endpoints = [
        { name: 'web-ui', url: `${url}/healthz`, service: 'web-ui', expect_status: 204 },
      ];
    },
    tools: { get_system_health: [] },
  },
];

/** Answers that may be read in good faith: what counts is that they do no harm. */
const HARMLESS: readonly Mode[] = ['invalid UTF-8', 'another shape', 'null', 'two lengths'];

/** One mode of one source, as it went. */
interface Seen {
  problems: string[];
  /** Milliseconds. */
  slowest: number;
  slowestPing: number;
  /** Kilobytes. */
  grown: number;
  late: boolean;
}

interface Timed extends Called {
  millis: number;
}
async function timed(session: Session, tool: string): Promise<Timed> {
  const began = performance.now();
  return { ...(await session.call(tool)), millis: performance.now() - began };
}

async function prepared(
  use: (raw: RawConfig, url: string) => Promise<void> | void,
): Promise<{ bad: Bad; session: Session }> {
  const bad = await badServer(bin, { elsewhere });
  const raw = parse(await readFile(sandbox.config, 'utf8')) as RawConfig;
  raw.source_deadline = `${DEADLINE_MS / 1_000}s`;
  await use(raw, `http://127.0.0.1:${bad.port}`);
  const config = join(sandbox.dir, `bad-${bad.port}.yaml`);
  await writeFile(config, stringify(raw));
  return { bad, session: await connect(bin, await makeHome(bin, config), 'plain') };
}

/** Kilobytes by which the process grew at its peak while `work` ran. */
async function peak(pid: number, work: () => Promise<void>): Promise<number> {
  const before = (await memoryOf(pid, 'VmRSS')) ?? 0;
  // Linux: the peak begins anew (proc(5), clear_refs).
  await writeFile(`/proc/${pid}/clear_refs`, '5');
  await work();
  return ((await memoryOf(pid, 'VmHWM')) ?? 0) - before;
}

function judge(mode: Mode, tool: string, named: readonly string[], answer: Timed): string[] {
  const problems: string[] = [];
  const say = (what: string): void => void problems.push(`${mode}: ${tool}: ${what}`);
  if (answer.isError) say(`an error: ${answer.text.slice(0, 120)}`);
  if (/planted-|\n\s+at .+:\d+:\d+/.test(answer.text)) say('shows what it should not');
  const sources = new Map(
    ((answer.data.sources ?? []) as { name: string; status: string }[]).map((s) => [s.name, s.status]),
  );
  for (const name of named) {
    const status = sources.get(name);
    const fine = HARMLESS.includes(mode) ? ['ok', 'error'] : ['error', 'timeout'];
    if (!fine.includes(status ?? '')) say(`${name} is ${status}`);
  }
  if (tool === 'get_system_health' && named.length === 0 && !answer.isError) {
    const endpoint = (answer.data.components as { name: string; kind: string; status: string }[]).find((c) =>
      /endpoint/i.test(c.kind),
    );
    if (endpoint?.status === 'healthy') say('the endpoint is called healthy');
  }
  return problems;
}

describe('reading', () => {
  test.each(SOURCES)(
    '$name',
    async ({ name, use, tools }) => {
      const { bad, session } = await prepared(use);
      const names = Object.keys(tools);
      // Adapters are loaded on first use; what is measured here are the sources.
      await bad.become('closed at once');
      for (const tool of names) await session.call(tool);
      const look = async (mode: Mode): Promise<Seen> => {
        const problems: string[] = [];
        let [slowest, slowestPing] = [0, 0];
        await bad.become(mode);
        const grown = await peak(session.pid, async () => {
          let busy = true;
          const calls = Promise.all(names.map((tool) => timed(session, tool))).finally(() => {
            busy = false;
          });
          while (busy) {
            slowestPing = Math.max(slowestPing, await session.ping());
            await Promise.race([calls, pause(100)]);
          }
          for (const [i, answer] of (await calls).entries()) {
            const tool = names[i] as string;
            slowest = Math.max(slowest, answer.millis);
            problems.push(...judge(mode, tool, tools[tool] ?? [], answer));
          }
        });
        if (mode !== 'refused' && bad.asked() === 0) problems.push(`${mode}: it was not asked`);
        if (grown > (name === 'Kubernetes API' ? API_SERVER_KB : GROWTH_KB))
          problems.push(`${mode}: memory grew by ${Math.round(grown / 1024)} MB`);
        const late = slowest > DEADLINE_MS + GRACE_MS || slowestPing > PING_MS;
        if (late) problems.push(`${mode}: answers took up to ${ms(slowest)}, pings ${ms(slowestPing)}`);
        return { problems, slowest, slowestPing, grown, late };
      };
      const all: Seen[] = [];
      for (const mode of MODES) {
        // Again where only the time was wrong: the machine may have been busy with something else.
        let seen = await look(mode);
        for (let again = 1; seen.late && again < TRIES; again += 1) seen = await look(mode);
        all.push(seen);
        show(
          `${name} | ${mode} | ${Math.round(seen.grown / 1024)} MB | ${ms(seen.slowest)} | ping ${ms(seen.slowestPing)}`,
        );
      }
      const problems = all.flatMap((seen) => seen.problems);
      const tried = all.length * names.length;
      const slowest = Math.max(...all.map((seen) => seen.slowest));
      const slowestPing = Math.max(...all.map((seen) => seen.slowestPing));
      const most = Math.max(...all.map((seen) => seen.grown));
      if (strayed > 0) problems.push('a redirect was followed');
      tell(SUITE, {
        what: `${name}: ${MODES.length} ways to be bad`,
        tried,
        held: Math.max(0, tried - problems.length),
        note: `deadline 1 s, slowest answer ${ms(slowest)}, slowest ping ${ms(slowestPing)}; memory grew by ${Math.round(most / 1024)} MB at most`,
      });
      expect(problems).toEqual([]);
    },
    150_000,
  );
});

describe('notices', () => {
  test('receivers of every bad kind: the incident is declared in time, nothing is called sent, no redirect is followed', async () => {
    const { bad, session } = await prepared(async (raw, url) => {
      const file = join(sandbox.dir, 'secrets', 'bad-url');
      await writeFile(file, `${url}/services/planted-token`);
      raw.notify = {
        ...(raw.notify as object),
        slack: { url_file: file },
        pagerduty: { ...(raw.notify as { pagerduty: object }).pagerduty, url: `${url}/v2/enqueue` },
      };
    });
    await bad.become('refused');
    const first = await session.ok('declare_incident', { title: 'Analyses fail', severity: 'SEV3' });
    const id = (first.incident as { id: string }).id;
    const problems: string[] = [];
    let [slowest, most] = [0, 0];
    for (const mode of MODES) {
      await bad.become(mode);
      const grown = await peak(session.pid, async () => {
        const began = performance.now();
        const { isError, text, data } = await session.call('send_update', {
          incident_id: id,
          audience: 'internal',
          message: `While it is ${mode}.`,
        });
        const took = performance.now() - began;
        slowest = Math.max(slowest, took);
        if (isError) {
          if (!ERROR.test(text)) problems.push(`${mode}: ${text.slice(0, 100)}`);
          else problems.push(`${mode}: refused: ${text.slice(0, 100)}`);
        }
        const sent = ((data.notifications ?? []) as { channel: string; status: string }[]).filter(
          (n) => n.channel !== 'webhook' && n.status === 'sent',
        );
        // A receiver that answers 200 has taken it, whatever it says beside.
        const harmless = [
          ...HARMLESS,
          'wrong content type',
          '100 MB body',
          '100 MB of small chunks',
          'gzip bomb',
          '100,000 brackets',
          'slow drip',
          'HTTP/1.0 without a length',
          'a length that is not kept',
        ].includes(mode);
        if (sent.length > 0 && !harmless) problems.push(`${mode}: called sent on ${sent.map((n) => n.channel).join()}`);
        if (took > 2_000 + GRACE_MS) problems.push(`${mode}: took ${ms(took)}`);
        if (/planted-token/.test(text)) problems.push(`${mode}: shows the address`);
      });
      if (grown > GROWTH_KB) problems.push(`${mode}: memory grew by ${Math.round(grown / 1024)} MB`);
      most = Math.max(most, grown);
    }
    if (strayed > 0) problems.push('a redirect was followed');
    tell(SUITE, {
      what: `Slack and PagerDuty: ${MODES.length} ways to be bad`,
      tried: MODES.length,
      held: Math.max(0, MODES.length - problems.length),
      note: `slowest answer ${ms(slowest)}; memory grew by ${Math.round(most / 1024)} MB at most`,
    });
    expect(problems).toEqual([]);
  }, 150_000);
});
