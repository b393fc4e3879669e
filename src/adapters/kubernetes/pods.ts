import { z } from 'zod';
import { toInstant } from '../../domain/instant.ts';
import type { PodSummary, Workload } from '../../domain/observe.ts';
import { AppError } from '../../errors.ts';
import type { KubeClient } from './client.ts';
import type { Limit } from './limit.ts';
import { type PodObject, podSchema, read, readItems, tableSchema } from './schema.ts';
import { parseAge } from './time.ts';

/** Asks for what `kubectl get pods` shows; the second form is for servers without tables. */
export const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

// The letters of Kubernetes' generated suffixes (apimachinery, util/rand): no vowels, no 0, 1, 3. So `-gateway` is none.
const SAFE = '[bcdfghjklmnpqrstvwxz2456789]';
const OWNERS: readonly [Workload['kind'], RegExp][] = [
  ['Deployment', new RegExp(`^(.+)-${SAFE}{6,10}-${SAFE}{5}$`)], // through its ReplicaSet
  ['StatefulSet', /^(.+)-\d{1,6}$/],
  ['DaemonSet', new RegExp(`^(.+)-${SAFE}{5}$`)],
];

/** The workload that a pod's name comes from, and its kind; the name itself where it comes from none. */
export function ownerOf(pod: string): { owner: string; kind: Workload['kind'] | undefined } {
  for (const [kind, pattern] of OWNERS) {
    const owner = pattern.exec(pod)?.[1];
    if (owner !== undefined) return { owner, kind };
  }
  return { owner: pod, kind: undefined };
}

/** Beyond this many namespaces a list for each costs more than it saves. */
const MANY = 200;
const NAMES_ONLY = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json';
const namespaceList = z.object({
  metadata: z.object({ continue: z.string().nullish() }).nullish(),
  items: z.array(z.object({ metadata: z.object({ name: z.string() }) })).min(1),
});

const isForbidden = (error: unknown): boolean => error instanceof AppError && error.code === 'FORBIDDEN';

/**
 * Sums of the pods of a namespace, or of all where it is null. A row of a table names no namespace unless it carries the object's metadata, and with
 * `managedFields` those are 25 times the row: so all namespaces are asked one by one, each without, where the credentials allow it and
 * they are not too many. Errors as for `KubernetesReader`.
 */
export async function summarizePods(
  client: KubeClient,
  namespace: string | null,
  now: Date,
  limit: Limit,
): Promise<PodSummary[]> {
  const names = namespace === null ? await namespacesOf(client, limit) : null;
  if (names === null) return tallied(client, namespace, now, limit);
  try {
    return (await Promise.all(names.map((name) => tallied(client, name, now, limit)))).flat();
  } catch (error) {
    // What is not allowed in one namespace may be for all; and if not, that is what is to be told.
    if (isForbidden(error)) return tallied(client, null, now, limit);
    throw error;
  }
}

/** null where they may not be listed, or are too many. */
async function namespacesOf(client: KubeClient, limit: Limit): Promise<string[] | null> {
  const spec = {
    path: '/api/v1/namespaces',
    subject: { verb: 'list', resource: 'namespaces', namespace: null },
    accept: NAMES_ONLY,
    query: { limit: String(MANY) },
  } as const;
  try {
    const list = namespaceList.safeParse(await client.get(spec, limit)).data;
    return list && !list.metadata?.continue ? list.items.map((item) => item.metadata.name) : null;
  } catch (error) {
    if (isForbidden(error)) return null;
    throw error;
  }
}

async function tallied(client: KubeClient, namespace: string | null, now: Date, limit: Limit): Promise<PodSummary[]> {
  const tally = new PodTally(now);
  const scope = namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  await client.pages(
    {
      path: `/api/v1${scope}/pods`,
      subject: { verb: 'list', resource: 'pods', namespace },
      accept: TABLE,
      query: { includeObject: namespace === null ? 'Metadata' : 'None' },
      onPage: (page) => tally.page(page, namespace),
      onRestart: () => tally.clear(),
    },
    limit,
  );
  return tally.summaries();
}

