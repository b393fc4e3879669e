import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { createKubernetes } from '../../../src/adapters/kubernetes/index.ts';
import { ownerOf } from '../../../src/adapters/kubernetes/pods.ts';
import { parseAge } from '../../../src/adapters/kubernetes/time.ts';
import { type Api, deployment, type Handler, json, startApi, writeKubeconfig } from './api.ts';

const apis: Api[] = [];
afterEach(async () => {
  for (const api of apis.splice(0)) await api.close();
});
const NOW = new Date('2026-03-01T12:00:00Z');
async function start(handler: Handler, user?: Record<string, unknown>) {
  const api = await startApi(handler, user);
  apis.push(api);
  const kube = createKubernetes({
    kubeconfig: api.kubeconfig,
    env: { PATH: process.env.PATH },
    clock: { now: () => NOW },
  });
  return { api, reader: kube.reader, actuator: kube.actuator, context: kube.api.context };
}
const READ = { deadline_ms: 3000 };
const empty: Handler = (_seen, response) => json(response, { items: [] });

describe('reading', () => {
  it('names the cluster without the network', async () => {
    const { api, reader, context } = await start(empty);
    expect(await reader.cluster()).toBe(`prod-eu (http://127.0.0.1:${api.port})`);
    expect(await context()).toBe('prod-eu');
    expect(api.seen).toHaveLength(0);
  });

  it('lists the three kinds of workloads', async () => {
    const conditions = [
      { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' },
      { type: 'Available', status: 'True', reason: 'x' },
    ];
    const { api, reader } = await start(({ url }, response) => {
      const kind = url.pathname.split('/').at(-1);
      const daemon = { desiredNumberScheduled: 7, numberReady: 6, updatedNumberScheduled: 5, numberAvailable: 4 };
      json(response, {
        items:
          kind === 'deployments'
            ? [deployment('engine', { status: { conditions }, spec: { paused: true } })]
            : kind === 'daemonsets'
              ? [deployment('relay', { status: daemon })]
              : [],
      });
    });
    const workloads = await reader.listWorkloads(['core'], READ);
    expect(workloads[0]).toEqual({
      kind: 'Deployment',
      namespace: 'core',
      name: 'engine',
      uid: 'uid-engine',
      generation: 4,
      observed_generation: 4,
      desired: 3,
      ready: 2,
      updated: 3,
      available: 2,
      pods: 0,
      paused: true,
      strategy: 'RollingUpdate',
      partition: 0,
      scale_deletes_volumes: false,
      restarted_at: null,
      images: ['reg/a:1'],
      labels: { app: 'engine' },
      annotations: { a: 'b' },
      conditions: ['Progressing=False: ProgressDeadlineExceeded'],
      created_at: '2026-03-01T10:00:00.000Z',
    });
    expect(workloads[1]).toMatchObject({ kind: 'DaemonSet', desired: 7, ready: 6, updated: 5, available: 4 });
    expect(api.seen.every((s) => s.headers.authorization === 'Bearer tok-Zq9-secret')).toBe(true);
    await reader.listWorkloads([], READ);
    expect(api.seen.at(-1)?.url.pathname).toMatch(/^\/apis\/apps\/v1\/\w+s$/);
  });

  it('follows pages, takes gzip, and starts again after 410 Gone', async () => {
    let gone = false;
    const { api, reader } = await start(({ url, headers }, response) => {
      if (!url.pathname.endsWith('/deployments')) return json(response, { items: [] });
      const token = url.searchParams.get('continue');
      if (!url.searchParams.has('limit'))
        return json(response, { items: [deployment('a'), deployment('b'), deployment('c')] });
      if (token === 'p3' && gone) return json(response, { kind: 'Status', reason: 'Expired' }, 410);
      const [name, next] = token === null ? ['a', 'p2'] : token === 'p2' ? ['b', 'p3'] : ['c', ''];
      expect(headers['accept-encoding']).toContain('gzip');
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(gzipSync(JSON.stringify({ metadata: { continue: next }, items: [deployment(name as string)] })));
    });
    const names = async () => (await reader.listWorkloads(['core'], READ)).map((w) => w.name);
    expect(await names()).toEqual(['a', 'b', 'c']);
    expect(api.seen.filter((s) => s.url.searchParams.get('limit') === '500').length).toBeGreaterThanOrEqual(3);
    gone = true;
    expect(await names()).toEqual(['a', 'b', 'c']);
  });

  it('adds up pods from the table of the server, without moving pods', async () => {
    const row = (...cells: unknown[]) => ({ cells, object: null });
    const { api, reader } = await start((_seen, response) =>
      json(response, {
        kind: 'Table',
        columnDefinitions: ['Name', 'Ready', 'Status', 'Restarts', 'Age'].map((name) => ({ name })),
        rows: [
          row('engine-7d9f8b6c5d-x2k4p', '1/1', 'Running', '0', '3d'),
          row('engine-7d9f8b6c5d-bcdfg', '0/1', 'CrashLoopBackOff', '5 (2m ago)', '3d'),
          row('engine-6bc4f7d55b-zzzzz', '1/1', 'Running', '2 (3h10m ago)', '3d'),
          row('postgres-0', '1/1', 'Running', 1, '3d'),
          row('agent-gateway-x2k4p', '1/1', 'Running', '0', '3d'),
          row('migrate-x2k4p', '0/1', 'Completed', '0', '3d'),
        ],
      }),
    );
    expect(await reader.summarizePods(['core'], READ)).toEqual([
      {
        namespace: 'core',
        owner: 'engine',
        kind: 'Deployment',
        pods: 3,
        ready: 2,
        restarts: 7,
        last_restart_at: '2026-03-01T11:58:00.000Z',
        problems: { CrashLoopBackOff: 1 },
      },
      {
        namespace: 'core',
        owner: 'postgres',
        kind: 'StatefulSet',
        pods: 1,
        ready: 1,
        restarts: 1,
        last_restart_at: null,
        problems: {},
      },
      {
        namespace: 'core',
        owner: 'agent-gateway',
        kind: 'DaemonSet',
        pods: 1,
        ready: 1,
        restarts: 0,
        last_restart_at: null,
        problems: {},
      },
    ]);
    expect(api.seen[0]?.headers.accept).toContain('as=Table');
    expect(api.seen[0]?.url.searchParams.get('includeObject')).toBe('None');
  });

  it('takes namespaces from the rows when it asks for all of them', async () => {
    const { api, reader } = await start((_seen, response) =>
      json(response, {
        kind: 'Table',
        columnDefinitions: [{ name: 'Name' }, { name: 'Ready' }, { name: 'Status' }, { name: 'Restarts' }],
        rows: ['x', 'y'].map((namespace) => ({
          cells: ['db-0', '1/1', 'Running', '0'],
          object: { metadata: { namespace } },
        })),
      }),
    );
    expect((await reader.summarizePods([], READ)).map((s) => s.namespace)).toEqual(['x', 'y']);
    expect(api.seen.at(-1)?.url.pathname).toBe('/api/v1/pods');
  });

  it('falls back to objects where a server knows no tables', async () => {
    const pod = (name: string, more: object) => ({
      metadata: { name, namespace: 'core' },
      status: { phase: 'Running', ...more },
    });
    const { reader } = await start((_seen, response) =>
      json(response, {
        kind: 'PodList',
        items: [
          pod('engine-7d9f8b6c5d-x2k4p', {
            containerStatuses: [
              { ready: true, restartCount: 1, lastState: { terminated: { finishedAt: '2026-03-01T11:00:00Z' } } },
            ],
          }),
          pod('engine-7d9f8b6c5d-bcdfg', {
            containerStatuses: [{ ready: false, restartCount: 4, state: { waiting: { reason: 'ImagePullBackOff' } } }],
          }),
        ],
      }),
    );
    expect(await reader.summarizePods(['core'], READ)).toEqual([
      {
        namespace: 'core',
        owner: 'engine',
        kind: 'Deployment',
        pods: 2,
        ready: 1,
        restarts: 5,
        last_restart_at: '2026-03-01T11:00:00.000Z',
        problems: { ImagePullBackOff: 1 },
      },
    ]);
  });

  it('is light with 10,000 pods', async () => {
    const { reader } = await start(({ url }, response) => {
      const page = Number(url.searchParams.get('continue') ?? 0);
      const rows = Array.from({ length: 500 }, (_, i) => ({
        cells: [`svc${i % 50}-7d9f8b6c5d-x2k4p`, '1/1', 'Running', '0', '3d', '10.0.0.1'],
      }));
      json(response, {
        kind: 'Table',
        metadata: { continue: page < 19 ? String(page + 1) : '' },
        columnDefinitions: ['Name', 'Ready', 'Status', 'Restarts', 'Age', 'IP'].map((name) => ({ name })),
        rows,
      });
    });
    const before = process.memoryUsage().rss;
    const summaries = await reader.summarizePods(['core'], { deadline_ms: 20_000 });
    expect(summaries.reduce((sum, s) => sum + s.pods, 0)).toBe(10_000);
    expect(summaries).toHaveLength(50);
    // Server and client share this process, so the bound holds for both.
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 * 1024);
  });

  it('gives the newest warnings, without secrets', async () => {
    const event = (name: string, at: string, more: object = {}) => ({
      metadata: { name, namespace: 'core' },
      type: 'Warning',
      reason: 'BackOff',
      message: 'm',
      lastTimestamp: at,
      involvedObject: { kind: 'Pod', name },
      count: 2,
      ...more,
    });
    const { api, reader } = await start((_seen, response) =>
      json(response, {
        items: [
          event('old', '2026-03-01T10:00:00Z'),
          event('new', '2026-03-01T11:00:00Z', {
            message: 'password=hunter2',
            lastTimestamp: null,
            eventTime: '2026-03-01T11:00:00.123456Z',
          }),
          event('normal', '2026-03-01T11:30:00Z', { type: 'Normal' }),
          event('middle', '2026-03-01T10:30:00Z', { series: { count: 9, lastObservedTime: '2026-03-01T10:45:00Z' } }),
        ],
      }),
    );
    const events = await reader.listWarnings(['core'], 2, READ);
    expect(events.map((e) => [e.object, e.count, e.message])).toEqual([
      ['Pod/new', 2, 'password=***'],
      ['Pod/middle', 9, 'm'],
    ]);
    expect(api.seen[0]?.url.searchParams.get('fieldSelector')).toBe('type=Warning');
  });

  it('gets one workload, or null', async () => {
    const { reader } = await start(({ url }, response) =>
      url.pathname.endsWith('/engine') ? json(response, deployment('engine')) : json(response, { kind: 'Status' }, 404),
    );
    expect(await reader.getWorkload('core', 'Deployment', 'engine', READ)).toMatchObject({
      name: 'engine',
      desired: 3,
    });
    expect(await reader.getWorkload('core', 'Deployment', 'other', READ)).toBeNull();
    await expect(reader.getWorkload('core', 'Deployment', '../../secrets/x', READ)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    await expect(reader.listWorkloads(['Core_1'], READ)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('names what else holds on to a workload', async () => {
    let allowed = true;
    const { reader } = await start(({ url }, response) => {
      if (url.pathname.endsWith('/engine')) return json(response, deployment('engine'));
      if (!allowed) return json(response, {}, url.pathname.includes('policy') ? 403 : 404);
      const hpa = (name: string, target: string) => ({
        metadata: { name },
        spec: { scaleTargetRef: { kind: 'Deployment', name: target }, minReplicas: 2, maxReplicas: 6 },
      });
      const pdb = (name: string, label: string) => ({
        metadata: { name },
        spec: { maxUnavailable: 1, selector: { matchLabels: { 'pod-label': label } } },
        status: { disruptionsAllowed: 0 },
      });
      return json(response, {
        items: url.pathname.includes('policy')
          ? [pdb('guard', 'engine'), pdb('other', 'x')]
          : [hpa('auto', 'engine'), hpa('no', 'x')],
      });
    });
    const workload = await reader.getWorkload('core', 'Deployment', 'engine', READ);
    const words = await reader.interferers(workload!, READ);
    expect(words).toHaveLength(2);
    expect(words[0]).toContain('HorizontalPodAutoscaler auto keeps Deployment engine between 2 and 6');
    expect(words[1]).toContain('PodDisruptionBudget guard asks for at most 1 unavailable (0 disruptions');
    allowed = false;
    expect(await reader.interferers(workload!, READ)).toEqual([
      expect.stringContaining('not allowed to list poddisruptionbudgets.policy in namespace core'),
    ]);
  });
});

describe('acting', () => {
  it('restarts as kubectl does and gives the new generation', async () => {
    const { api, actuator } = await start((_seen, response) => json(response, deployment('engine')));
    expect(await actuator.restart('core', 'Deployment', 'engine', new Date('2026-03-01T12:00:00.123Z'), READ)).toBe(4);
    expect(api.seen[0]).toMatchObject({
      method: 'PATCH',
      url: { pathname: '/apis/apps/v1/namespaces/core/deployments/engine' },
    });
    expect(api.seen[0]?.headers['content-type']).toBe('application/strategic-merge-patch+json');
    expect(JSON.parse(api.seen[0]?.body ?? '')).toEqual({
      spec: {
        template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': '2026-03-01T12:00:00Z' } } },
      },
    });
  });
  it('scales through the subresource and refuses nonsense', async () => {
    const { api, actuator } = await start((_seen, response) => json(response, {}));
    await actuator.scale('core', 'StatefulSet', 'db', 0, READ);
    expect(api.seen[0]).toMatchObject({
      method: 'PATCH',
      body: '{"spec":{"replicas":0}}',
      url: { pathname: '/apis/apps/v1/namespaces/core/statefulsets/db/scale' },
    });
    for (const n of [-1, 1.5, Number.NaN])
      await expect(actuator.scale('core', 'Deployment', 'x', n, READ)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(actuator.scale('core', 'DaemonSet', 'x', 0, READ)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(api.seen).toHaveLength(1);
  });
  it('reports a conflict in the words of the server, once and masked', async () => {
    const { api, actuator } = await start((_seen, response) => {
      json(response, { message: 'the object has been modified; token=abc' }, 409);
    });
    const error = await actuator.scale('core', 'Deployment', 'x', 1, READ).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('token=***') });
    expect(api.seen).toHaveLength(1);
  });
});

describe('a server in trouble', () => {
  const cases: [string, Handler, string, RegExp][] = [
    ['silence', () => undefined, 'TIMEOUT', /within 400 ms/],
    ['401', (_s, r) => json(r, {}, 401), 'FORBIDDEN', /credentials were refused/],
    ['403', (_s, r) => json(r, {}, 403), 'FORBIDDEN', /list pods in namespace core/],
    ['500', (_s, r) => json(r, { message: 'etcd is down' }, 500), 'UNAVAILABLE', /500.*etcd is down/],
    ['429', (_s, r) => json(r, {}, 429), 'UNAVAILABLE', /429/],
    ['a redirect', (_s, r) => r.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(), 'UNAVAILABLE', /302/],
    ['garbage', (_s, r) => r.end('<html>sign in</html>'), 'UNAVAILABLE', /not JSON/],
    ['another shape', (_s, r) => json(r, [1, 2]), 'UNAVAILABLE', /not a list of pods/],
    ['broken gzip', (_s, r) => r.writeHead(200, { 'content-encoding': 'gzip' }).end('nope'), 'UNAVAILABLE', /unpack/],
    [
      'half an answer',
      (_s, r) => {
        r.writeHead(200, { 'content-length': '1000' });
        r.write('{"items":[');
        setTimeout(() => r.destroy(), 30);
      },
      'UNAVAILABLE',
      /middle of its answer/,
    ],
    [
      'half, then silence',
      (_s, r) => {
        r.writeHead(200, { 'content-length': '1000' });
        r.write('{');
      },
      'TIMEOUT',
      /within 400 ms/,
    ],
    ['a hang-up', (_s, r) => r.destroy(), 'UNAVAILABLE', /connection to .* failed/],
    [
      'the same page for ever',
      (_s, r) => json(r, { items: [], metadata: { continue: 'x' } }),
      'UNAVAILABLE',
      /same page/,
    ],
  ];
  it.each(cases)('%s', async (_name, handler, code, message) => {
    const { reader } = await start(handler);
    const started = performance.now();
    const error = await reader.summarizePods(['core'], { deadline_ms: 400 }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(JSON.stringify(error) + (error as Error).message + String((error as Error).cause ?? '')).not.toContain(
      'Zq9',
    );
    expect(performance.now() - started).toBeLessThan(1500);
  });

  it('that refuses connections', async () => {
    const { api } = await start(empty);
    const free = createServer();
    await new Promise<void>((resolve) => {
      free.listen(0, '127.0.0.1', resolve);
    });
    const { port } = free.address() as { port: number };
    await new Promise((resolve) => {
      free.close(resolve);
    });
    writeKubeconfig(api.kubeconfig, `http://127.0.0.1:${port}`, {});
    const { reader } = createKubernetes({ kubeconfig: api.kubeconfig, env: {} });
    await expect(reader.summarizePods(['core'], READ)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('refused'),
    });
  });

  it('that speaks no TLS', async () => {
    const { api } = await start(empty);
    writeKubeconfig(api.kubeconfig, `https://127.0.0.1:${api.port}`, {});
    const { reader } = createKubernetes({ kubeconfig: api.kubeconfig, env: {} });
    await expect(reader.summarizePods(['core'], READ)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('TLS'),
    });
  });

  it('stops when the caller gives up', async () => {
    const { reader } = await start(() => undefined);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 100);
    const started = performance.now();
    await expect(reader.summarizePods(['core'], { deadline_ms: 10_000, signal: abort.signal })).rejects.toThrow(
      'cancelled',
    );
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('kubeconfig', () => {
  it('merges the files of $KUBECONFIG and skips missing ones', async () => {
    const { api } = await start(empty);
    const { reader } = createKubernetes({
      env: { KUBECONFIG: `/nowhere/config:${api.kubeconfig}:${api.kubeconfig}` },
      context: 'staging',
    });
    expect(await reader.cluster()).toContain('staging');
  });
  it.each([
    ['an unknown context', { context: 'nope' }, /no context "nope"; known contexts: prod-eu, staging/],
    ['a missing file', { kubeconfig: '/nowhere/config' }, /ENOENT/],
  ])('%s', async (_name, more, message) => {
    const { api } = await start(empty);
    const { reader } = createKubernetes({ env: {}, kubeconfig: api.kubeconfig, ...more });
    await expect(reader.cluster()).rejects.toMatchObject({
      code: 'NOT_CONFIGURED',
      message: expect.stringMatching(message),
    });
  });
  it('is missing', async () => {
    const { reader } = createKubernetes({ env: { HOME: '/nowhere' } });
    await expect(reader.cluster()).rejects.toMatchObject({
      code: 'NOT_CONFIGURED',
      message: expect.stringContaining('no kubeconfig'),
    });
  });
  it('does not quote a file that does not parse', async () => {
    const { api } = await start(empty);
    writeFileSync(api.kubeconfig, 'users:\n- token: Zq9secret: [');
    const error = await createKubernetes({ kubeconfig: api.kubeconfig, env: {} })
      .reader.cluster()
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'NOT_CONFIGURED' });
    expect(String(error)).not.toContain('Zq9');
  });
  it('names no content of a missing certificate', async () => {
    const { reader } = await start(empty, { 'client-certificate': 'gone.crt', 'client-key': 'gone.key' });
    await expect(reader.summarizePods(['x'], READ)).rejects.toMatchObject({
      code: 'NOT_CONFIGURED',
      message: expect.stringContaining('ENOENT'),
    });
  });
});

describe('credential plugins', () => {
  const plugin = (api: Api, body: string) => {
    const file = join(api.folder, 'plugin');
    writeFileSync(file, `#!${process.execPath}\n${body}`);
    chmodSync(file, 0o755);
    writeKubeconfig(api.kubeconfig, `http://127.0.0.1:${api.port}`, {
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: './plugin',
        env: [{ name: 'OWN', value: 'yes' }],
      },
    });
    return createKubernetes({ kubeconfig: api.kubeconfig, env: { PATH: process.env.PATH, GITHUB_TOKEN: 'x' } });
  };

  it('are asked once, without the environment of the server, and again after 401', async () => {
    let accepted = 'Bearer t1';
    const { api } = await start(({ headers }, response) =>
      json(response, { items: [] }, headers.authorization === accepted ? 200 : 401),
    );
    const count = join(api.folder, 'count');
    const { reader } = plugin(
      api,
      `const fs = require('node:fs'); let n = 0; try { n = fs.readFileSync(${JSON.stringify(count)}, 'utf8').length } catch {}
       fs.appendFileSync(${JSON.stringify(count)}, 'x');
       const ok = !process.env.GITHUB_TOKEN && process.env.OWN === 'yes' && JSON.parse(process.env.KUBERNETES_EXEC_INFO).kind === 'ExecCredential';
       console.log(JSON.stringify({ kind: 'ExecCredential', status: { token: ok ? 't' + (n + 1) : 'bad' } }))`,
    );
    await Promise.all([reader.listWorkloads(['core'], READ), reader.summarizePods(['core'], READ)]);
    expect(readFileSync(count, 'utf8')).toBe('x');
    accepted = 'Bearer t2';
    await reader.summarizePods(['core'], READ);
    expect(readFileSync(count, 'utf8')).toBe('xx');
  });
  it('have a deadline', async () => {
    const { api } = await start(empty);
    const { reader } = plugin(api, 'setInterval(() => {}, 1000)');
    const started = performance.now();
    await expect(reader.summarizePods(['core'], { deadline_ms: 400 })).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(performance.now() - started).toBeLessThan(2000);
  });
  it.each([
    ['that fail', 'console.error("token Zq9"); process.exit(1)', 'FORBIDDEN', /exit code 1/],
    ['that print nonsense', 'console.log("Zq9")', 'FORBIDDEN', /no valid credential/],
  ])('%s', async (_name, body, code, message) => {
    const { api } = await start(empty);
    const error = await plugin(api, body)
      .reader.summarizePods(['core'], READ)
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(String(error)).not.toContain('Zq9');
  });
  it('that are missing', async () => {
    const { reader } = await start(empty, { exec: { command: 'no-such-plugin-here' } });
    await expect(reader.summarizePods(['core'], READ)).rejects.toMatchObject({
      code: 'NOT_CONFIGURED',
      message: expect.stringContaining('not installed'),
    });
  });
  it('of the kind that kubectl dropped are refused and not started', async () => {
    const { api } = await start(empty);
    const proof = join(api.folder, 'proof');
    const config = { 'cmd-path': '/usr/bin/touch', 'cmd-args': proof };
    writeKubeconfig(api.kubeconfig, `http://127.0.0.1:${api.port}`, { 'auth-provider': { name: 'gcp', config } });
    const { reader } = createKubernetes({ kubeconfig: api.kubeconfig, env: {} });
    await expect(reader.summarizePods(['core'], READ)).rejects.toMatchObject({ code: 'NOT_CONFIGURED' });
    expect(existsSync(proof)).toBe(false);
  });
});

describe('names and ages', () => {
  it.each([
    ['engine-7d9f8b6c5d-x2k4p', 'engine'],
    ['agent-gateway-x2k4p', 'agent-gateway'],
    ['agent-gateway-65df4c9b78-x2k4p', 'agent-gateway'],
    ['postgres-12', 'postgres'],
    ['lonely', 'lonely'],
  ])('%s comes from %s', (pod, owner) => expect(ownerOf(pod).owner).toBe(owner));
  it.each([
    ['45s', 45_000],
    ['3m12s', 192_000],
    ['4d3h', 356_400_000],
    ['1y20d', 33_264_000_000],
    ['<invalid>', null],
    ['', null],
  ])('%s is %s ms', (text, ms) => expect(parseAge(text)).toBe(ms));
});
