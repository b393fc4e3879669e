import { readFile, rename } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { until } from '../helpers/process.ts';
import { connect } from '../helpers/session.ts';
import { labAtHand } from './helpers/at-hand.ts';
import {
  homeWith,
  listen,
  makePlace,
  type Place,
  reach,
  secretWord,
  startProxy,
  writeContexts,
  writePlugin,
  type Yaml,
} from './helpers/kubeconfigs.ts';
import { certificate } from './lab/control-plane.ts';

const bin = new Bin();
afterAll(() => bin.empty());
const lab = labAtHand();
let place: Place;
beforeAll(async () => {
  place = await makePlace(bin, 'moves');
});

const API = 'client.authentication.k8s.io/v1';
const credential = (status: Yaml): string => JSON.stringify({ apiVersion: API, kind: 'ExecCredential', status });

test('a token of the kubeconfig before never goes to the server of the one after', async () => {
  const [before, after] = [secretWord(), secretWord()];
  const seen: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"items":[],"metadata":{}}');
  });
  server.on('connection', (socket: Socket) => void sockets.add(socket));
  const elsewhere = { server: `http://127.0.0.1:${await listen(bin, server, sockets)}` };
  const started = `${await bin.folder()}/started`;
  const slow = await writePlugin(
    bin,
    `require('node:fs').writeFileSync(${JSON.stringify(started)}, '');
     setTimeout(() => process.stdout.write(${JSON.stringify(credential({ token: before }))}), 1500);`,
  );
  const quick = await writePlugin(bin, `process.stdout.write(${JSON.stringify(credential({ token: after }))})`);
  const exec = (command: string): Yaml => ({ exec: { apiVersion: API, command, interactiveMode: 'Never' } });
  const kubeconfig = await writeContexts(bin, { prod: { cluster: place.cluster, user: exec(slow) } });
  const next = await writeContexts(bin, { prod: { cluster: elsewhere, user: exec(quick) } });
  const session = await connect(bin, await homeWith(bin, place, { kubeconfig, context: 'prod' }), 'plain');
  const first = session.call('get_system_health');
  await until(
    () =>
      readFile(started).then(
        () => true,
        () => false,
      ),
    (is) => is,
  );
  await rename(next, kubeconfig);
  await session.call('get_system_health');
  await first;
  expect(seen.length).toBeGreaterThan(0);
  expect(new Set(seen)).toEqual(new Set([`Bearer ${after}`]));
});

test.skipIf(!lab.plane)("a plugin's client certificate also goes through a proxy", async () => {
  const api = lab.plane?.api as NonNullable<typeof lab.plane>['api'];
  const pair = await certificate(lab.programs, api.pki, `oncall-${place.ns}`);
  const status = {
    clientCertificateData: await readFile(pair.cert, 'utf8'),
    clientKeyData: await readFile(pair.key, 'utf8'),
  };
  const command = await writePlugin(bin, `process.stdout.write(${JSON.stringify(credential(status))})`);
  const proxy = await startProxy(bin, { port: Number(new URL(api.url).port) });
  const user = { exec: { apiVersion: API, command, interactiveMode: 'Never' } };
  const kubeconfig = await writeContexts(bin, {
    prod: { cluster: { ...place.cluster, 'proxy-url': proxy.url }, user },
  });
  await reach(bin, await homeWith(bin, place, { kubeconfig, context: 'prod' }));
  expect(proxy.asked.length).toBeGreaterThan(0);
});