interface PodFacts {
  namespace: string;
  name: string;
  ready: boolean;
  status: string;
  restarts: number;
  /** Milliseconds since the epoch. */
  restarted_at: number | null;
}

/** Adds up pods as pages come in, so that only the groups stay in memory. */
class PodTally {
  #groups = new Map<string, PodSummary>();
  readonly #now: Date;

  constructor(now: Date) {
    this.#now = now;
  }

  clear(): void {
    this.#groups = new Map();
  }

  /** Takes one page, a Table or a list of pods. `namespace` is that of the request; null when it asked for all. */
  page(page: unknown, namespace: string | null): void {
    const facts =
      (page as { kind?: unknown } | null)?.kind === 'Table'
        ? this.#fromTable(page, namespace)
        : readItems(podSchema, page, 'pod').map((pod) => fromObject(pod));
    for (const pod of facts) this.#add(pod);
  }

  summaries(): PodSummary[] {
    return [...this.#groups.values()].filter((group) => group.pods > 0 || group.restarts > 0);
  }

  #fromTable(page: unknown, namespace: string | null): PodFacts[] {
    const table = read(tableSchema, page, 'a table of pods');
    const names = (table.columnDefinitions ?? []).map((column) => column.name);
    const at = (name: string): number => names.indexOf(name);
    const [name, ready, status, restarts] = [at('Name'), at('Ready'), at('Status'), at('Restarts')];
    return table.rows.map((row) => {
      const cell = (index: number): string => String(row.cells[index] ?? '');
      const [up, all] = cell(ready).split('/').map(Number);
      // `5`, `5 (2m ago)`
      const again = /^(\d+)(?: \((.+) ago\))?$/.exec(cell(restarts));
      const age = again?.[2] === undefined ? null : parseAge(again[2]);
      return {
        namespace: row.object?.metadata?.namespace || (namespace ?? ''),
        name: cell(name),
        ready: up === all && (up ?? 0) > 0,
        status: cell(status),
        restarts: Number(again?.[1] ?? 0),
        restarted_at: age === null ? null : this.#now.getTime() - age,
      };
    });
  }

  #add(pod: PodFacts): void {
    const { owner, kind } = ownerOf(pod.name);
    const key = `${pod.namespace}/${kind}/${owner}`;
    let group = this.#groups.get(key);
    if (!group) {
      group = {
        namespace: pod.namespace,
        owner,
        kind,
        pods: 0,
        ready: 0,
        restarts: 0,
        last_restart_at: null,
        problems: {},
      };
      this.#groups.set(key, group);
    }
    group.restarts += pod.restarts;
    if (pod.restarted_at !== null) {
      const instant = toInstant(new Date(pod.restarted_at));
      if (group.last_restart_at === null || instant > group.last_restart_at) group.last_restart_at = instant;
    }
    // A finished pod of a job is neither running nor lacking.
    if (pod.status === 'Completed' || pod.status === 'Succeeded') return;
    group.pods += 1;
    if (pod.ready) group.ready += 1;
    if (pod.status !== 'Running') group.problems[pod.status] = (group.problems[pod.status] ?? 0) + 1;
  }
}

/** What the table would say, from the object. */
function fromObject({ metadata, status }: PodObject): PodFacts {
  const containers = status.containerStatuses ?? [];
  const ended = containers
    .map((c) => Date.parse(c.lastState?.terminated?.finishedAt ?? ''))
    .filter((ms) => !Number.isNaN(ms));
  const reasons = containers.flatMap(({ state }) => state?.waiting?.reason ?? state?.terminated?.reason ?? []);
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    ready: containers.length > 0 && containers.every((c) => c.ready),
    status: metadata.deletionTimestamp ? 'Terminating' : (reasons.at(-1) ?? status.reason ?? status.phase),
    restarts: containers.reduce((sum, c) => sum + c.restartCount, 0),
    restarted_at: ended.length > 0 ? Math.max(...ended) : null,
  };
}
