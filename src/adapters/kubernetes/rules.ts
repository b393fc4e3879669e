import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { KubeClient } from './client.ts';
import type { Limit } from './limit.ts';
import { checkNamespace } from './names.ts';

const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
const words = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);
const rulesSchema = z.object({
  status: z.object({
    incomplete: z.boolean(),
    resourceRules: z.array(z.object({ verbs: words, apiGroups: words, resources: words, resourceNames: words })),
  }),
});

interface Asked {
  verb: string;
  group: string;
  resource: string;
  subresource?: string;
}

/** What the credentials may do in one namespace. */
export interface NamespaceRules {
  /** Whether these are all: an authorizer that is not RBAC may allow more without saying so. */
  complete: boolean;
  allow(question: Asked): boolean;
}

const covers = (list: readonly string[], ...words: string[]): boolean => [...words, '*'].some((w) => list.includes(w));

/** By SelfSubjectRulesReview, one request for a whole namespace; null where the server does not answer it. Throws `TIMEOUT`. */
export async function rulesIn(client: KubeClient, namespace: string, limit: Limit): Promise<NamespaceRules | null> {
  const spec = {
    path: REVIEWS,
    subject: {
      verb: 'create',
      resource: 'selfsubjectrulesreviews.authorization.k8s.io',
      namespace: checkNamespace(namespace),
    },
    body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } },
  } as const;
  const answer = await client.create(spec, limit).catch((error: unknown) => {
    if (error instanceof AppError && error.code !== 'TIMEOUT') return null;
    throw error;
  });
  const parsed = rulesSchema.safeParse(answer);
  if (!parsed.success) return null;
  const { incomplete, resourceRules } = parsed.data.status;
  return {
    complete: !incomplete,
    allow: ({ verb, group, resource, subresource }) =>
      resourceRules.some(
        (rule) =>
          rule.resourceNames.length === 0 &&
          covers(rule.verbs, verb) &&
          covers(rule.apiGroups, group) &&
          (subresource === undefined
            ? covers(rule.resources, resource)
            : covers(rule.resources, `${resource}/${subresource}`, `*/${subresource}`)),
      ),
  };
}
