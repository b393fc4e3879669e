import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../../helpers/bin.ts';
import { type Home, makeHome } from '../../helpers/home.ts';
import { until } from '../../helpers/process.ts';
import { startSandbox } from '../../helpers/sandbox.ts';
import { tell } from '../../helpers/suite-report.ts';
import { bundled, faulty, memoryOf, ms, pause, quantile } from '../machine.ts';
import { Random, seedOfTest, show, times } from '../seed.ts';
import { Judge } from './judge.ts';
import { type Generation, type Message, Messages, type ToolDefinition } from './messages.ts';
import { type RawServer, startRaw } from './server.ts';

const SUITE = 'fuzzing of the wire';
const BATCH = 48 * 1024;
/** Requests under way before the fuzzer waits for answers. */
const UNDER_WAY = 1_500;
const PING_EVERY = 300;
const PING_MS = 10_000;
const GROWTH = 1.2;
const EXTREMES = 8;

const bin = new Bin();
let preload = '';
beforeAll(async () => {
  const own = new Bin();
  preload = await bundled(own, './preload/faults.ts');
  return () => own.empty();
});
afterEach(() => bin.empty());

/** A configuration in which no source can be asked. */
async function nothing(): Promise<string> {
  const dir = await bin.folder();
  const config = join(dir, 'incident-mcp.yaml');
  await writeFile(config, 'environments:\n  prod:\n    kubeconfig: ./none\nsource_deadline: 1s\n');
  return config;
}

interface Memory {
  rss: number;
  heapUsed: number;
}
async function settled(server: RawServer, file: string): Promise<Memory> {
  await rm(file, { force: true });
  process.kill(server.pid, 'SIGUSR2');
  const text = await until(
    () => readFile(file, 'utf8').catch(() => ''),
    (t) => t !== '',
    20_000,
  );
  return JSON.parse(text) as Memory;
}

/** Asks for the definitions of the tools, as a client of that generation begins. */
async function greet(server: RawServer, generation: Generation): Promise<ToolDefinition[]> {
  const ask = new Messages(new Random(1), [], generation);
  const first = new Promise<{ tools: ToolDefinition[] }>((resolve) => {
    server.onLine((line) => {
      const { id, result } = JSON.parse(line.toString('utf8')) as { id: unknown; result?: { tools: ToolDefinition[] } };
      if (id !== 'hello' && result?.tools) resolve(result);
    });
  });
  if (generation === 'first') {
    const params = {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'fuzzer', version: '1.0.0' },
    };
    await server.write(
      Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', id: 'hello', method: 'initialize', params })}\n`),
    );
    await server.write(Buffer.from('{"jsonrpc":"2.0","method":"notifications/initialized"}\n'));
  }
  await server.write(ask.request('tools/list', {}).bytes);
  return (await first).tools;
}

interface Fuzzed {
  sent: number;
  judge: Judge;
  pings: number[];
  warm: Memory;
  end: Memory;
  seconds: number;
  stderr: string;
  ended: number | string | null;
}

async function fuzz(home: Home, generation: Generation, count: number, seed: number): Promise<Fuzzed> {
  const random = new Random(seed);
  const memory = join(home.dir, 'memory');
  const server = startRaw(bin, faulty(home, preload, { CHAOS_MEMORY: memory }));
  const tools = await greet(server, generation);
  const judge = new Judge(tools);
  const messages = new Messages(random, tools, generation);
  const asked = new Map<string, number>();
  const pings: number[] = [];
  judge.onPing = (id) => {
    const at = asked.get(id);
    if (at !== undefined) pings.push(performance.now() - at);
    asked.delete(id);
  };
  server.onLine((line) => judge.take(line));
  const began = performance.now();
  let warm: Memory | null = null;
  let batch: Buffer[] = [];
  let size = 0;
  const answered = (most: number, deadlineMs: number): Promise<boolean> =>
    until(async () => judge.open <= most || server.ended() !== null, Boolean, deadlineMs);
  const flush = async (): Promise<void> => {
    const bytes = Buffer.concat(batch);
    batch = [];
    size = 0;
    // In two pieces, so that lines and characters are cut anywhere.
    const cut = random.below(bytes.length + 1);
    await server.write(bytes.subarray(0, cut));
    await server.write(bytes.subarray(cut));
    // Lets the answers in.
    await new Promise((wake) => setImmediate(wake));
    if (judge.open > UNDER_WAY) await answered(UNDER_WAY / 2, 60_000);
  };
  const add = (message: Message): void => {
    judge.expect(message);
    batch.push(message.bytes);
    size += message.bytes.length;
  };
  // Each extreme form once, so that the warm memory has seen the largest messages.
  for (let n = 1; n <= EXTREMES; n += 1) {
    add(messages.extreme(n));
    add(messages.heavyCall(n));
    await flush();
  }
  for (let n = 1; n <= count; n += 1) {
    if (n % PING_EVERY === 0) {
      const ping = messages.ping();
      asked.set(ping.ids[0] ?? '', performance.now());
      add(ping);
      await flush();
    } else if (n % 4_999 === 0) add(messages.extreme(n / 4_999));
    else if (n % 2_503 === 0) add(messages.heavyCall(n / 2_503));
    else add(messages.next());
    if (size > BATCH) await flush();
    if (n === Math.floor(count / 5)) {
      await flush();
      await answered(0, 60_000);
      warm = await settled(server, memory);
    }
    if (server.ended() !== null) break;
  }
  await flush();
  await answered(0, 90_000);
  const end = server.ended() === null ? await settled(server, memory) : { rss: 0, heapUsed: 0 };
  return {
    sent: count,
    judge,
    pings,
    warm: warm ?? end,
    end,
    seconds: (performance.now() - began) / 1_000,
    stderr: server.stderr(),
    ended: server.ended(),
  };
}

