import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { createCommands } from '../../../src/adapters/commands/index.ts';
import { createHelm } from '../../../src/adapters/helm/index.ts';
import { createKubernetes } from '../../../src/adapters/kubernetes/index.ts';
import { type Api, type Handler, json, startApi } from '../kubernetes/api.ts';

const apis: Api[] = [];
afterEach(async () => {
  for (const api of apis.splice(0)) await api.close();
});
const READ = { deadline_ms: 3000 };

/** Base64 of base64 of gzip of JSON, as the API hands out what Helm stores. */
const pack = (record: unknown): string =>
  Buffer.from(gzipSync(JSON.stringify(record)).toString('base64')).toString('base64');
const record = (name: string, version: number) => ({
  name,
  namespace: 'core',
  version,
  info: {
    last_deployed: `2026-03-01T1${version}:00:00.123456789+01:00`,
    description: 'Upgrade complete',
    status: 'deployed',
  },
  chart: {
    metadata: { name: 'core', version: `2.${version}.0`, appVersion: `3.${version}` },
    files: [
      {
        name: 'crds/agents.yaml',
        data: Buffer.from('kind: CustomResourceDefinition\nmetadata: {name: agents.example}').toString('base64'),
      },
    ],
  },
  config: { password: 'x' },
  manifest: '---\nkind: ConfigMap\nmetadata: {name: a}\n',
  hooks: [{ name: 'migrate', kind: 'Job', events: ['pre-upgrade', 'pre-rollback'] }],
});
interface Stored {
  name: string;
  version: number;
  status: string;
  payload?: string;
  labels?: Record<string, string>;
}

function serve(stored: Stored[], configMaps: unknown[] = []): Handler {
  const meta = (s: Stored) => ({
    name: `sh.helm.release.v1.${s.name}.v${s.version}`,
    namespace: 'core',
    creationTimestamp: `2026-02-0${s.version}T00:00:00Z`,
    labels: {
      owner: 'helm',
      name: s.name,
      status: s.status,
      version: String(s.version),
      modifiedAt: '1772000000',
      ...s.labels,
    },
  });
  return ({ url }, response) => {
    if (url.pathname.endsWith('/configmaps')) return json(response, { items: configMaps });
    const name = url.pathname.split('/').at(-1);
    if (name !== 'secrets') {
      const one = stored.find((s) => meta(s).name === name);
      return one
        ? json(response, { metadata: meta(one), data: { release: one.payload ?? pack(record(one.name, one.version)) } })
        : json(response, {}, 404);
    }
    const names = /name in \(([^)]*)\)/.exec(url.searchParams.get('labelSelector') ?? '')?.[1]?.split(',');
    json(response, {
      kind: 'PartialObjectMetadataList',
      items: stored.filter((s) => names?.includes(s.name) ?? true).map((s) => ({ metadata: meta(s) })),
    });
  };
}

async function start(handler: Handler, more: { rollout_ms?: number; kubeconfig?: string; program?: string } = {}) {
  const api = await startApi(handler);
  apis.push(api);
  const helm = join(api.folder, 'helm');
  const log = join(api.folder, 'log');
  // Speaks as Helm does, and writes down what it was asked.
  const script = (version: string) => `#!${process.execPath}
const args = process.argv.slice(2);
require('node:fs').appendFileSync(${JSON.stringify(log)}, JSON.stringify(args) + '\\n');
if (args[0] === 'version') process.stdout.write('${version}');
else if (args.includes('bad')) { process.stderr.write('Error: release: not found'); process.exitCode = 1; }
else process.stdout.write('Rollback was a success! Happy Helming!\\n');`;
  const install = (version: string) => {
    writeFileSync(helm, script(version));
    chmodSync(helm, 0o755);
  };
  install('v3.19.0');
  const { api: kubernetes } = createKubernetes({ kubeconfig: api.kubeconfig, env: {} });
  const commands = createCommands({ programs: { helm: more.program ?? helm }, env: { PATH: process.env.PATH } });
  const { rollout_ms, kubeconfig } = more;
  const built = createHelm({
    kubernetes,
    commands,
    ...(rollout_ms ? { rollout_ms } : {}),
    ...(kubeconfig ? { kubeconfig } : {}),
  });
  const asked = (): string[][] =>
    readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as string[]);
  return { api, install, asked, ...built };
}

