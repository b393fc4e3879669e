import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  AGENT_NS,
  type Bundle,
  bundleSandbox,
  CORE_NS,
  deployment,
  eventually,
  restart,
  startTestSandbox,
  type TestSandbox,
} from './harness.ts';

let bundle: Bundle;
let sandbox: TestSandbox;
beforeAll(async () => {
  bundle = await bundleSandbox();
});
afterAll(() => bundle.remove());
afterEach(() => sandbox.stop());

const start = async (scenario: string, speed = '10'): Promise<TestSandbox> => {
  sandbox = await startTestSandbox(bundle, scenario, '--speed', speed);
  return sandbox;
};
const impairedCustomers = async (): Promise<number> =>
  (await sandbox.query('max by (customer) (pulsestream_customer_error_ratio{environment="prod"}) > 0.05')).length;
const connectedShare = async (): Promise<number> => {
  const [sample] = await sandbox.query('sum(pulsestream_agents_connected) / sum(pulsestream_agents_expected)');
  return Number(sample?.value[1]);
};
const health = async (): Promise<Record<string, number>> => {
  const names = ['control-plane', 'ingest-gateway', 'analysis-engine', 'agent-gateway', 'web-ui'];
  const codes = await Promise.all(names.map(async (n) => (await fetch(`${sandbox.info.urls.health}/${n}`)).status));
  return Object.fromEntries(names.map((name, i) => [name, codes[i] ?? 0]));
};
const GREEN = {
  'control-plane': 200,
  'ingest-gateway': 200,
  'analysis-engine': 200,
  'agent-gateway': 200,
  'web-ui': 200,
};

/** Every signal says that all is well. */
async function allGreen(): Promise<void> {
  await eventually('recovered', async () => (await sandbox.truth()).recovered);
  await eventually('no alert', async () => (await sandbox.alerts()).length === 0);
  await eventually('no impaired customer', async () => (await impairedCustomers()) === 0);
  await eventually('agents are back', async () => (await connectedShare()) > 0.98);
  expect(await health()).toEqual(GREEN);
}

/** After a wrong move: still broken when everything that moves has come to rest. */
async function staysBroken(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect((await sandbox.truth()).recovered).toBe(false);
  expect(await sandbox.alerts()).not.toEqual([]);
}

describe('bad-deploy', () => {
  it('shows a broken analysis engine and many impaired customers', async () => {
    await start('bad-deploy');
    const { body } = await sandbox.kube(`/api/v1/namespaces/${CORE_NS}/pods`);
    const broken = body.items.filter((pod) => pod.metadata.name.startsWith('analysis-engine-'));
    expect(broken).toHaveLength(3);
    for (const pod of broken) expect(pod.status.containerStatuses[0]?.restartCount).toBeGreaterThanOrEqual(5);
    expect(await impairedCustomers()).toBe(28);
    expect(await sandbox.alerts()).toEqual(
      expect.arrayContaining(['PodCrashLooping', 'HighErrorRate', 'AnalysisQueueGrowing']),
    );
    expect(await health()).toEqual({ ...GREEN, 'analysis-engine': 503 });
  });

  it('heals by the rollback to the last healthy revision', async () => {
    await start('bad-deploy');
    const { right_move: move } = await sandbox.truth();
    expect(move).toEqual({
      tool: 'rollback_release',
      arguments: { release: 'pulsestream-core', environment: 'prod', namespace: CORE_NS, revision: 10 },
    });
    const said = await sandbox.helm('rollback', 'pulsestream-core', '10', '--namespace', CORE_NS, '--wait');
    expect(said).toEqual({ code: 0, stdout: 'Rollback was a success! Happy Helming!\n', stderr: '' });
    await allGreen();
    const { actions } = await sandbox.truth();
    expect(actions).toHaveLength(1);
    expect(actions[0]).toMatchObject({ kind: 'rollback', target: 'pulsestream-core' });
    expect(actions[0]?.detail).toBe('revision 12 -> 10, recorded as revision 13: deployed');
  });

  it('heals by an older healthy revision too', async () => {
    await start('bad-deploy');
    expect((await sandbox.helm('rollback', 'pulsestream-core', '9', '-n', CORE_NS)).code).toBe(0);
    await allGreen();
  });

  it('does not heal by the rollback to N-1, which had failed itself', async () => {
    await start('bad-deploy');
    const said = await sandbox.helm('rollback', 'pulsestream-core', '11', '-n', CORE_NS, '--wait', '--timeout', '2s');
    expect(said.code).toBe(1);
    expect(said.stderr).toBe('Error: release pulsestream-core failed: context deadline exceeded\n');
    await staysBroken();
    const { stdout } = await sandbox.helm('history', 'pulsestream-core', '-n', CORE_NS, '-o', 'json');
    expect(JSON.parse(stdout).at(-1)).toMatchObject({ revision: 13, status: 'failed' });
    expect((await sandbox.truth()).actions[0]?.detail).toMatch(/12 -> 11, .*: failed$/);
  });

  it('does not heal by a restart or a scale-down', async () => {
    await start('bad-deploy');
    await restart(sandbox, 'analysis-engine');
    await staysBroken();
    const body = JSON.stringify({ spec: { replicas: 0 } });
    const type = { 'content-type': 'application/merge-patch+json' };
    await sandbox.kube(`${deployment('analysis-engine')}/scale`, { method: 'PATCH', headers: type, body });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { recovered, actions } = await sandbox.truth();
    expect(recovered).toBe(false);
    expect(actions.map((action) => `${action.kind} ${action.target}`)).toEqual([
      'restart deployment/analysis-engine',
      'scale deployment/analysis-engine',
    ]);
  });
});

