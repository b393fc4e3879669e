import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { startSandbox } from '../helpers/sandbox.ts';
import { adapterContract } from './suite.ts';
import type { World } from './world.ts';

const CORE = 'pulsestream-core-prod';
const AGENT = 'pulsestream-agent-prod';

const DIFFERENCES = new Set([
  // It counts the remaining items also where there is a selector.
  'come in pages that together are the whole, in its order',
  // Its seeded records carry `createdAt` beside `modifiedAt`.
  'of metadata carry nothing else',
  // Its rows leave `object` out where real ones have null, and a pod without restarts has the number 0 for the text.
  'has the columns of `kubectl get pods`, and texts in them',
  // Its 403 says neither who is refused nor what.
  'of a stranger (403) name what is missing',
]);

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
      // It knows no users: what it would say to a stranger it says to everybody.
      asStranger: async (status, ask) => {
        await sandbox.fault('kubernetes', String(status));
        try {
          return await ask(sandbox.kubeconfig);
        } finally {
          await sandbox.fault('kubernetes', 'none');
        }
      },
    };
  });
  adapterContract(() => world, DIFFERENCES);
});
