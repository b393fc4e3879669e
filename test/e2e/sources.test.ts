import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { type Called, connect, type Session } from '../helpers/session.ts';
import { declareFrom, ERROR } from '../helpers/story.ts';

const bin = new Bin();
let sandbox: Sandbox;
let session: Session;
const DEADLINE_MS = 1_000;
const GRACE_MS = 250;
/** Pings are answered within 50 ms; the test allows for a busy machine. */
const PING_MS = 250;
const READERS = [
  'get_system_health',
  'get_fleet_summary',
  'check_recent_deploys',
  'assess_severity',
  'check_llm_provider',
];

beforeAll(async () => {
  sandbox = await startSandbox(bin, 'bad-deploy');
  const config = await sandbox.configured((raw) => {
    raw.source_deadline = `${DEADLINE_MS / 1000}s`;
  });
  session = await connect(bin, await makeHome(bin, config), 'first');
  // Adapters are loaded on first use; what is measured here are the sources.
  for (const tool of READERS) await session.ok(tool);
});
afterAll(() => bin.empty());
afterEach(async () => {
  for (const wire of ['kubernetes', 'prometheus', 'alertmanager', 'health', 'statuspage'])
    await sandbox.fault(wire, 'none');
});

interface Timed extends Called {
  ms: number;
}
async function timed(tool: string): Promise<Timed> {
  const began = performance.now();
  const called = await session.call(tool);
  return { ...called, ms: performance.now() - began };
}
/** How long it took; asked once more alone where five calls at once were too much for a busy machine. */
const atLeisure = async (tool: string, answer: Timed): Promise<number> =>
  answer.ms < DEADLINE_MS + GRACE_MS ? answer.ms : (await timed(tool)).ms;
const sourcesOf = (called: Called): Record<string, string> =>
  Object.fromEntries(
    ((called.data.sources ?? []) as { name: string; status: string }[]).map((s) => [s.name, s.status]),
  );

/** Which sources each tool must name when a wire is bad. */
const NAMED: Record<string, Record<string, string[]>> = {
  kubernetes: {
    get_system_health: ['kubernetes', 'kubernetes pods'],
    check_recent_deploys: ['helm', 'kubernetes', 'kubernetes pods'],
    assess_severity: ['kubernetes', 'kubernetes pods'],
  },
  prometheus: {
    get_system_health: ['prometheus'],
    get_fleet_summary: ['fleet'],
    check_recent_deploys: ['prometheus'],
    assess_severity: ['prometheus', 'fleet'],
    check_llm_provider: ['prometheus'],
  },
  alertmanager: {
    get_system_health: ['alertmanager'],
    check_recent_deploys: ['alertmanager'],
    assess_severity: ['alertmanager'],
  },
  health: { get_system_health: [] },
  statuspage: { check_llm_provider: ['llm provider'], assess_severity: ['llm provider'] },
};
const MODES = ['silent', 'slow', 'refuse', '401', '403', '500', 'half', 'garbage'];
const CASES = ['kubernetes', 'prometheus', 'alertmanager'].flatMap((wire) =>
  MODES.map((mode) => [wire, mode] as const),
);

