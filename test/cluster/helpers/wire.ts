import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Bin } from '../../helpers/bin.ts';
import { writeKubeconfig } from '../lab/control-plane.ts';
import type { Lab } from '../lab/lab.ts';

/**
 * - `pass`: as if it were not there
 * - `drop`: the connection ends before the request reaches the API server
 * - `lose`: the request reaches it, and the connection ends instead of an answer
 * - `hold`: the request waits until `release`
 */
export type Fault = 'pass' | 'drop' | 'lose' | 'hold';

/** A wire between the server under test and the lab's API server, on which requests get lost. */
export interface Wire {
  /** A lab whose kubeconfig leads through the wire. */
  lab: Lab;
  /** Decides each request from now on. */
  fault: (method: string, path: string) => Fault;
  /** Resolves when that many requests were held since the start. */
  held(count?: number): Promise<void>;
  /** Lets all held requests pass; `dropped` ends their connections instead. */
  release(how?: 'pass' | 'dropped'): void;
}

/** Plain HTTP on the side of the server under test, the administrator's certificate on the other. */
export async function startWire(bin: Bin, lab: Lab): Promise<Wire> {
  if (!lab.plane) throw new Error('a wire needs the lab’s own cluster');
  const { pki, url, ca } = lab.plane.api;
  const agent = new Agent({
    ca: readFileSync(ca),
    cert: readFileSync(join(pki, 'admin.crt')),
    key: readFileSync(join(pki, 'admin.key')),
    keepAlive: true,
  });
  const waiting: ((how: 'pass' | 'dropped') => void)[] = [];
  const watchers: (() => void)[] = [];
  let heldSoFar = 0;

  const forward = (incoming: IncomingMessage, outgoing: ServerResponse, answered: boolean): void => {
    const target = new URL(incoming.url ?? '/', url);
    const onward = request(
      target,
      { method: incoming.method, agent, headers: { ...incoming.headers, host: target.host } },
      (answer) => {
        if (!answered) {
          answer.resume();
          answer.on('end', () => outgoing.destroy());
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  };
  const server = createServer((incoming, outgoing) => {
    const fault = wire.fault(incoming.method ?? '', incoming.url ?? '');
    if (fault === 'drop') {
      outgoing.destroy();
    } else if (fault === 'hold') {
      waiting.push((how) => (how === 'pass' ? forward(incoming, outgoing, true) : outgoing.destroy()));
      heldSoFar += 1;
      for (const look of watchers) look();
    } else {
      forward(incoming, outgoing, fault === 'pass');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  bin.add(() => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
  });
  const kubeconfig = join(await bin.folder(), 'wire.kubeconfig');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeKubeconfig(kubeconfig, lab.context, { server: address }, {});
  const wire: Wire = {
    lab: { ...lab, kubeconfig },
    fault: () => 'pass',
    held: (count = 1) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (heldSoFar >= count) resolve();
        };
        watchers.push(look);
        look();
      }),
    release: (how = 'pass') => {
      for (const go of waiting.splice(0)) go(how);
    },
  };
  return wire;
}
