import { createCommands } from '../../../src/adapters/commands/index.ts';
import { createHelm } from '../../../src/adapters/helm/index.ts';
import { createKubernetes } from '../../../src/adapters/kubernetes/index.ts';
import type { Lab } from '../lab/lab.ts';
import type { HelmName } from './at-hand.ts';

/** Our adapters on the lab, as the server would build them. */
export function adaptersOf(lab: Lab, helm: HelmName = 'helm4') {
  const { kubeconfig, context } = lab;
  const kubernetes = createKubernetes({ kubeconfig, context, env: {} });
  const commands = createCommands({
    programs: { helm: lab.programs[helm] },
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
  });
  return { kubernetes, ...createHelm({ kubernetes: kubernetes.api, commands, kubeconfig }) };
}
