import type { Workload } from '../domain/observe.ts';
import { conflict, invalidInput, notFound } from '../errors.ts';
import type { EnvironmentReaders, ReadContext } from './context.ts';

const KINDS: Record<string, Workload['kind']> = {
  deployment: 'Deployment',
  statefulset: 'StatefulSet',
  daemonset: 'DaemonSet',
};

/** The kind in a plan's `kind/name` element of the command. */
export function kindOf(command: readonly string[]): Workload['kind'] {
  const word = command
    .map((part) => /^(deployment|statefulset|daemonset)\//.exec(part)?.[1])
    .find((kind) => kind !== undefined);
  const kind = word ? KINDS[word] : undefined;
  if (!kind) throw conflict('the plan names no workload.', 'make a new plan.');
  return kind;
}

/**
 * The one workload of that name in the environment's namespaces. A name that exists twice is never guessed.
 * Errors: `NOT_FOUND` with the names there are, `INVALID_INPUT`, and those of the API server.
 */
export async function findWorkload(
  env: EnvironmentReaders,
  context: ReadContext,
  name: string,
  namespace: string | undefined,
): Promise<Workload> {
  if (namespace !== undefined && !env.namespaces.includes(namespace)) {
    throw invalidInput(
      `namespace ${namespace} is not configured for ${env.name}.`,
      `use one of: ${env.namespaces.join(', ')}.`,
    );
  }
  const kubernetes = await env.kubernetes();
  const all = await kubernetes.listWorkloads(namespace === undefined ? env.namespaces : [namespace], {
    deadline_ms: context.config.source_deadline,
    signal: context.signal,
  });
  const found = all.filter((workload) => workload.name === name);
  const first = found[0];
  if (first && found.length === 1) return first;
  if (first) {
    throw invalidInput(
      `there are ${found.length} workloads called ${name}: ${found.map((w) => `${w.kind} in ${w.namespace}`).join(', ')}.`,
      'say which one with namespace.',
    );
  }
  const names = all.map((w) => w.name).sort();
  throw notFound(
    `no Deployment, StatefulSet or DaemonSet is called ${name} in ${namespace ?? env.namespaces.join(', ')}.`,
    `there are: ${names.slice(0, 30).join(', ')}${names.length > 30 ? ', ...' : ''}.`,
  );
}
