import { maskText } from '../../domain/mask.ts';
import { oneLine } from '../../domain/text.ts';
import type { ReadOptions } from '../../ports/kubernetes.ts';
import type { KubeClient } from './client.ts';
import { checkNamespace } from './names.ts';
import { rulesIn } from './rules.ts';
import { accessReviewSchema, read, versionSchema } from './schema.ts';

export interface AccessQuestion {
  verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';
  /** API group; empty for the core. */
  group: string;
  resource: string;
  subresource?: string;
  namespace: string;
}

export interface AccessAnswer extends AccessQuestion {
  allowed: boolean;
  /** Why the server could not tell; null where it could. */
  problem: string | null;
}

/** What a check of the set-up asks; no tool does. Errors as for `KubernetesReader`. */
export interface Inspector {
  /** Version and clock of the API server, and the milliseconds that the answer took. */
  server(options: ReadOptions): Promise<{ version: string; server_date: string | null; latency_ms: number }>;
  /**
   * Whether the credentials allow it, in the order of the questions: by SelfSubjectRulesReview, and by SelfSubjectAccessReview where that does not
   * tell all. Changes nothing.
   */
  canI(questions: readonly AccessQuestion[], options: ReadOptions): Promise<AccessAnswer[]>;
}

const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

export function createInspector(client: KubeClient): Inspector {
  return {
    async server(options) {
      const limit = await client.limit(options);
      const started = performance.now();
      const subject = { verb: 'get', resource: 'version', namespace: null } as const;
      const { json, server_date } = await client.dated({ path: '/version', subject }, limit);
      const { gitVersion } = read(versionSchema, json, 'a version');
      return { version: oneLine(gitVersion, 40), server_date, latency_ms: Math.round(performance.now() - started) };
    },

    async canI(questions, options) {
      const limit = await client.limit(options);
      const namespaces = [...new Set(questions.map(({ namespace }) => namespace))];
      const rules = new Map(
        await Promise.all(namespaces.map(async (name) => [name, await rulesIn(client, name, limit)] as const)),
      );
      return Promise.all(
        questions.map(async (question): Promise<AccessAnswer> => {
          const { verb, group, resource, subresource, namespace } = question;
          const known = rules.get(namespace);
          if (known?.allow(question)) return { ...question, allowed: true, problem: null };
          if (known?.complete) return { ...question, allowed: false, problem: null };
          const answer = await client.create(
            {
              path: REVIEWS,
              subject: {
                verb: 'create',
                resource: 'selfsubjectaccessreviews.authorization.k8s.io',
                namespace: checkNamespace(namespace),
              },
              body: {
                apiVersion: 'authorization.k8s.io/v1',
                kind: 'SelfSubjectAccessReview',
                spec: {
                  resourceAttributes: { namespace, verb, group, resource, ...(subresource ? { subresource } : {}) },
                },
              },
            },
            limit,
          );
          const { allowed, evaluationError } = read(accessReviewSchema, answer, 'an access review').status;
          // RBAC reports roles that it could not read beside a yes; only a no is put in doubt by that.
          const problem = !allowed && evaluationError ? oneLine(maskText(evaluationError), 200) : null;
          return { ...question, allowed, problem };
        }),
      );
    },
  };
}