const four: Stored[] = [
  { name: 'core', version: 1, status: 'superseded' },
  { name: 'core', version: 2, status: 'failed' },
  { name: 'core', version: 3, status: 'deployed' },
  { name: 'agent', version: 1, status: 'deployed' },
];

describe('history', () => {
  it('comes from one labelled list, newest first, with the payloads of the newest only', async () => {
    const { api, reader } = await start(serve(four));
    const history = await reader.history(['core'], ['core', 'agent'], 1, READ);
    expect(history.map((r) => [r.release, r.revision, r.status, r.chart])).toEqual([
      ['agent', 1, 'deployed', 'core-2.1.0'],
      ['core', 3, 'deployed', 'core-2.3.0'],
      ['core', 2, 'failed', null],
      ['core', 1, 'superseded', null],
    ]);
    expect(history[1]).toEqual({
      release: 'core',
      namespace: 'core',
      revision: 3,
      status: 'deployed',
      chart: 'core-2.3.0',
      app_version: '3.3',
      deployed_at: '2026-03-01T12:00:00.123Z',
      description: 'Upgrade complete',
    });
    // The Secret is as old as its revision; `modifiedAt` is when the next one came.
    expect(history[2]?.deployed_at).toBe('2026-02-02T00:00:00.000Z');
    const lists = api.seen.filter((s) => s.url.pathname.endsWith('/secrets'));
    expect(lists).toHaveLength(1);
    expect(lists[0]?.headers.accept).toContain('as=PartialObjectMetadataList');
    expect(lists[0]?.url.searchParams.get('labelSelector')).toBe('owner=helm,name in (core,agent)');
    expect(api.seen).toHaveLength(3);
  });

  it('takes the label where the Secret tells no better', async () => {
    const { reader } = await start(
      serve([{ name: 'core', version: 9, status: 'deployed', labels: { modifiedAt: '1500000000' } }]),
    );
    expect((await reader.history(['core'], [], 0, READ))[0]?.deployed_at).toBe('2017-07-14T02:40:00.000Z');
  });

  it.each([
    ['no base64', '%%%'],
    ['no gzip', Buffer.from(Buffer.from('hello').toString('base64')).toString('base64')],
    [
      'cut gzip',
      Buffer.from(
        gzipSync(JSON.stringify(record('core', 3)))
          .subarray(0, 60)
          .toString('base64'),
      ).toString('base64'),
    ],
    ['another shape', pack({ name: 1 })],
    ['a bomb', Buffer.from(gzipSync(Buffer.alloc(40 * 1024 * 1024)).toString('base64')).toString('base64')],
  ])('keeps the facts of the labels where the payload is damaged: %s', async (_name, payload) => {
    const { reader } = await start(serve([{ name: 'core', version: 3, status: 'deployed', payload }]));
    expect(await reader.history(['core'], ['core'], 5, READ)).toEqual([
      {
        release: 'core',
        namespace: 'core',
        revision: 3,
        status: 'deployed',
        chart: null,
        app_version: null,
        deployed_at: '2026-02-03T00:00:00.000Z',
        description: null,
      },
    ]);
    await expect(reader.payload({ release: 'core', namespace: 'core' }, 3, READ)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('revision 3'),
    });
  });

  it('is empty for a release that does not exist, and refuses another driver', async () => {
    const { reader } = await start(serve(four));
    expect(await reader.history(['core'], ['ghost'], 1, READ)).toEqual([]);
    const other = await start(
      serve([], [{ metadata: { name: 'sh.helm.release.v1.core.v1', labels: { owner: 'helm', name: 'core' } } }]),
    );
    await expect(other.reader.history(['core'], ['core'], 1, READ)).rejects.toMatchObject({
      code: 'NOT_CONFIGURED',
      message: expect.stringContaining('configmap'),
    });
  });

  it('says that it may not read Secrets', async () => {
    const { reader } = await start((_seen, response) => json(response, {}, 403));
    await expect(reader.history(['core'], ['core'], 1, READ)).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining('list secrets in namespace core'),
    });
  });

  it('keeps to one deadline for the whole read', async () => {
    const { reader } = await start(() => undefined);
    const started = performance.now();
    await expect(reader.history(['core'], ['core'], 1, { deadline_ms: 300 })).rejects.toMatchObject({
      code: 'TIMEOUT',
    });
    expect(performance.now() - started).toBeLessThan(1500);
  });
});