describe('agent-disconnect', () => {
  it('loses many agents, and heals by rolling back the agents', async () => {
    await start('agent-disconnect');
    expect(await connectedShare()).toBeLessThan(0.7);
    expect(await sandbox.alerts()).toContain('AgentConnectivitySLOBreach');
    expect((await sandbox.helm('rollback', 'pulsestream-agent', '6', '-n', AGENT_NS, '--wait')).code).toBe(0);
    await allGreen();
  });

  it('does not heal by rolling back the core, nor by restarting the gateway', async () => {
    await start('agent-disconnect');
    expect((await sandbox.helm('rollback', 'pulsestream-core', '9', '-n', CORE_NS)).code).toBe(0);
    await restart(sandbox, 'agent-gateway', AGENT_NS);
    await staysBroken();
  });
});

describe('database-outage', () => {
  it('has everybody down, and the scale-down stops the bleeding', async () => {
    await start('database-outage');
    expect(await impairedCustomers()).toBe(40);
    expect(await connectedShare()).toBe(0);
    expect(await sandbox.alerts()).toContain('DatabaseDown');
    expect(await health()).toMatchObject({ 'control-plane': 503, 'ingest-gateway': 503 });
    const dry = await sandbox.pulsar('scale', 'down', '--env', 'prod', '--dry-run');
    expect(dry.stdout).toContain('Nothing was changed.');
    expect((await sandbox.truth()).actions).toEqual([]);
    expect((await sandbox.pulsar('scale', 'down', '--env', 'prod')).code).toBe(0);
    await eventually('recovered', async () => (await sandbox.truth()).recovered);
    await eventually('errors end', async () => (await impairedCustomers()) === 0);
    const served = await sandbox.query('sum by (service) (rate(pulsestream_http_requests_total[5m]))');
    expect(served.map((sample) => sample.metric.service)).toEqual(['agent-relay']);
    await eventually('the database is back', async () => !(await sandbox.alerts()).includes('DatabaseDown'));
    const { actions } = await sandbox.truth();
    expect(actions).toHaveLength(1);
    expect(actions[0]).toMatchObject({ kind: 'scale_down', target: 'prod' });
    expect(actions[0]?.detail).toContain('control-plane 2 -> 0, analysis-engine 3 -> 0');
  });

  it('comes back as a whole when it is scaled up again', async () => {
    await start('database-outage');
    await sandbox.pulsar('scale', 'down', '--env=prod');
    await eventually('recovered', async () => (await sandbox.truth()).recovered);
    const replicas = { 'control-plane': 2, 'analysis-engine': 3, 'ingest-gateway': 3, 'web-ui': 2 };
    const up = (name: string, count: number, namespace?: string) =>
      sandbox.kube(`${deployment(name, namespace)}/scale`, {
        method: 'PUT',
        body: JSON.stringify({ metadata: { name }, spec: { replicas: count } }),
      });
    for (const [name, count] of Object.entries(replicas)) expect((await up(name, count)).status).toBe(200);
    expect((await up('agent-gateway', 3, AGENT_NS)).status).toBe(200);
    await allGreen();
  });

  it('does not heal by restarts or a rollback', async () => {
    await start('database-outage');
    await restart(sandbox, 'postgres', CORE_NS, 'statefulsets');
    await restart(sandbox, 'control-plane');
    await sandbox.helm('rollback', 'pulsestream-core', '9', '-n', CORE_NS);
    await staysBroken();
  });
});

