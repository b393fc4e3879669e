import { nearest } from '../domain/near.ts';
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

const NEAR = 8;

/**
 * The one workload of that name in the environment's namespaces. A name that exists twice is never guessed.
 * Errors: `NOT_FOUND` with the names most like it, `INVALID_INPUT`, and those of the API server.
 */
export async function findWorkload(
  env: EnvironmentReaders,
  context: ReadContext,
  name: string,
  where: { namespace?: string | undefined; kind?: Workload['kind'] | undefined },
): Promise<Workload> {
  const { namespace, kind } = where;
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
  const found = all.filter((workload) => workload.name === name && (kind === undefined || workload.kind === kind));
  const [first, second] = found;
  if (first && !second) return first;
  if (first && second) {
    const namespaces = new Set(found.map((w) => w.namespace));
    const arguments_ = [
      ...(namespaces.size > 1 ? ['namespace'] : []),
      ...(namespaces.size < found.length ? ['kind'] : []),
    ];
    throw invalidInput(
      `there are ${found.length} workloads called ${name}: ${found.map((w) => `${w.kind} in ${w.namespace}`).join(', ')}.`,
      `say which one with ${arguments_.join(' and ')}.`,
    );
  }
  const places = namespace ?? env.namespaces.join(', ');
  const names = [...new Set(all.map((w) => w.name))];
  throw notFound(
    `no ${kind ?? 'Deployment, StatefulSet or DaemonSet'} is called ${name} in ${places}.`,
    names.length === 0
      ? 'there is none at all: check the namespaces of the configuration.'
      : names.length <= NEAR
        ? `there are: ${names.sort().join(', ')}.`
        : `the nearest of ${names.length} names: ${nearest(name, names, NEAR).join(', ')}.`,
  );
}