const mb = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`;

describe('malformed and mutated messages', () => {
  test.each<[string, Generation, number, 'sandbox' | 'no platform']>([
    ['first', 'first', 95_000, 'no platform'],
    ['second', 'second', 95_000, 'no platform'],
    ['first, with a platform', 'first', 10_000, 'sandbox'],
  ])(
    'a client of the %s generation',
    async (name, generation, all, platform) => {
      const count = times(all);
      const seed = seedOfTest();
      const config = platform === 'sandbox' ? (await startSandbox(bin, 'bad-deploy')).config : await nothing();
      const home = await makeHome(bin, config);
      const { judge, pings, warm, end, seconds, stderr, ended } = await fuzz(home, generation, count, seed);
      const growth = end.rss / warm.rss;
      const { answered } = judge;
      const ok = judge.problems.length === 0 && judge.open === 0 && ended === null && growth < GROWTH;
      tell(SUITE, {
        what: `messages of a client of the ${name} generation`,
        tried: count,
        held: ok ? count : Math.max(0, count - judge.problems.length - judge.open),
        note: `${answered.toolResults} tool results and ${answered.toolErrors} tool errors fit, ${answered.errors} protocol errors; pings: 99th percentile ${ms(quantile(pings, 0.99))}, slowest ${ms(Math.max(...pings))}; memory ${mb(warm.rss)} after a fifth, ${mb(end.rss)} at the end; ${Math.round(seconds)} s`,
      });
      show(
        `${name} ${JSON.stringify({ answered, warm, end, seconds, open: judge.open, slowest: Math.max(...pings) })}`,
      );
      expect(ended, stderr).toBeNull();
      expect(judge.problems).toEqual([]);
      expect(judge.openOnes()).toEqual([]);
      expect(Math.max(...pings)).toBeLessThan(PING_MS);
      expect(growth).toBeLessThan(GROWTH);
      expect(answered.toolErrors).toBeGreaterThan(count / 10);
      expect((await home.command(['verify'])).code).toBe(0);
    },
    400_000,
  );
});

describe('a line without an end', () => {
  test('of 100 MB: memory stays bounded, the server ends in order, and the record is whole', async () => {
    const home = await makeHome(bin, await nothing());
    const server = startRaw(bin, home);
    await greet(server, 'first');
    const before = (await memoryOf(server.pid, 'VmHWM')) ?? 0;
    let most = before;
    const chunk = Buffer.alloc(1_000_000, 'x');
    let taken = 0;
    const began = performance.now();
    while (taken < 100 && (await Promise.race([server.write(chunk), pause(10_000).then(() => false)]))) {
      taken += 1;
      most = Math.max(most, (await memoryOf(server.pid, 'VmHWM')) ?? 0);
    }
    const ended = await until(
      async () => server.ended(),
      (code) => code !== null,
      15_000,
    );
    const took = performance.now() - began;
    const held = most - before < 100_000 && ended === 0;
    tell(SUITE, {
      what: 'a line of 100 MB without an end',
      tried: 1,
      held: held ? 1 : 0,
      note: `taken ${taken} MB, then the connection was closed (exit ${ended}) after ${ms(took)}; memory grew by ${Math.round((most - before) / 1024)} MB at most`,
    });
    expect(ended).toBe(0);
    expect(most - before).toBeLessThan(100_000);
    expect((await home.command(['verify'])).code).toBe(0);
  }, 60_000);

  test('of 8 MB that comes byte by byte at its end is read, and the next call is answered', async () => {
    const home = await makeHome(bin, await nothing());
    const server = startRaw(bin, home);
    const tools = await greet(server, 'first');
    const judge = new Judge(tools);
    server.onLine((line) => judge.take(line));
    const messages = new Messages(new Random(2), tools, 'first');
    const huge = messages.request(
      'tools/call',
      { name: 'get_incident', arguments: { incident_id: 'x'.repeat(8_000_000) } },
      { tool: 'get_incident', kind: 'tools/call' },
    );
    judge.expect(huge);
    await server.write(huge.bytes.subarray(0, -20));
    for (const byte of huge.bytes.subarray(-20)) {
      await server.write(Buffer.from([byte]));
      await pause(5);
    }
    const ping = messages.ping();
    judge.expect(ping);
    await server.write(ping.bytes);
    await until(async () => judge.open === 0, Boolean, 15_000);
    tell(SUITE, {
      what: 'a line of 8 MB, the end byte by byte',
      tried: 1,
      held: judge.open === 0 && judge.problems.length === 0 ? 1 : 0,
    });
    expect(judge.open).toBe(0);
    expect(judge.problems).toEqual([]);
  }, 60_000);
});
