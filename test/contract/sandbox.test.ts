import { readFile, writeFile } from 'node:fs/promises';
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
    const stranger = join(await bin.folder(), 'stranger');
    await writeFile(stranger, content.replace(/token: .*/, 'token: nobody-has-it'), { mode: 0o600 });
    world = {
      kubeconfig: sandbox.kubeconfig,
      context: 'pulsestream-sandbox',
      url: sandbox.urls.kubernetes ?? '',
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
