import { readFile, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { startSandbox } from '../helpers/sandbox.ts';
import { adapterContract } from './suite.ts';
import type { World } from './world.ts';

const CORE = 'pulsestream-core-prod';
const AGENT = 'pulsestream-agent-prod';

const bin = new Bin();
afterAll(() => bin.empty());

/** What `kubectl proxy` is for a real cluster: the API with the rights of the kubeconfig. */
async function proxyTo(url: string, token: string): Promise<string> {
  const server = createServer((asked, answer) => {
    const { method = 'GET', headers } = asked;
    const on = request(`${url}${asked.url}`, { method, headers: { ...headers, authorization: `Bearer ${token}` } });
    on.on('response', (said) => {
      answer.writeHead(said.statusCode ?? 502, said.headers);
      said.pipe(answer);
    });
    on.on('error', () => answer.destroy());
    asked.pipe(on);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  bin.add(async () => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the sandbox', () => {
  let world: World;
  beforeAll(async () => {
    const sandbox = await startSandbox(bin, 'bad-deploy', '--speed', '50');
    const helm = async (...argv: string[]): Promise<string> => {
      const { code, stdout, stderr } = await sandbox.helm(...argv, '--namespace', CORE);
      if (code !== 0) throw new Error(stderr);
      return stdout;
    };
    const content = await readFile(sandbox.kubeconfig, 'utf8');
    const [, token = ''] = /token: (\S+)/.exec(content) ?? [];
    const stranger = join(await bin.folder(), 'stranger');
    await writeFile(stranger, content.replace(token, 'nobody-has-it'), { mode: 0o600 });
    world = {
      kubeconfig: sandbox.kubeconfig,
      context: 'pulsestream-sandbox',
      url: await proxyTo(sandbox.urls.kubernetes ?? '', token),
      helmProgram: join(sandbox.dir, 'bin', 'helm'),
      helm,
      workloads: {
        Deployment: { namespace: CORE, name: 'control-plane' },
        StatefulSet: { namespace: CORE, name: 'postgres' },
        DaemonSet: { namespace: AGENT, name: 'agent-relay' },
      },
      release: { release: 'pulsestream-core', namespace: CORE },
      troubled: CORE,
      asStranger: async (status, ask) => {
        if (status === 401) return ask(stranger);
        // It knows no users without rights: what it would say to one it says to everybody.
        await sandbox.fault('kubernetes', '403');
        try {
          return await ask(sandbox.kubeconfig);
        } finally {
          await sandbox.fault('kubernetes', 'none');
        }
      },
    };
  });
  adapterContract(() => world);
});
