import { shortInstant, toInstant } from '../../domain/instant.ts';
import type { KubeEvent, Workload } from '../../domain/observe.ts';
import { AppError, conflict, invalidInput } from '../../errors.ts';
import type { KubernetesActuator, KubernetesReader, ReadOptions } from '../../ports/kubernetes.ts';
import { type AccessOptions, createAccess } from './access.ts';
import { createClient, type GetSpec, orElse, type PagesSpec } from './client.ts';
import { newestFirst, toEvent } from './events.ts';
import { createInspector, type Inspector } from './inspector.ts';
import { interferersOf } from './interferers.ts';
import { checkNamespace } from './names.ts';
import { allowedParts } from './parts.ts';
import { summarizePods } from './pods.ts';
import { rehearse } from './rehearse.ts';
import { eventSchema, read, readItems, workloadSchema } from './schema.ts';
import { KINDS, RESTARTED_AT, toWorkload, workloadPath, workloadSubject } from './workloads.ts';

export type { AccessAnswer, AccessQuestion, Inspector } from './inspector.ts';
export type KubernetesOptions = AccessOptions;

/** Raw requests for the adapter of Helm, whose records live in the cluster. Errors as for `KubernetesReader`. */
export interface KubernetesApi {
  get(spec: GetSpec, options: ReadOptions): Promise<unknown>;
  pages(spec: PagesSpec, options: ReadOptions): Promise<void>;
  /** The context in use, resolved; null inside a cluster, where there is none. Does not touch the network. */
  context(): Promise<string | null>;
}

const FIELD_MANAGER = 'incident-mcp';

const unconditionalScale = (replicas: number) => ({
  type: 'application/merge-patch+json',
  body: { spec: { replicas } },
});

/** RFC 6902: where a test fails nothing is applied. The scale subresource heeds neither a uid nor old replicas in other patches. */
const conditionalScale = (replicas: number, only_if: { uid: string; replicas?: number }) => ({
  type: 'application/json-patch+json',
  body: [
    { op: 'test', path: '/metadata/uid', value: only_if.uid },
    ...(only_if.replicas === undefined ? [] : [{ op: 'test', path: '/spec/replicas', value: only_if.replicas }]),
    { op: 'add', path: '/spec/replicas', value: replicas },
  ],
});

const isInvalid = (error: unknown): error is AppError => error instanceof AppError && error.code === 'INVALID_INPUT';

/** The API server answers a condition that does not hold with 422 and words that do not tell it. */
const moved = (kind: Workload['kind'], name: string): AppError =>
  conflict(
    `${kind} ${name} is not what it was a moment ago: another object of that name, or other replicas.`,
    'look at it again.',
  );

export interface Kubernetes {
  reader: KubernetesReader;
  actuator: KubernetesActuator;
  api: KubernetesApi;
  inspector: Inspector;
}

