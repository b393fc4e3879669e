import { createCommands } from '../../src/adapters/commands/index.ts';
import { createHelm } from '../../src/adapters/helm/index.ts';
import { createKubernetes } from '../../src/adapters/kubernetes/index.ts';
import type { ReleaseRef } from '../../src/ports/helm.ts';
import type { WorkloadKind } from '../../src/ports/kubernetes.ts';

/** A cluster with known content, and the ways to it. Nobody else acts in its namespaces. */
export interface World {
  kubeconfig: string;
  context: string;
  /** The API over plain HTTP, with the rights of the kubeconfig. */
  url: string;
  /** Path of the program that the adapter of Helm runs. */
  helmProgram: string;
  /** A colleague's helm, in the release's namespace. @throws where it fails */
  helm(...argv: string[]): Promise<string>;
  /** One workload of each kind, all its pods ready. */
  workloads: Readonly<Record<WorkloadKind, { namespace: string; name: string }>>;
  /** A release with at least three revisions, the newest deployed and one failed. */
  release: ReleaseRef;
  /** Where something is the matter: its namespace has a Warning. */
  troubled: string;
  /** Gives `ask` a kubeconfig of someone whom the server does not know (401), or allows nothing (403). */
  asStranger<T>(status: 401 | 403, ask: (kubeconfig: string) => Promise<T>): Promise<T>;
  /** A token of a list of the release's namespace that the server no longer knows; absent where it forgets none. */
  expired?: (path: string) => Promise<string>;
}

export interface Answer {
  status: number;
  body: Body;
}

/** The fields of answers that the suite looks at. */
export interface Body {
  kind: string;
  apiVersion: string;
  status: unknown;
  reason: string;
  message: string;
  code: number;
  details: Record<string, unknown>;
  metadata: Meta & { continue?: string; remainingItemCount?: number };
  items: Body[];
  spec: { replicas?: number };
  type: string;
  columnDefinitions: { name: string; type: string; priority: number }[];
  rows: { cells: unknown[]; object: Body | null }[];
}

interface Meta {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  generation: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export interface RawOptions {
  method?: string;
  accept?: string;
  /** Content type of the body. */
  type?: string;
  body?: unknown;
}

/** One request as it goes over the wire. */
export async function raw(world: World, path: string, options: RawOptions = {}): Promise<Answer> {
  const { method = 'GET', accept = 'application/json', type = 'application/json', body } = options;
  const answer = await fetch(`${world.url}${path}`, {
    method,
    headers: { accept, ...(body === undefined ? {} : { 'content-type': type }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(15_000),
  });
  return { status: answer.status, body: (await answer.json()) as Body };
}

/** Our adapters on it, as the server builds them. */
export function adapters({ kubeconfig, context, helmProgram }: Pick<World, 'kubeconfig' | 'context' | 'helmProgram'>) {
  const kubernetes = createKubernetes({ kubeconfig, context, env: {} });
  const commands = createCommands({
    programs: { helm: helmProgram },
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
  });
  return { ...kubernetes, helm: createHelm({ kubernetes: kubernetes.api, commands, kubeconfig }) };
}
export type Adapters = ReturnType<typeof adapters>;

/** Defines a test in which a world may be known to differ. */
export type Check = (name: string, body: () => Promise<void>) => void;

/** For every read of the suite. */
export const READ = { deadline_ms: 20_000 };
