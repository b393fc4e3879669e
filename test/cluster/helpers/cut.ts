import { readFile, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Bin } from '../../helpers/bin.ts';
import type { Lab } from '../lab/lab.ts';

/** A wire to the API server that can be cut: TLS passes through, since the certificate names the address, not the port. */
export interface Wire {
  /** A kubeconfig that goes through it. */
  kubeconfig: string;
  cut(): void;
  mend(): void;
}

export async function wireTo(bin: Bin, lab: Lab): Promise<Wire> {
  const config = parse(await readFile(lab.kubeconfig, 'utf8')) as { clusters: { cluster: { server: string } }[] };
  const [first] = config.clusters;
  if (!first) throw new Error('the kubeconfig of the lab has no cluster');
  const target = new URL(first.cluster.server);
  const sockets = new Set<Socket>();
  let whole = true;
  const server = createServer((near) => {
    if (!whole) {
      near.destroy();
      return;
    }
    const far = connect(Number(target.port), target.hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  bin.add(() => {
    close();
    return new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  first.cluster.server = `https://127.0.0.1:${address.port}`;
  const kubeconfig = join(await bin.folder(), 'wire.kubeconfig');
  await writeFile(kubeconfig, stringify(config), { mode: 0o600 });
  return {
    kubeconfig,
    cut: () => {
      whole = false;
      close();
    },
    mend: () => {
      whole = true;
    },
  };
}
