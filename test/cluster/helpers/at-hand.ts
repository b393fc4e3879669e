import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Bin } from '../../helpers/bin.ts';
import { runToEnd } from '../lab/daemon.ts';
import type { Lab } from '../lab/lab.ts';

/** The lab that `npm run test:cluster` started for this run. */
export function labAtHand(): Lab {
  const file = process.env.INCIDENT_MCP_LAB;
  if (!file) throw new Error('INCIDENT_MCP_LAB is not set. Run npm run test:cluster, which starts the cluster first.');
  return JSON.parse(readFileSync(file, 'utf8')) as Lab;
}

export const HELMS = ['helm3', 'helm4'] as const;
export type HelmName = (typeof HELMS)[number];

/** The tools of a colleague at another terminal, as administrator. */
export interface Colleague {
  lab: Lab;
  kubectl(...argv: string[]): Promise<string>;
  /** kubectl with a document on stdin: `apply({...})` for objects, several in a list. */
  apply(...objects: object[]): Promise<void>;
  helm(which: HelmName, ...argv: string[]): Promise<string>;
  /** A namespace of its own; it goes with the bin, without waiting for it. */
  namespace(bin: Bin, name: string): Promise<string>;
}

const DEADLINE_MS = 60_000;

export function colleague(lab: Lab = labAtHand()): Colleague {
  const kubectl = (argv: readonly string[], stdin?: string): Promise<string> =>
    runToEnd(lab.programs.kubectl, [`--kubeconfig=${lab.kubeconfig}`, `--context=${lab.context}`, ...argv], {
      deadlineMs: DEADLINE_MS,
      ...(stdin === undefined ? {} : { stdin }),
    });
  return {
    lab,
    kubectl: (...argv) => kubectl(argv),
    apply: async (...items) => {
      await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    },
    helm: (which, ...argv) =>
      runToEnd(lab.programs[which], [`--kubeconfig=${lab.kubeconfig}`, `--kube-context=${lab.context}`, ...argv], {
        deadlineMs: DEADLINE_MS,
      }),
    namespace: async (bin, name) => {
      const whole = `${lab.prefix}-${name}-${randomBytes(3).toString('hex')}`;
      await kubectl(['create', 'namespace', whole]);
      bin.add(() => kubectl(['delete', 'namespace', whole, '--wait=false', '--ignore-not-found']));
      return whole;
    },
  };
}

/** A release of the configuration. */
export interface ConfiguredRelease {
  name: string;
  namespace: string;
  services?: string[];
}

/**
 * Writes a configuration of the product with one environment `prod` in the lab, where a client's form suffices for everything. `more` is merged
 * over the top level, `environment` over the environment.
 */
export async function writeConfiguration(
  bin: Bin,
  options: {
    helm?: HelmName;
    releases?: ConfiguredRelease[];
    namespaces?: string[];
    environment?: Record<string, unknown>;
    more?: Record<string, unknown>;
    lab?: Lab;
  },
): Promise<string> {
  const lab = options.lab ?? labAtHand();
  const file = join(await bin.folder(), 'incident-mcp.yaml');
  const config = {
    environments: {
      prod: {
        kubeconfig: lab.kubeconfig,
        context: lab.context,
        protected: false,
        releases: options.releases ?? [],
        namespaces: options.namespaces ?? [],
        ...options.environment,
      },
    },
    programs: { helm: lab.programs[options.helm ?? 'helm4'] },
    rollout_deadline: '15s',
    ...options.more,
  };
  await writeFile(file, stringify(config), { mode: 0o600 });
  return file;
}
