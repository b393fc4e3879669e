import type { z } from 'zod';
import type { Workload } from '../../domain/observe.ts';
import { AppError } from '../../errors.ts';
import { type KubeClient, orElse } from './client.ts';
import type { Limit } from './limit.ts';
import { checkNamespace } from './names.ts';
import { autoscalerSchema, disruptionBudgetSchema, read, readItems, workloadSchema } from './schema.ts';
import { workloadPath, workloadSubject } from './workloads.ts';

/** What else holds on to a workload, in words for a warning; what may not be read is said too. */
export async function interferersOf(client: KubeClient, workload: Workload, limit: Limit): Promise<string[]> {
  const { kind, namespace, name } = workload;
  checkNamespace(namespace);
  const words: string[] = [];
  const list = async (path: string, resource: string, what: string): Promise<unknown> => {
    try {
      return await client.get({ path: `/apis/${path}`, subject: { verb: 'list', resource, namespace } }, limit);
    } catch (error) {
      if (!(error instanceof AppError) || (error.code !== 'FORBIDDEN' && error.code !== 'NOT_FOUND')) throw error;
      if (error.code === 'FORBIDDEN')
        words.push(
          `Whether a ${what} holds on to ${kind} ${name} is unknown: not allowed to list ${resource} in namespace ${namespace} (docs/rbac).`,
        );
      return { items: [] };
    }
  };
  const spaced = `namespaces/${encodeURIComponent(namespace)}`;
  const [autoscalers, budgets, object] = await Promise.all([
    list(
      `autoscaling/v2/${spaced}/horizontalpodautoscalers`,
      'horizontalpodautoscalers.autoscaling',
      'HorizontalPodAutoscaler',
    ),
    list(`policy/v1/${spaced}/poddisruptionbudgets`, 'poddisruptionbudgets.policy', 'PodDisruptionBudget'),
    // A budget selects by the pods' labels, which may differ from the workload's own.
    orElse(
      client.get(
        { path: workloadPath(kind, namespace, name), subject: workloadSubject('get', kind, namespace, name) },
        limit,
      ),
      ['FORBIDDEN', 'NOT_FOUND'],
      null,
    ),
  ]);
  const template = object === null ? null : read(workloadSchema, object, `a ${kind}`).spec.template.metadata;
  const labels = template?.labels ?? workload.labels;
  for (const { metadata, spec } of readItems(autoscalerSchema, autoscalers, 'HorizontalPodAutoscaler')) {
    if (spec.scaleTargetRef.kind !== kind || spec.scaleTargetRef.name !== name) continue;
    words.push(
      `HorizontalPodAutoscaler ${metadata.name} keeps ${kind} ${name} between ${spec.minReplicas ?? 1} and ${spec.maxReplicas} replicas: it may undo a change of its scale, and stands still only at 0.`,
    );
  }
  for (const { metadata, spec, status } of readItems(disruptionBudgetSchema, budgets, 'PodDisruptionBudget')) {
    if (!selects(spec.selector, labels)) continue;
    const rule =
      spec.minAvailable != null
        ? `at least ${spec.minAvailable} available`
        : `at most ${spec.maxUnavailable ?? 0} unavailable`;
    const allowed = status?.disruptionsAllowed;
    words.push(
      `PodDisruptionBudget ${metadata.name} asks for ${rule}${allowed == null ? '' : ` (${allowed} disruptions allowed now)`}; it guards ${kind} ${name} against evictions, not against this change.`,
    );
  }
  return words;
}

type Selector = z.output<typeof disruptionBudgetSchema>['spec']['selector'];

/** The rules of label selectors; an empty one selects everything, an absent one nothing (policy/v1). */
function selects(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  if (!selector) return false;
  for (const [key, value] of Object.entries(selector.matchLabels)) if (labels[key] !== value) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values }) => {
    const value = labels[key];
    const listed = value !== undefined && (values ?? []).includes(value);
    if (operator === 'In') return listed;
    if (operator === 'NotIn') return !listed;
    if (operator === 'Exists') return value !== undefined;
    return operator === 'DoesNotExist' && value === undefined;
  });
}
