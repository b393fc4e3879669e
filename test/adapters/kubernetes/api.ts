import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Seen {
  method: string;
  url: URL;
  headers: IncomingMessage['headers'];
  body: string;
}
export type Handler = (seen: Seen, response: ServerResponse) => void;

/** An API server for one test, on a loopback port of its own, with a kubeconfig that leads to it. */
export async function startApi(handler: Handler, user: Record<string, unknown> = { token: 'tok-Zq9-secret' }) {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const one = {
        method: request.method ?? '',
        url: new URL(request.url ?? '/', 'http://x'),
        headers: request.headers,
        body,
      };
      seen.push(one);
      handler(one, response);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const folder = mkdtempSync(join(tmpdir(), 'kube-'));
  const kubeconfig = join(folder, 'config');
  writeKubeconfig(kubeconfig, `http://127.0.0.1:${port}`, user);
  return {
    seen,
    port,
    folder,
    kubeconfig,
    async close() {
      rmSync(folder, { recursive: true, force: true });
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
export type Api = Awaited<ReturnType<typeof startApi>>;

/** JSON is YAML. */
export function writeKubeconfig(file: string, server: string, user: Record<string, unknown>): void {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'prod-eu',
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user }],
    contexts: [
      { name: 'prod-eu', context: { cluster: 'c', user: 'u' } },
      { name: 'staging', context: { cluster: 'c', user: 'u' } },
    ],
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
}

export const json = (response: ServerResponse, value: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
};

export const deployment = (name: string, more: { namespace?: string; spec?: object; status?: object } = {}) => ({
  metadata: {
    name,
    namespace: more.namespace ?? 'core',
    uid: `uid-${name}`,
    generation: 4,
    creationTimestamp: '2026-03-01T10:00:00Z',
    labels: { app: name },
    annotations: { a: 'b', 'kubectl.kubernetes.io/last-applied-configuration': '{"password":"x"}' },
    managedFields: [{ manager: 'helm' }],
  },
  spec: {
    replicas: 3,
    template: { metadata: { labels: { 'pod-label': name } }, spec: { containers: [{ name: 'a', image: 'reg/a:1' }] } },
    ...more.spec,
  },
  status: { observedGeneration: 4, readyReplicas: 2, updatedReplicas: 3, availableReplicas: 2, ...more.status },
});