/** One cluster through one context. Nothing is read and nothing is loaded before the first call. */
export function createKubernetes(options: KubernetesOptions): Kubernetes {
  const access = createAccess(options);
  const client = createClient(access);
  const now = (): Date => options.clock?.now() ?? new Date();
  /** null stands for all namespaces. */
  const scopes = (namespaces: readonly string[]): (string | null)[] =>
    namespaces.length === 0 ? [null] : [...new Set(namespaces)].map(checkNamespace);
  const core = (namespace: string | null, plural: string): string =>
    `/api/v1${namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`}/${plural}`;

  const reader: KubernetesReader = {
    async cluster() {
      const { context, server } = await access.load();
      // Rancher and others tell their clusters apart by the path.
      return `${context ?? 'in-cluster'} (${server.origin}${server.pathname.replace(/\/$/, '')})`;
    },

    async listWorkloads(namespaces, readOptions) {
      const wanted = scopes(namespaces).flatMap((namespace) => KINDS.map((kind) => ({ namespace, kind })));
      const limit = await client.limit(readOptions);
      const lists = await allowedParts(
        wanted.map(async ({ namespace, kind }) => {
          let found: Workload[] = [];
          const onPage = (page: unknown): void => {
            for (const item of readItems(workloadSchema, page, kind)) found.push(toWorkload(kind, item));
          };
          const onRestart = (): void => {
            found = [];
          };
          const subject = workloadSubject('list', kind, namespace);
          // A page of whole objects is taken apart in one go: of all namespaces they would be the largest thing in memory.
          const page = namespace === null ? { page: 200 } : {};
          await client.pages({ path: workloadPath(kind, namespace), subject, ...page, onPage, onRestart }, limit);
          return found;
        }),
        readOptions,
      );
      return lists.flat();
    },

    async summarizePods(namespaces, readOptions) {
      const wanted = scopes(namespaces);
      const limit = await client.limit(readOptions);
      const tallies = await allowedParts(
        wanted.map((namespace) => summarizePods(client, namespace, now(), limit)),
        readOptions,
      );
      return tallies.flat();
    },

    async listWarnings(namespaces, count, readOptions) {
      const wanted = scopes(namespaces);
      const limit = await client.limit(readOptions);
      const lists = await allowedParts(
        wanted.map(async (namespace) => {
          let found: KubeEvent[] = [];
          await client.pages(
            {
              path: core(namespace, 'events'),
              subject: { verb: 'list', resource: 'events', namespace },
              query: { fieldSelector: 'type=Warning' },
              onPage: (page) => {
                const warnings = readItems(eventSchema, page, 'event').filter((event) => event.type === 'Warning');
                found = [...found, ...warnings.map(toEvent)].sort(newestFirst).slice(0, count);
              },
              onRestart: () => {
                found = [];
              },
            },
            limit,
          );
          return found;
        }),
        readOptions,
      );
      return lists.flat().sort(newestFirst).slice(0, count);
    },

    async getWorkload(namespace, kind, name, readOptions) {
      const path = workloadPath(kind, namespace, name);
      const limit = await client.limit(readOptions);
      const object = client.get({ path, subject: workloadSubject('get', kind, namespace, name) }, limit);
      const found = await orElse(object, ['NOT_FOUND'], null);
      return found === null ? null : toWorkload(kind, read(workloadSchema, found, `a ${kind}`));
    },

    async interferers(workload, readOptions) {
      return interferersOf(client, workload, await client.limit(readOptions));
    },

    async rehearse(release, steps, readOptions) {
      return rehearse(client, release, steps, await client.limit(readOptions));
    },
  };

  const actuator: KubernetesActuator = {
    async restart(namespace, kind, name, at, { only_if, ...readOptions }) {
      const path = workloadPath(kind, namespace, name);
      const limit = await client.limit(readOptions);
      // What `kubectl rollout restart` writes: RFC 3339 with seconds.
      const annotations = { [RESTARTED_AT]: shortInstant(toInstant(at)) };
      const order = client.patch(
        {
          path,
          query: { fieldManager: FIELD_MANAGER },
          subject: workloadSubject('patch', kind, namespace, name),
          type: 'application/strategic-merge-patch+json',
          // A uid in a patch is a condition: the server refuses it for another object of that name.
          body: {
            ...(only_if ? { metadata: { uid: only_if.uid } } : {}),
            spec: { template: { metadata: { annotations } } },
          },
        },
        limit,
      );
      const answer = await order.catch((error: unknown) => {
        throw only_if && isInvalid(error) && error.message.includes('metadata.uid') ? moved(kind, name) : error;
      });
      return read(workloadSchema, answer, `a ${kind}`).metadata.generation;
    },

    async scale(namespace, kind, name, replicas, { only_if, ...readOptions }) {
      if (kind === 'DaemonSet')
        throw invalidInput(`a DaemonSet has no replicas to scale (${name}).`, 'restart it instead.');
      if (!Number.isInteger(replicas) || replicas < 0 || replicas > 10_000) {
        throw invalidInput(`${replicas} is not a number of replicas.`, 'give a whole number from 0 to 10000.');
      }
      const path = `${workloadPath(kind, namespace, name)}/scale`;
      const limit = await client.limit(readOptions);
      const order = client.patch(
        {
          path,
          query: { fieldManager: FIELD_MANAGER },
          subject: workloadSubject('patch', kind, namespace, name, '/scale'),
          ...(only_if ? conditionalScale(replicas, only_if) : unconditionalScale(replicas)),
        },
        limit,
      );
      await order.catch((error: unknown) => {
        throw only_if && isInvalid(error) ? moved(kind, name) : error;
      });
    },
  };

  return {
    reader,
    actuator,
    api: {
      get: async (spec, readOptions) => client.get(spec, await client.limit(readOptions)),
      pages: async (spec, readOptions) => client.pages(spec, await client.limit(readOptions)),
      context: async () => (await access.load()).context,
    },
    inspector: createInspector(client),
  };
}
