import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeRecord, encodeRecord } from '../../src/sandbox/platform/releases.ts';
import {
  type Bundle,
  bundleSandbox,
  CORE_NS,
  deployment,
  eventually,
  startTestSandbox,
  type TestSandbox,
} from './harness.ts';

let bundle: Bundle;
beforeAll(async () => {
  bundle = await bundleSandbox();
});
afterAll(() => bundle.remove());

const secretPath = (revision: number): string =>
  `/api/v1/namespaces/${CORE_NS}/secrets/sh.helm.release.v1.pulsestream-core.v${revision}`;

describe('reading', () => {
  let sandbox: TestSandbox;
  beforeAll(async () => {
    sandbox = await startTestSandbox(bundle, 'bad-deploy', '--speed', '10');
  });
  afterAll(() => sandbox.stop());
  const core = ['pulsestream-core', '-n', CORE_NS];

  it('tells its version in every form', async () => {
    expect((await sandbox.helm('version')).stdout).toMatch(/^version\.BuildInfo\{Version:"v3\./);
    expect((await sandbox.helm('version', '--short')).stdout).toMatch(/^v3\.\d+\.\d+/);
    expect((await sandbox.helm('version', '--template={{.Version}}')).stdout).toMatch(/^v3\.\d+\.\d+$/);
  });

  it('gives the history as JSON and as a table, and at most so many', async () => {
    const { stdout } = await sandbox.helm('history', ...core, '-o', 'json');
    const entries = JSON.parse(stdout);
    expect(entries.map((entry: { revision: number }) => entry.revision)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(entries.at(-2)).toMatchObject({ status: 'failed', app_version: '1.8.0' });
    expect(entries.at(-1)).toMatchObject({ status: 'deployed', chart: 'pulsestream-core-4.5.1', app_version: '1.8.1' });
    const minutes = (Date.now() - Date.parse(entries.at(-1).updated)) / 60_000;
    expect(minutes).toBeGreaterThan(13.9);
    expect(minutes).toBeLessThan(15);
    const table = (await sandbox.helm('history', ...core, '--max=2')).stdout;
    expect(table.trim().split('\n')).toHaveLength(3);
    expect(table).toMatch(/^REVISION\s+UPDATED\s+STATUS/);
  });

  it('is told by the labels of the records when they were written last', async () => {
    const labels = async (revision: number) => (await sandbox.kube(secretPath(revision))).body.metadata.labels;
    const stamps = await Promise.all([10, 11, 12].map(labels));
    for (const stamp of stamps) expect(stamp).not.toHaveProperty('createdAt');
    const [old, failed, deployed] = stamps.map(({ modifiedAt }) => Number(modifiedAt));
    // The failed one superseded nothing.
    expect(old).toBe(deployed);
    expect(failed).toBeLessThan(deployed ?? 0);
  });

  it('is refused with a token that is not the one of the kubeconfig', async () => {
    const content = (await readFile(sandbox.info.kubeconfig, 'utf8')).replace(/token: .*/, 'token: another');
    const other = join(sandbox.dir, 'other-kubeconfig');
    await writeFile(other, content, { mode: 0o600 });
    const said = await sandbox.helm('history', ...core, `--kubeconfig=${other}`);
    const why = 'the server has asked for the client to provide credentials';
    expect(said).toMatchObject({ code: 1, stderr: `Error: Kubernetes cluster unreachable: ${why}\n` });
  });

  it('lists the releases of all namespaces', async () => {
    const entries = JSON.parse((await sandbox.helm('list', '-A', '--output=json')).stdout);
    expect(entries).toMatchObject([
      { name: 'pulsestream-agent', revision: '6', status: 'deployed' },
      { name: 'pulsestream-core', revision: '12', status: 'deployed' },
    ]);
  });

  it('gives values and manifests of which revision 12 differs from 10 in tag, environment, config and secret', async () => {
    const values = async (revision: string) =>
      JSON.parse((await sandbox.helm('get', 'values', ...core, '--revision', revision, '-o', 'json')).stdout);
    const [ten, twelve] = await Promise.all([values('10'), values('12')]);
    const engine = (all: typeof ten) => all.components['analysis-engine'];
    expect([engine(ten).image.tag, engine(twelve).image.tag]).toEqual(['1.7.4', '1.8.1']);
    expect(engine(ten).env.LLM_CONCURRENCY).not.toBe(engine(twelve).env.LLM_CONCURRENCY);
    expect(ten.config['analysis.batchSize']).not.toBe(twelve.config['analysis.batchSize']);
    expect(ten.credentials.llmApiKey).not.toBe(twelve.credentials.llmApiKey);
    expect(ten.components['web-ui']).toEqual(twelve.components['web-ui']);
    const { stdout } = await sandbox.helm('get', 'manifest', ...core, '--revision=10');
    expect(stdout).toContain('# Source: pulsestream-core/templates/analysis-engine-deployment.yaml');
    expect(stdout).toContain('registry.pulsestream.example/analysis-engine:1.7.4');
  });

  it.each([
    [['history', 'nobody', '-n', CORE_NS], 'Error: release: not found\n'],
    [['history', 'pulsestream-core', '--colour'], 'Error: unknown flag: --colour\n'],
    [['history', 'pulsestream-core', '-x'], "Error: unknown shorthand flag: 'x' in -x\n"],
    [['rollback', 'pulsestream-core', '99', '-n', CORE_NS], 'Error: release has no 99 version\n'],
    [['rollback', 'pulsestream-core', 'ten', '-n', CORE_NS], 'Error: could not convert revision to a number: "ten"\n'],
    [
      ['list', '-A', '--kube-context', 'elsewhere'],
      'Error: Kubernetes cluster unreachable: context "elsewhere" does not exist\n',
    ],
    [['history'], 'Error: "helm history" requires 1 argument\n'],
    [['dance'], 'Error: unknown command "dance" for "helm"\n'],
  ])('refuses helm %j', async (argv, stderr) => {
    expect(await sandbox.helm(...argv)).toEqual({ code: 1, stdout: '', stderr });
  });

  it('says that the cluster is unreachable, when it is', async () => {
    const fault = (mode: string) =>
      fetch(`${sandbox.info.urls.control}/faults`, {
        method: 'POST',
        body: JSON.stringify({ wire: 'kubernetes', mode }),
      });
    await fault('refuse');
    const said = await sandbox.helm('list', '-A');
    await fault('none');
    expect(said.code).toBe(1);
    expect(said.stderr).toContain('Error: Kubernetes cluster unreachable: Get "http://127.0.0.1');
  });

  it('changes nothing in a dry run', async () => {
    for (const flag of ['--dry-run', '--dry-run=client', '--dry-run=server']) {
      const said = await sandbox.helm('rollback', ...core.slice(0, 1), '10', ...core.slice(1), flag);
      expect(said.code).toBe(0);
    }
    expect((await sandbox.kube(secretPath(13))).status).toBe(404);
    expect((await sandbox.truth()).actions).toEqual([]);
  });
});

describe('rolling back', () => {
  it('applies the target three ways, and keeps what others added', async () => {
    const sandbox = await startTestSandbox(bundle, 'bad-deploy', '--speed', '10');
    await sandbox.kube(deployment('analysis-engine'), {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: JSON.stringify({ metadata: { annotations: { 'example/owner': 'on-call' } } }),
    });
    const config = `/api/v1/namespaces/${CORE_NS}/configmaps/pulsestream-core-config`;
    expect((await sandbox.kube(config)).body.data['analysis.batchSize']).toBe('200');
    expect((await sandbox.helm('rollback', 'pulsestream-core', '10', '-n', CORE_NS, '--wait')).code).toBe(0);
    expect((await sandbox.kube(config)).body.data['analysis.batchSize']).toBe('25');
    const { body } = await sandbox.kube(deployment('analysis-engine'));
    expect(body.metadata.annotations['example/owner']).toBe('on-call');
    expect(body.spec.template.spec.containers[0]?.image).toMatch(/:1\.7\.4$/);
    const statuses = await Promise.all(
      [12, 13].map(async (revision) => (await sandbox.kube(secretPath(revision))).body),
    );
    expect(statuses.map((secret) => secret.metadata.labels.status)).toEqual(['superseded', 'deployed']);
    const record = decodeRecord(statuses[1]?.data.release ?? '');
    expect(record).toMatchObject({ version: 13, info: { status: 'deployed', description: 'Rollback to 10' } });
    // Helm keeps ten revisions: the oldest made room.
    expect((await sandbox.kube(secretPath(3))).status).toBe(404);
    expect((await sandbox.kube(secretPath(4))).status).toBe(200);
    await sandbox.stop();
  });

  it('refuses while another operation is pending', async () => {
    const sandbox = await startTestSandbox(bundle, 'bad-deploy', '--speed', '10');
    const { body } = await sandbox.kube(secretPath(12));
    const record = decodeRecord(body.data.release ?? '') ?? {};
    const info = { ...(record.info as object), status: 'pending-upgrade' };
    const labels = { ...body.metadata.labels, status: 'pending-upgrade' };
    await sandbox.kube(secretPath(12), {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: JSON.stringify({ metadata: { labels }, data: { release: encodeRecord({ ...record, info }) } }),
    });
    const said = await sandbox.helm('rollback', 'pulsestream-core', '10', '-n', CORE_NS);
    expect(said.code).toBe(1);
    expect(said.stderr).toBe('Error: another operation (install/upgrade/rollback) is in progress\n');
    await sandbox.stop();
  });

  it('leaves the release pending when it is killed in the middle', async () => {
    const sandbox = await startTestSandbox(bundle, 'bad-deploy', '--speed', '1');
    const { spawn } = await import('node:child_process');
    const argv = ['rollback', 'pulsestream-core', '11', '-n', CORE_NS, '--wait'];
    const child = spawn(`${sandbox.dir}/bin/helm`, argv, {
      env: { ...process.env, KUBECONFIG: sandbox.info.kubeconfig },
    });
    await eventually('pending', async () => (await sandbox.kube(secretPath(13))).status === 200);
    child.kill('SIGKILL');
    const { body } = await sandbox.kube(secretPath(13));
    expect(body.metadata.labels.status).toBe('pending-rollback');
    expect((await sandbox.truth()).actions.at(0)?.detail).toMatch(/: pending-rollback$/);
    await sandbox.stop();
  });
});

describe('pulsar', () => {
  let sandbox: TestSandbox;
  beforeAll(async () => {
    sandbox = await startTestSandbox(bundle, 'bad-deploy');
  });
  afterAll(() => sandbox.stop());

  it.each([
    [['scale', 'down'], '--env is required'],
    [['scale', 'down', '--env', 'staging'], 'unknown environment: staging'],
    [['scale', 'up', '--env', 'prod'], 'unknown command'],
    [['scale', 'down', '--env', 'prod', '--now'], 'unknown flag: --now'],
  ])('refuses %j with exit code 2', async (argv, message) => {
    const said = await sandbox.pulsar(...argv);
    expect(said.code).toBe(2);
    expect(said.stderr).toContain(message);
    expect((await sandbox.truth()).actions).toEqual([]);
  });

  it('shows the state of every workload', async () => {
    expect((await sandbox.pulsar('status')).stdout).toMatch(/analysis-engine +0\/3 ready\n/);
  });
});
