import { AppError, notConfigured } from '../../errors.ts';
import type { ReleaseRef, UnseenRelease } from '../../ports/helm.ts';
import type { ReadOptions } from '../../ports/kubernetes.ts';
import type { KubernetesApi } from '../kubernetes/index.ts';
import { keptInConfigMaps, type LabelledRevision, listRevisions } from './history.ts';

/** The history of exactly these releases by labels, a list a namespace, and those of which there is none, with the cause. */
export async function overviewOf(
  api: KubernetesApi,
  refs: readonly ReleaseRef[],
  within: () => ReadOptions,
): Promise<{ found: LabelledRevision[]; unseen: UnseenRelease[] }> {
  const byNamespace = new Map<string, string[]>();
  for (const { release, namespace } of refs) {
    const names = byNamespace.get(namespace);
    if (names) names.push(release);
    else byNamespace.set(namespace, [release]);
  }
  const refused: AppError[] = [];
  const parts = await Promise.all(
    [...byNamespace].map(async ([namespace, names]) => {
      try {
        const found = await listRevisions(api, namespace, names, within());
        const seen = new Set(found.map(({ revision }) => revision.release));
        const absent = [...new Set(names)].filter((name) => !seen.has(name));
        const kept = absent.length === 0 ? null : await keptInConfigMaps(api, namespace, absent, within());
        return { found, unseen: absent.map((release) => absence({ release, namespace }, kept)) };
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'FORBIDDEN') throw error;
        refused.push(error);
        const { message: reason, next } = error;
        return {
          found: [],
          unseen: names.map((release) => ({ release, namespace, cause: 'forbidden' as const, reason, next })),
        };
      }
    }),
  );
  if (refused[0] && refused.length === parts.length) throw refused[0];
  for (const error of refused) within().forbidden?.(error);
  return { found: parts.flatMap(({ found }) => found), unseen: parts.flatMap(({ unseen }) => unseen) };
}

function absence(ref: ReleaseRef, kept: ReadonlySet<string> | null): UnseenRelease {
  const { release, namespace } = ref;
  if (kept?.has(release)) {
    return {
      ...ref,
      cause: 'configmap',
      reason: 'Helm keeps its history in ConfigMaps (HELM_DRIVER=configmap), which is not supported.',
      next: `look with \`helm history ${release} -n ${namespace}\` under HELM_DRIVER=configmap.`,
    };
  }
  const where = kept === null ? 'in Secrets, and ConfigMaps could not be read' : 'in Secrets or ConfigMaps';
  const elsewhere = kept === null ? 'configmap, sql or memory' : 'sql or memory';
  return {
    ...ref,
    cause: 'none',
    reason: `it has no history ${where}: it is not installed there, or Helm keeps its history with HELM_DRIVER=${elsewhere}, which is not supported.`,
    next: `check the name, the namespace and the context (\`helm list -A\`); with another driver look with \`helm history ${release} -n ${namespace}\`.`,
  };
}

/** Throws `NOT_CONFIGURED` where Helm keeps its records in ConfigMaps: then an empty history would be a wrong answer. */
export async function refuseConfigMaps(
  api: KubernetesApi,
  namespaces: readonly (string | null)[],
  releases: readonly string[],
  options: ReadOptions,
): Promise<void> {
  await Promise.all(
    namespaces.map(async (namespace) => {
      const kept = await keptInConfigMaps(api, namespace, releases, options);
      if (!kept?.size) return;
      throw notConfigured(
        `Helm keeps its records ${namespace === null ? 'in this cluster' : `in namespace ${namespace}`} in ConfigMaps (HELM_DRIVER=configmap), which is not supported.`,
        'use the releases with the default driver (secret), or look with `helm history`.',
      );
    }),
  );
}