describe('memory-leak', () => {
  it('kills containers for their memory, and heals by the restart', async () => {
    await start('memory-leak');
    expect(await impairedCustomers()).toBe(4);
    const { body } = await sandbox.kube(`/api/v1/namespaces/${CORE_NS}/pods`);
    const leaking = body.items.filter((pod) => pod.metadata.name.startsWith('ingest-gateway-'));
    for (const pod of leaking) {
      expect(pod.status.containerStatuses[0]?.lastState.terminated).toMatchObject({
        reason: 'OOMKilled',
        exitCode: 137,
      });
    }
    expect((await restart(sandbox, 'ingest-gateway')).status).toBe(200);
    await allGreen();
    expect((await sandbox.truth()).actions).toMatchObject([{ kind: 'restart', target: 'deployment/ingest-gateway' }]);
  });

  it('goes on restarting by itself, and a rollback or another restart does not heal it', async () => {
    await start('memory-leak', '50');
    const restarts = async (): Promise<number> => {
      const { body } = await sandbox.kube(`/api/v1/namespaces/${CORE_NS}/pods`);
      const leaking = body.items.filter((pod) => pod.metadata.name.startsWith('ingest-gateway-'));
      return leaking.reduce((sum, pod) => sum + (pod.status.containerStatuses[0]?.restartCount ?? 0), 0);
    };
    const before = await restarts();
    expect(before).toBeGreaterThan(20);
    await eventually('another restart', async () => (await restarts()) > before);
    await sandbox.helm('rollback', 'pulsestream-core', '9', '-n', CORE_NS);
    await restart(sandbox, 'analysis-engine');
    await staysBroken();
  });
});

describe('red-herring', () => {
  it('is not healed by the rollback of the deploy that came after the onset, but by the restart', async () => {
    await start('red-herring');
    expect(await impairedCustomers()).toBe(24);
    const { body } = await sandbox.kube(`/api/v1/namespaces/${AGENT_NS}/pods`);
    const gateways = body.items.filter((pod) => pod.metadata.name.startsWith('agent-gateway-'));
    expect(gateways.map((pod) => pod.status.containerStatuses[0]?.ready).sort()).toEqual([false, false, true]);
    expect(gateways.every((pod) => pod.status.containerStatuses[0]?.restartCount === 0)).toBe(true);
    expect((await sandbox.helm('rollback', 'pulsestream-core', '10', '-n', CORE_NS, '--wait')).code).toBe(0);
    expect((await sandbox.helm('rollback', 'pulsestream-agent', '5', '-n', AGENT_NS)).code).toBe(0);
    await staysBroken();
    await restart(sandbox, 'agent-gateway', AGENT_NS);
    await allGreen();
  });
});

describe('the scenarios in which nothing is to be changed', () => {
  it('healthy: everything is green', async () => {
    await start('healthy');
    await allGreen();
    const url = `${sandbox.info.urls.alertmanager}/api/v2/alerts`;
    expect(await (await fetch(url)).json()).toEqual([]);
  });

  it('ui-glitch: all signals are green, and nothing that is done to the platform mends a ticket', async () => {
    await start('ui-glitch');
    expect(await sandbox.alerts()).toEqual([]);
    expect(await impairedCustomers()).toBe(0);
    expect(await health()).toEqual(GREEN);
    expect(await sandbox.truth()).toMatchObject({ right_move: null, severity: 'SEV4', recovered: false });
  });

  it('single-tenant: one customer has no agents, all others have theirs', async () => {
    await start('single-tenant');
    const gone = await sandbox.query('sum by (customer) (pulsestream_agents_connected{environment="prod"}) == 0');
    expect(gone).toHaveLength(1);
    expect(await sandbox.alerts()).toEqual(['CustomerAgentsOffline']);
    expect(await connectedShare()).toBeGreaterThan(0.9);
    await restart(sandbox, 'agent-gateway', AGENT_NS);
    await staysBroken();
  });

  it('llm-outage: the queue grows with a green platform, until the provider is back', async () => {
    await start('llm-outage', '1');
    const status = async () =>
      (await (await fetch(`${sandbox.info.urls.statuspage}/api/v2/summary.json`)).json()) as {
        status: { indicator: string };
        incidents: { started_at: string }[];
      };
    const began = (page: Awaited<ReturnType<typeof status>>) => Date.parse(page.incidents[0]?.started_at ?? '');
    const before = await status();
    expect(before.status.indicator).toBe('major');
    expect(Date.now() - began(before)).toBeGreaterThan(24.9 * 60_000);
    expect(Date.now() - began(before)).toBeLessThan(26 * 60_000);
    expect(await health()).toEqual(GREEN);
    expect(await sandbox.alerts()).toEqual(['AnalysisQueueGrowing']);
    const advance = (seconds: number) =>
      fetch(`${sandbox.info.urls.control}/advance`, { method: 'POST', body: JSON.stringify({ seconds }) });
    expect((await advance(40 * 60)).status).toBe(200);
    const later = await status();
    const minutes = (Date.now() - began(later)) / 60_000;
    expect(minutes).toBeGreaterThan(64.9);
    expect(minutes).toBeLessThan(66);
    const [oldest] = await sandbox.query('max(pulsestream_analysis_queue_oldest_seconds{environment="prod"})');
    expect(Number(oldest?.value[1])).toBeGreaterThan(3_800);
    await advance(40 * 60);
    expect((await status()).status.indicator).toBe('none');
    await allGreen();
  });
});
