import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { runToEnd } from '../../test/cluster/lab/daemon.ts';
import type { Lab } from '../../test/cluster/lab/lab.ts';
import { cacheFolder } from '../../test/cluster/lab/programs.ts';
import type { ServerCommand } from './mcp.ts';

/** Names and versions on npm. */
export const PEERS = { 'kubernetes-mcp-server': '0.0.67', 'mcp-server-kubernetes': '4.1.7' } as const;

const INSTALL_MS = 300_000;
/** The second peer gives up at 1 MiB of kubectl's output unless it is told otherwise; a cluster of this size has 80. */
const BUFFER = String(512 * 1024 * 1024);

/** Installs both into the cache of the lab, without running what they would run then. @returns the folder of packages. */
export async function installPeers(): Promise<string> {
  const name = `peers-${Object.values(PEERS).join('-')}`;
  const folder = join(cacheFolder(), name);
  if (!existsSync(folder)) {
    const fresh = `${folder}.new-${process.pid}`;
    mkdirSync(fresh, { recursive: true });
    try {
      writeFileSync(join(fresh, 'package.json'), JSON.stringify({ name: 'peers', private: true, dependencies: PEERS }));
      const argv = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
      await runToEnd('npm', argv, { cwd: fresh, deadlineMs: INSTALL_MS });
      if (!existsSync(folder)) renameSync(fresh, folder);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  }
  return join(folder, 'node_modules');
}

/** Both peers on this cluster, each started as its documentation says, with all that its reads need. */
export async function peerServers(lab: Lab, dir: string): Promise<{ containers: ServerCommand; flux: ServerCommand }> {
  const packages = await installPeers();
  const home = join(dir, 'peers');
  await mkdir(home, { recursive: true });
  const native = `kubernetes-mcp-server-${platform()}-${arch() === 'x64' ? 'amd64' : arch()}`;
  const programs = [dirname(lab.programs.kubectl), dirname(lab.programs.helm4), process.env.PATH ?? ''];
  const env = { HOME: home, PATH: programs.join(delimiter) };
  return {
    containers: {
      name: 'containers/kubernetes-mcp-server',
      // The Go program itself: its npm wrapper would only cost it time and memory.
      command: join(packages, native, 'bin', native),
      args: ['--kubeconfig', lab.kubeconfig, '--toolsets', 'core,config,helm'],
      env,
      cwd: home,
    },
    flux: {
      name: 'Flux159/mcp-server-kubernetes',
      command: process.execPath,
      args: [join(packages, 'mcp-server-kubernetes', 'dist', 'index.js')],
      env: { ...env, KUBECONFIG: lab.kubeconfig, SPAWN_MAX_BUFFER: BUFFER },
      cwd: home,
    },
  };
}
