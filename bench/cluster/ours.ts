import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Lab } from '../../test/cluster/lab/lab.ts';
import { deploymentName, namespaceOf, namespaces, releaseName, SIZE } from './cluster.ts';
import type { ServerCommand } from './mcp.ts';
import { REAL } from './releases.ts';

/** Services that a release of the configuration names, as in the cluster's labels. */
const servicesOf = (release: number): string[] => {
  const found: string[] = [];
  for (let index = release; index < SIZE.deployments; index += SIZE.releases) found.push(deploymentName(index));
  return found;
};

const CUSTOMERS = 500;

/** A fleet endpoint with many customers, some of whose agents are gone. */
export async function startFleet(): Promise<{ url: string; close(): Promise<void> }> {
  const customers = Array.from({ length: CUSTOMERS }, (_, n) => ({
    customer: `customer-${n}`,
    agents_expected: 20,
    agents_connected: n % 50 === 0 ? 4 : 20,
  }));
  const body = JSON.stringify({ customers, versions: [{ version: '1.0.0', agents: CUSTOMERS * 20 }] });
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/fleet`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/**
 * Our server with two environments of the same cluster: `prod` names all releases with their namespaces, `whole` names none, so that it means every
 * namespace.
 */
export async function ourServer(lab: Lab, dir: string, dist: string, fleetUrl: string): Promise<ServerCommand> {
  const home = join(dir, 'ours');
  await mkdir(home, { recursive: true });
  const releases = [
    { name: REAL.name, namespace: REAL.namespace, services: [REAL.workload] },
    ...Array.from({ length: SIZE.releases - 1 }, (_, index) => ({
      name: releaseName(index),
      namespace: namespaceOf(index),
      services: servicesOf(index),
    })),
  ];
  const cluster = { kubeconfig: lab.kubeconfig, context: lab.context, protected: false };
  const config = {
    environments: {
      prod: { ...cluster, releases, namespaces: namespaces() },
      whole: { ...cluster, releases: [], namespaces: [] },
    },
    default_environment: 'prod',
    fleet: { source: 'json', url: fleetUrl },
    programs: { helm: lab.programs.helm4 },
    // The figures are times: a deadline would hide them.
    source_deadline: '60s',
  };
  const file = join(home, 'incident-mcp.yaml');
  await writeFile(file, stringify(config), { mode: 0o600 });
  return {
    name: 'incident-mcp',
    command: process.execPath,
    args: [join(dist, 'cli.js'), 'serve', '--config', file, '--data-dir', join(home, 'data')],
    env: {
      PATH: process.env.PATH ?? '',
      HOME: home,
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_DATA_HOME: join(home, 'share'),
      INCIDENT_MCP_LOG: 'silent',
    },
    cwd: home,
  };
}