describe('overview', () => {
  const at = (namespace: string, ...releases: string[]) => releases.map((release) => ({ release, namespace }));
  const inMaps = (name: string) => ({
    metadata: { name: `sh.helm.release.v1.${name}.v1`, labels: { owner: 'helm', name } },
  });

  it('tells which releases have no history, and why', async () => {
    const { reader } = await start(
      serve(four, [inMaps('kept'), { metadata: { name: 'x', labels: { name: 'kept' } } }]),
    );
    const { revisions, unseen } = await reader.overview(at('core', 'core', 'kept', 'ghost'), READ);
    expect(revisions.map((r) => [r.release, r.revision, r.chart])).toEqual([3, 2, 1].map((n) => ['core', n, null]));
    expect(unseen).toEqual([
      expect.objectContaining({ release: 'kept', namespace: 'core', cause: 'configmap' }),
      expect.objectContaining({ release: 'ghost', cause: 'none', reason: expect.stringContaining('sql') }),
    ]);
  });

  it('keeps the other driver in mind where ConfigMaps may not be read', async () => {
    const handler = serve([]);
    const { reader } = await start((seen, response) =>
      seen.url.pathname.endsWith('/configmaps') ? json(response, {}, 403) : handler(seen, response),
    );
    const { unseen } = await reader.overview(at('core', 'ghost'), READ);
    expect(unseen).toEqual([
      expect.objectContaining({ cause: 'none', reason: expect.stringMatching(/could not be read.*configmap, sql/) }),
    ]);
  });

  it('gives what may be read, and fails where nothing may be', async () => {
    const handler = serve(four);
    const { reader } = await start((seen, response) =>
      seen.url.pathname.includes('/secret-place/') ? json(response, {}, 403) : handler(seen, response),
    );
    const told: string[] = [];
    const { revisions, unseen } = await reader.overview([...at('core', 'agent'), ...at('secret-place', 'core')], {
      ...READ,
      forbidden: (error) => told.push(error.message),
    });
    expect(revisions.map((r) => r.release)).toEqual(['agent']);
    expect(unseen).toEqual([expect.objectContaining({ namespace: 'secret-place', cause: 'forbidden' })]);
    expect(told).toEqual([expect.stringContaining('list secrets in namespace secret-place')]);
    await expect(reader.overview(at('secret-place', 'core'), READ)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('asks for many releases by a selector that fits into a URL', async () => {
    const { api, reader } = await start(serve(four));
    const many = Array.from({ length: 300 }, (_, i) => `release-with-a-long-name-${i}`);
    const { revisions, unseen } = await reader.overview(at('core', 'core', ...many), READ);
    expect([revisions.length, unseen.length]).toEqual([3, 300]);
    for (const { url } of api.seen) expect(url.href.length).toBeLessThan(4_000);
  });

  it('asks nothing for no releases', async () => {
    const { api, reader } = await start(serve(four));
    expect(await reader.overview([], READ)).toEqual({ revisions: [], unseen: [] });
    expect(api.seen).toHaveLength(0);
  });
});

describe('describe', () => {
  it('adds what the payload tells, in the given order', async () => {
    const info = { last_deployed: '2026-03-01T10:00:00Z', deleted: '2026-03-02T10:00:00Z', rollback_revision: 1 };
    const payload = pack({ ...record('core', 3), info: { ...info, description: 'Invalid value: "{\\"a\\":1}": no' } });
    const { reader } = await start(
      serve([...four.slice(0, 2), { name: 'core', version: 3, status: 'uninstalled', payload }]),
    );
    const { revisions } = await reader.overview([{ release: 'core', namespace: 'core' }], READ);
    const { revisions: described, problem } = await reader.describe(revisions.toReversed(), READ);
    expect(problem).toBeNull();
    expect(described.map((r) => r.chart)).toEqual(['core-2.1.0', 'core-2.2.0', 'core-2.3.0']);
    expect(described[2]).toMatchObject({
      status: 'uninstalled',
      uninstalled_at: '2026-03-02T10:00:00.000Z',
      rollback_to: 1,
      description: 'Invalid value: (an object) ***: no',
    });
  });

  it('leaves as it is what was not read in time, and names the whole deadline', async () => {
    const handler = serve(four);
    const { reader } = await start((seen, response) => {
      if (!seen.url.pathname.endsWith('core.v2')) handler(seen, response);
    });
    const { revisions } = await reader.overview([{ release: 'core', namespace: 'core' }], READ);
    const { revisions: described, problem } = await reader.describe(revisions, { deadline_ms: 400 });
    expect(described.map((r) => r.chart)).toEqual(['core-2.3.0', null, 'core-2.1.0']);
    expect(problem).toMatchObject({ code: 'TIMEOUT', message: expect.stringContaining('within 400 ms') });
  });
});

describe('payload', () => {
  it('gives manifest, hooks, crds and values', async () => {
    const { reader } = await start(serve(four));
    expect(await reader.payload({ release: 'core', namespace: 'core' }, 2, READ)).toMatchObject({
      revision: 2,
      status: 'failed',
      chart: 'core-2.2.0',
      manifest: record('core', 2).manifest,
      crds: ['agents.example'],
      hooks: [{ name: 'migrate', kind: 'Job', events: ['pre-upgrade', 'pre-rollback'] }],
      config: { password: 'x' },
    });
    expect(await reader.payload({ release: 'core', namespace: 'core' }, 8, READ)).toBeNull();
  });
});

describe('rollback', () => {
  const ref = { release: 'core', namespace: 'core-prod' };

  it('is an argv that names context and namespace', async () => {
    const { reader } = await start(serve([]), { rollout_ms: 120_000, kubeconfig: '/etc/kube' });
    expect(await reader.rollbackCommand(ref, 3)).toEqual([
      'helm',
      'rollback',
      'core',
      '3',
      '--namespace',
      'core-prod',
      '--kube-context',
      'prod-eu',
      '--kubeconfig=/etc/kube',
      '--wait',
      '--timeout',
      '120s',
      '--history-max=0',
    ]);
  });

  it.each([
    ['a flag', { release: '--help', namespace: 'x' }, 1],
    ['a long name', { release: 'a'.repeat(54), namespace: 'x' }, 1],
    ['a namespace with a flag', { release: 'a', namespace: '-x' }, 1],
    ['revision 0', { release: 'a', namespace: 'x' }, 0],
    ['half a revision', { release: 'a', namespace: 'x' }, 1.5],
  ])('refuses %s', async (_name, bad, revision) => {
    const { reader, actuator } = await start(serve([]));
    await expect(reader.rollbackCommand(bad, revision)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(actuator.rollback(bad, revision, 1000)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it.each([
    ['v3.19.0', '--dry-run'],
    ['v4.0.1', '--dry-run=server'],
  ])('asks Helm %s for a dry run with %s, and its version once', async (version, flag) => {
    const { reader, install, asked } = await start(serve([]));
    install(version);
    const result = await reader.dryRunRollback(ref, 3, { deadline_ms: 10_000 });
    expect(result).toMatchObject({ exit_code: 0, stdout: expect.stringContaining('success') });
    await reader.dryRunRollback(ref, 3, { deadline_ms: 10_000 });
    expect(asked().map((args) => [args[0], args.at(-1)])).toEqual([
      ['version', '{{.Version}}'],
      ['rollback', flag],
      ['rollback', flag],
    ]);
  });

  it('runs exactly the command that was shown, and gives a failure as a result', async () => {
    const { reader, actuator, asked } = await start(serve([]));
    expect(await actuator.rollback(ref, 3, 10_000)).toMatchObject({ exit_code: 0, timed_out: false });
    expect(['helm', ...(asked()[0] ?? [])]).toEqual(await reader.rollbackCommand(ref, 3));
    const failed = await actuator.rollback({ ...ref, release: 'bad' }, 3, 10_000);
    expect(failed).toMatchObject({ exit_code: 1, stderr: 'Error: release: not found' });
  });

  it('says that helm is missing', async () => {
    const { reader, actuator } = await start(serve([]), { program: 'no-such-helm-here' });
    expect(await reader.dryRunRollback(ref, 3, READ)).toMatchObject({ not_found: true });
    expect(await actuator.rollback(ref, 3, 1000)).toMatchObject({ not_found: true });
  });
});
