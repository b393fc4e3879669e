import { createHash, randomBytes } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect as connectTo, createServer as createTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Bin } from '../../helpers/bin.ts';
import { type Home, makeHome } from '../../helpers/home.ts';
import { connect, type Session } from '../../helpers/session.ts';
import { type Colleague, colleague, type HelmName, writeConfiguration } from './at-hand.ts';
import { writeChart } from './chart.ts';
import { workload } from './workloads.ts';

export type Yaml = Record<string, unknown>;

/** A namespace with a Deployment `web` and a release `settings` of two revisions, and a service account that may do everything there. */
export interface Place {
  at: Colleague;
  ns: string;
  /** The administrator's cluster, with the authority inline. */
  cluster: Yaml & { server: string; 'certificate-authority-data'?: string };
  /** A fresh token of the account. */
  token(seconds?: number): Promise<string>;
  release: { name: string; namespace: string; services: string[] };
}

export async function makePlace(bin: Bin, name: string, at: Colleague = colleague()): Promise<Place> {
  const ns = await at.namespace(bin, name);
  await at.apply(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'oncall', namespace: ns } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'all', namespace: ns },
      rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'all', namespace: ns },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'all' },
      subjects: [
        { kind: 'ServiceAccount', name: 'oncall', namespace: ns },
        { kind: 'User', name: `oncall-${ns}`, apiGroup: 'rbac.authorization.k8s.io' },
        { kind: 'Group', name: `oncall-${ns}`, apiGroup: 'rbac.authorization.k8s.io' },
      ],
    },
    workload('Deployment', ns, 'web'),
  );
  await installSettings(bin, at, ns);
  const view = JSON.parse(await at.kubectl('config', 'view', '--raw', '--minify', '--flatten', '-o', 'json')) as {
    clusters: { cluster: Place['cluster'] }[];
  };
  return {
    at,
    ns,
    cluster: view.clusters[0]?.cluster as Place['cluster'],
    token: async (seconds = 3_600) =>
      (await at.kubectl('-n', ns, 'create', 'token', 'oncall', `--duration=${seconds}s`)).trim(),
    release: { name: 'settings', namespace: ns, services: ['web'] },
  };
}

/** Two revisions of a release that is one ConfigMap: nothing to wait for. */
export async function installSettings(bin: Bin, at: Colleague, ns: string, which: HelmName = 'helm3'): Promise<void> {
  for (const version of ['1.0.0', '1.1.0']) {
    const chart = await writeChart(
      bin,
      { name: 'settings', version },
      {
        'templates/map.yaml': {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'settings' },
          data: { version },
        },
      },
    );
    await at.helm(which, 'upgrade', '--install', 'settings', chart, '-n', ns);
  }
}

/** Any number of contexts, each with its cluster and user of the same name. The first is the current one. */
export async function writeContexts(
  bin: Bin,
  contexts: Record<string, { cluster: Yaml; user: Yaml }>,
  more: Yaml = {},
): Promise<string> {
  const file = join(await bin.folder(), 'config');
  await writeFile(file, contextsYaml(contexts, more), { mode: 0o600 });
  return file;
}

export function contextsYaml(contexts: Record<string, { cluster: Yaml; user: Yaml }>, more: Yaml = {}): string {
  const all = Object.entries(contexts);
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': all[0]?.[0],
    clusters: all.map(([name, { cluster }]) => ({ name, cluster })),
    users: all.map(([name, { user }]) => ({ name, user })),
    contexts: all.map(([name]) => ({ name, context: { cluster: name, user: name } })),
    ...more,
  });
}

/** A home whose environment `prod` reaches the place by that kubeconfig; without one by what the process's environment says. */
export async function homeWith(
  bin: Bin,
  place: Place,
  options: {
    kubeconfig?: string | undefined;
    context?: string | undefined;
    env?: Record<string, string>;
    helm?: HelmName;
    more?: Yaml;
  },
): Promise<Home> {
  const { kubeconfig, context } = options;
  const config = await writeConfiguration(bin, {
    releases: [place.release],
    helm: options.helm ?? 'helm4',
    environment: { kubeconfig, context },
    more: { rollout_deadline: '5s', verification_window: '1s', ...options.more },
  });
  const home = await makeHome(bin, config);
  Object.assign(home.env, options.env);
  return home;
}

