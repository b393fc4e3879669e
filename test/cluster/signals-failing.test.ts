import net from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import type { Session } from '../helpers/session.ts';
import { labAtHand } from './helpers/at-hand.ts';
import { firing, healthOf, keeping, place, post, source, watchingAll } from './helpers/signals.ts';
import { freePort } from './lab/daemon.ts';
import { known, line, type Signal, startAlertmanager, startExporter, startPrometheus } from './lab/signals.ts';

/** Sources that are dead, slow or break off: the answer keeps its deadline, names the source, and tells what the others say. */

const bin = new Bin();
afterAll(() => bin.empty());

const { programs } = labAtHand();
const DEADLINE_MS = 1_000;
/** A busy machine may be late; a source that is waited for to its end would be later still. */
const AT_MOST_MS = DEADLINE_MS + 1_500;

/** What a wire does with what the program behind it answers. */
type Wire = (answer: Buffer, to: net.Socket) => void;

/** A wire to the program; `null` takes the connection and never passes anything on. */
async function wire(behind: Signal, does: Wire | null): Promise<Signal> {
  const { hostname, port } = new URL(behind.url);
  const open = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    if (!does) return;
    const onward = net.connect(Number(port), hostname);
    open.add(onward);
    onward.on('error', () => undefined).on('close', () => open.delete(onward));
    socket.pipe(onward);
    onward.on('data', (answer: Buffer) => does(answer, socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async (): Promise<void> => {
    for (const socket of open) socket.destroy();
    await new Promise((gone) => server.close(gone));
  };
  bin.add(stop);
  const address = server.address() as net.AddressInfo;
  return { url: `http://127.0.0.1:${address.port}`, stop };
}

/** From the given byte on, one byte each 20 ms. */
const drip =
  (from: (answer: Buffer) => number): Wire =>
  (answer, to) => {
    let next = from(answer);
    to.write(answer.subarray(0, next));
    const timer = setInterval(() => {
      if (to.destroyed || next >= answer.length) clearInterval(timer);
      else to.write(answer.subarray(next, ++next));
    }, 20);
  };

const bodyOf = (answer: Buffer): number => answer.indexOf('\r\n\r\n') + 4;

const WIRES: Record<string, Wire | null> = {
  silent: null,
  headers: drip(() => 0),
  body: drip((answer) => bodyOf(answer) + 1),
  half: (answer, to) => to.end(answer.subarray(0, bodyOf(answer) + 5)),
  closed: (_answer, to) => to.destroy(),
};
const SLOW = ['silent', 'headers', 'body'];

let prometheus: Signal;
let manager: Signal;
let managerPort: number;
let session: Session;

beforeAll(async () => {
  const exporter = await startExporter(
    (undo) => bin.add(undo),
    (second) =>
      line('pulsestream_http_requests_total', { environment: 'prod', service: 'web', code: '500' }, 10 * second) +
      line('pulsestream_agents_expected', { environment: 'prod', customer: 'acme' }, 10) +
      line('pulsestream_agents_connected', { environment: 'prod', customer: 'acme', version: '1' }, 10),
  );
  managerPort = await freePort();
  manager = await startAlertmanager(programs, await place(bin, 'a'), keeping(bin), { port: managerPort });
  prometheus = await startPrometheus(programs, await place(bin, 'p'), keeping(bin), {
    jobs: [{ job: 'platform', target: exporter.target }],
  });
  const alert = { labels: { alertname: 'HighErrorRate', severity: 'critical', service: 'web' } };
  await post(manager, 'alerts', [alert]);
  await firing(manager, 'HighErrorRate');
  await known(prometheus, 'rate(pulsestream_http_requests_total[5m])');
  const dead = { url: `http://127.0.0.1:${await freePort()}` };
  const figures = 'label_replace(vector(0.5), "service", "web", "", "")';
  const at = (signal: { url: string }) => ({ url: signal.url });
  const metrics = (signal: { url: string }) => ({ url: signal.url, queries: { error_rate: figures } });
  const environments: Parameters<typeof watchingAll>[1] = {
    prod: { signals: { prometheus: metrics(prometheus), alertmanager: at(manager) } },
    'both-dead': { signals: { prometheus: at(dead), alertmanager: at(dead) } },
    'prometheus-dead': { signals: { prometheus: at(dead), alertmanager: at(manager) } },
    'alertmanager-dead': { signals: { prometheus: metrics(prometheus), alertmanager: at(dead) } },
  };
  for (const [name, does] of Object.entries(WIRES)) {
    const slow = { prometheus: await wire(prometheus, does), alertmanager: await wire(manager, does) };
    environments[`both-${name}`] = {
      signals: { prometheus: metrics(slow.prometheus), alertmanager: at(slow.alertmanager) },
    };
    environments[`prometheus-${name}`] = {
      signals: { prometheus: metrics(slow.prometheus), alertmanager: at(manager) },
    };
    environments[`alertmanager-${name}`] = {
      signals: { prometheus: metrics(prometheus), alertmanager: at(slow.alertmanager) },
    };
  }
  session = await watchingAll(bin, environments, { services: ['web'], deadline: `${DEADLINE_MS / 1_000}s` });
  // The first call loads what only a call needs, which a busy machine takes its time for.
  await healthOf(session);
});

async function timed<T>(work: Promise<T>): Promise<T & { took: number }> {
  const began = performance.now();
  const answer = await work;
  return { ...answer, took: performance.now() - began };
}

const KINDS = ['dead', ...Object.keys(WIRES)];
const expected = (kind: string): string => (SLOW.includes(kind) ? 'timeout' : 'error');

describe('get_system_health', () => {
  test.each(KINDS)('both are %s', async (kind) => {
    const { data, text, took } = await timed(healthOf(session, { environment: `both-${kind}` }));
    expect(took).toBeLessThan(AT_MOST_MS);
    expect(source(data, 'prometheus').status).toBe(expected(kind));
    expect(source(data, 'alertmanager').status).toBe(expected(kind));
    expect(text).toContain(`source prometheus: ${expected(kind)}`);
    expect(text).toContain(`source alertmanager: ${expected(kind)}`);
    expect(data).toMatchObject({ status: 'unknown', alerts: [] });
  });

  test.each(KINDS)('one of the two is %s: the other is told', async (kind) => {
    const metrics = await timed(healthOf(session, { environment: `alertmanager-${kind}` }));
    expect(metrics.took).toBeLessThan(AT_MOST_MS);
    expect(source(metrics.data, 'alertmanager').status).toBe(expected(kind));
    expect(metrics.data.components).toMatchObject([
      { name: 'web', status: 'degraded', reason: expect.stringMatching(/^error rate 50 %/) },
    ]);
    const alerts = await timed(healthOf(session, { environment: `prometheus-${kind}` }));
    expect(alerts.took).toBeLessThan(AT_MOST_MS);
    expect(source(alerts.data, 'prometheus').status).toBe(expected(kind));
    expect(alerts.data.components).toMatchObject([{ name: 'web', status: 'degraded', reason: 'alert HighErrorRate' }]);
  });

  test('other calls are answered meanwhile', async () => {
    const slow = healthOf(session, { environment: 'both-silent' });
    expect(await session.ping()).toBeLessThan(DEADLINE_MS / 2);
    const { took } = await timed(healthOf(session));
    expect(took).toBeLessThan(DEADLINE_MS);
    expect(source((await slow).data, 'prometheus').status).toBe('timeout');
  });
});

describe('the other tools that read figures', () => {
  test.each(KINDS)('a Prometheus that is %s', async (kind) => {
    const environment = `prometheus-${kind}`;
    const [fleet, llm, severity] = await Promise.all(
      ['get_fleet_summary', 'check_llm_provider', 'assess_severity'].map((tool) =>
        timed(session.call(tool, { environment })),
      ),
    );
    for (const answer of [fleet, llm, severity]) {
      expect(answer?.isError).toBe(false);
      expect(answer?.took).toBeLessThan(AT_MOST_MS);
    }
    expect(fleet?.data).toMatchObject({ customers_total: null, customers_affected: null, scope: null });
    expect(fleet?.text).toContain(`source fleet: ${expected(kind)}`);
    expect(llm?.data.queue).toEqual({ depth: null, oldest_minutes: null });
    expect(llm?.text).toContain(`source prometheus: ${expected(kind)}`);
    // An alert fires for all there is, and nobody knows whom it hurts.
    expect(severity?.data).toMatchObject({
      severity: 'SEV1',
      confidence: 'low',
      evidence: { customers_total: null, scope: null },
    });
    expect(severity?.text).toMatch(/less sure: .*prometheus/);
  });
});

test('a source that goes and comes back is told so without a restart of the server', async () => {
  expect(source((await healthOf(session)).data, 'alertmanager').status).toBe('ok');
  await manager.stop();
  const gone = source((await healthOf(session)).data, 'alertmanager');
  expect(gone.error).toMatch(/refused the connection.* Next: check that it runs/);
  const again = await startAlertmanager(programs, await place(bin, 'b'), keeping(bin), { port: managerPort });
  await post(again, 'alerts', [{ labels: { alertname: 'Back', severity: 'info' } }]);
  await firing(again, 'Back');
  expect((await healthOf(session)).data.alerts.map((one) => one.name)).toEqual(['Back']);
});