describe('a bad source costs its own deadline at most, and is named', () => {
  test.each([...CASES, ['statuspage', 'silent'] as const, ['statuspage', '500'] as const])(
    '%s: %s',
    async (wire, mode) => {
      await sandbox.fault(wire, mode);
      const calls = READERS.map((tool) => timed(tool));
      const pings: number[] = [];
      const done = Promise.all(calls);
      let pending = true;
      void done.finally(() => {
        pending = false;
      });
      do {
        pings.push(await session.ping());
        await new Promise((wake) => setTimeout(wake, 50));
      } while (pending);
      const answers = await done;
      expect(Math.max(...pings)).toBeLessThan(PING_MS);
      for (const [i, answer] of answers.entries()) {
        const tool = READERS[i] as string;
        expect(answer.isError, `${tool}: ${answer.text}`).toBe(false);
        expect(await atLeisure(tool, answer), tool).toBeLessThan(DEADLINE_MS + GRACE_MS);
        const sources = sourcesOf(answer);
        const named = NAMED[wire]?.[tool] ?? [];
        for (const name of named) {
          expect(['error', 'timeout'], `${tool}: ${name} is ${sources[name]}`).toContain(sources[name]);
          if (mode === 'silent') expect(sources[name]).toBe('timeout');
          expect(answer.text).toContain(`source ${name}: `);
        }
        // The others still tell what they know.
        const well = Object.entries(sources).filter(([name]) => !named.includes(name));
        for (const [name, status] of well) expect(status, `${tool}: ${name}`).toBe('ok');
        expect(answer.text).not.toMatch(/planted-|\bat .+:\d+:\d+/);
      }
    },
  );

  test('all of them silent: nothing is called healthy, no figure is made up, no rollback is proposed', async () => {
    for (const wire of ['kubernetes', 'prometheus', 'alertmanager', 'health', 'statuspage'])
      await sandbox.fault(wire, 'silent');
    const [health, fleet, deploys, severity] = await Promise.all(READERS.map((tool) => timed(tool)));
    // Endpoints that are there to be probed and do not answer are a sign of their own; more is not known.
    expect(health?.data.status).toBe('unknown');
    const components = health?.data.components as {
      kind: string;
      status: string;
      ready: number | null;
      restarts: number | null;
    }[];
    for (const component of components) expect(component).toMatchObject({ ready: null, desired: null, restarts: null });
    expect(components.filter((component) => component.status === 'healthy')).toEqual([]);
    expect(fleet?.data).toMatchObject({ customers_total: null, customers_affected: null, scope: null });
    expect(deploys?.data).toMatchObject({ rollback_candidate: null, suspect: null });
    expect(deploys?.text).toMatch(/deploys are unknown/);
    expect(severity?.data.confidence).toBe('low');
  });

  test('no plan is made for a cluster that cannot be read', async () => {
    for (const mode of ['silent', 'refuse', '403', 'half', 'garbage']) {
      await sandbox.fault('kubernetes', mode);
      for (const [tool, args] of [
        ['rollback_release', { release: 'pulsestream-core' }],
        ['restart_service', { service: 'web-ui' }],
        ['scale_down', {}],
      ] as const) {
        const { isError, text } = await session.call(tool, { ...args, reason: 'x' });
        expect(isError, `${tool} ${mode}`).toBe(true);
        expect(text).toMatch(ERROR);
        expect(text).toMatch(/^(UNAVAILABLE|TIMEOUT|FORBIDDEN): /);
      }
    }
    await sandbox.fault('kubernetes', 'none');
    expect(await session.ok('get_approval')).toEqual({ approvals: [] });
  });
});

describe('bad sinks', () => {
  test('an incident is declared at once while Slack, PagerDuty and the webhook hang, and the notices arrive later', async () => {
    for (const wire of ['slack', 'pagerduty', 'webhook']) await sandbox.fault(wire, 'silent');
    const began = performance.now();
    const id = await declareFrom(session, 'SEV2');
    expect(performance.now() - began).toBeLessThan(6_000);
    for (const wire of ['slack', 'pagerduty', 'webhook']) await sandbox.fault(wire, 'none');
    const declared = await session.ok('get_incident', { incident_id: id });
    expect(declared.incident).toMatchObject({ status: 'investigating' });
    let seen: string[] = [];
    for (let i = 0; i < 300 && seen.length < 3; i++) {
      seen = [...new Set((await sandbox.truth()).notifications.map((n) => n.sink))];
      await new Promise((wake) => setTimeout(wake, 100));
    }
    expect(seen.sort()).toEqual(['pagerduty', 'slack', 'webhook']);
  });
});