/** Reads health by our own requests and makes a plan with the dry run of the real Helm; gives the session. */
export async function reach(bin: Bin, home: Home): Promise<{ session: Session; cluster: string }> {
  const session = await connect(bin, home, 'plain');
  const { sources } = (await session.ok('get_system_health')) as { sources: Yaml[] };
  const kubernetes = sources.find(({ name }) => name === 'kubernetes');
  if (kubernetes?.status !== 'ok') throw new Error(`kubernetes: ${JSON.stringify(kubernetes)}`);
  const answer = await session.ok('rollback_release', {
    release: 'settings',
    revision: 1,
    reason: 'the newest settings are wrong',
  });
  if (answer.status !== 'approval_required') throw new Error(JSON.stringify(answer));
  return { session, cluster: String((answer.plan as Yaml).cluster) };
}

/** A credential plugin: a program of Node with that body. */
export async function writePlugin(bin: Bin, body: string, name = 'lab-login'): Promise<string> {
  const file = join(await bin.folder(), name);
  await writeFile(file, `#!${process.execPath}\n${body}\n`);
  await chmod(file, 0o755);
  return file;
}

export interface Proxy {
  url: string;
  port: number;
  /** `CONNECT` targets that came. */
  asked: string[];
}

/** An HTTP proxy on loopback that leads every name to `to` (host:port). `password`: refuses whoever does not give it. */
export async function startProxy(bin: Bin, to: { port: number }, password?: string): Promise<Proxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((_request, response) => void response.writeHead(405).end());
  server.on('connection', (socket: Socket) => track(sockets, socket));
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    asked.push(request.url ?? '');
    const wanted = password === undefined ? undefined : `Basic ${Buffer.from(`lab:${password}`).toString('base64')}`;
    if (request.headers['proxy-authorization'] !== wanted) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const onward = connectTo(to.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    track(sockets, onward);
  });
  const port = await listen(bin, server, sockets);
  return { url: `http://${password === undefined ? '' : `lab:${password}@`}127.0.0.1:${port}`, port, asked };
}

/** A SOCKS 5 proxy (RFC 1928) without authentication; `asked` has host:port as it was given. */
export async function startSocks(bin: Bin, to: { port: number }): Promise<Proxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createTcp((socket) => {
    track(sockets, socket);
    socket.once('data', () => {
      socket.write(Buffer.from([5, 0]));
      socket.once('data', (request: Buffer) => {
        const named = request[3] === 3;
        const length = named ? (request[4] ?? 0) : 4;
        const from = named ? 5 : 4;
        const bytes = request.subarray(from, from + length);
        asked.push(`${named ? bytes.toString() : bytes.join('.')}:${request.readUInt16BE(from + length)}`);
        const onward = connectTo(to.port, '127.0.0.1', () => {
          socket.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]));
          onward.pipe(socket).pipe(onward);
        });
        track(sockets, onward);
      });
    });
  });
  const port = await listen(bin, server, sockets);
  return { url: `socks5://127.0.0.1:${port}`, port, asked };
}

/** A listener that takes connections and never says a word. */
export async function startSilence(bin: Bin): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server = createTcp((socket) => track(sockets, socket));
  const port = await listen(bin, server, sockets);
  return { url: `http://127.0.0.1:${port}`, port, asked: [] };
}

function track(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => sockets.delete(socket));
}

export function listen(
  bin: Bin,
  server: { listen(port: number, host: string, ready: () => void): unknown; close(): unknown; address(): unknown },
  sockets: ReadonlySet<Socket>,
): Promise<number> {
  bin.add(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** A word that must not come out anywhere. */
export const secretWord = (): string =>
  `hush${createHash('sha256').update(randomBytes(16)).digest('hex').slice(0, 24)}`;
