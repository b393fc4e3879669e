import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AGENT_NS,
  type Bundle,
  bundleSandbox,
  CORE_NS,
  runProgram,
  startTestSandbox,
  type TestSandbox,
} from './harness.ts';

const present = (await runProgram('kubectl', ['version', '--client'])).code === 0;

// Skipped where kubectl is not installed: it is the independent client here, not something the sandbox needs.
describe.skipIf(!present)('kubectl', () => {
  let bundle: Bundle;
  let sandbox: TestSandbox;
  beforeAll(async () => {
    bundle = await bundleSandbox();
    sandbox = await startTestSandbox(bundle, 'red-herring', '--speed', '10');
  });
  afterAll(async () => {
    await sandbox.stop();
    await bundle.remove();
  });

  it('gets pods, workloads and events of all namespaces', async () => {
    const pods = await sandbox.kubectl('get', 'pods,deploy,sts,ds', '-A');
    expect(pods.code).toBe(0);
    expect(pods.stdout).toMatch(/pod\/agent-gateway-\S+ +0\/1 +Running/);
    expect(pods.stdout).toMatch(/deployment.apps\/agent-gateway +1\/3/);
    expect(pods.stdout).toMatch(/statefulset.apps\/postgres +1\/1/);
    expect(pods.stdout).toMatch(/daemonset.apps\/agent-relay +3 +3 +3/);
    const events = await sandbox.kubectl('get', 'events', '-A');
    expect(events.stdout).toMatch(/Warning +Unhealthy +pod\/agent-gateway-/);
  });

  it('restarts, waits for the rollout, scales and reads logs', async () => {
    const gateway = 'deployment/agent-gateway';
    expect((await sandbox.kubectl('rollout', 'restart', gateway, '-n', AGENT_NS)).stdout).toContain('restarted');
    const status = await sandbox.kubectl('rollout', 'status', gateway, '-n', AGENT_NS, '--timeout=10s');
    expect(status.stdout).toContain('successfully rolled out');
    const scaled = await sandbox.kubectl('scale', 'deployment/web-ui', '--replicas=3', '-n', CORE_NS);
    expect(scaled.stdout).toContain('scaled');
    const logs = await sandbox.kubectl('logs', 'postgres-0', '-n', CORE_NS, '--tail=1');
    expect(logs.stdout.trim().split('\n')).toHaveLength(1);
    expect((await sandbox.kubectl('auth', 'can-i', 'patch', 'deployments')).stdout.trim()).toBe('yes');
    const { actions } = await sandbox.truth();
    expect(actions.map((action) => `${action.kind} ${action.target}`)).toEqual([
      'restart deployment/agent-gateway',
      'scale deployment/web-ui',
    ]);
  });

  it('reports what is not there', async () => {
    const said = await sandbox.kubectl('get', 'pod', 'nobody', '-n', CORE_NS);
    expect(said.code).toBe(1);
    expect(said.stderr).toContain('pods "nobody" not found');
  });
});
