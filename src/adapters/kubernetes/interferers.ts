import type { z } from 'zod';
import type { Workload } from '../../domain/observe.ts';
import { type KubeClient, orElse } from './client.ts';
import type { Limit } from './limit.ts';
import { checkNamespace } from './names.ts';
import { autoscalerSchema, disruptionBudgetSchema, read, readItems, workloadSchema } from './schema.ts';
import { workloadPath, workloadSubject } from './workloads.ts';

/** What else holds on to a workload, in words for a warning. What is not there or not readable is left out. */
export async function interferersOf(client: KubeClient, workload: Workload, limit: Limit): Promise<string[]> {
  const { kind, namespace, name } = workload;
  checkNamespace(namespace);
  const list = (path: string, resource: string): Promise<unknown> =>
    orElse(
      client.get({ path: `/apis/${path}`, subject: { verb: 'list', resource, namespace } }, limit),
      ['FORBIDDEN', 'NOT_FOUND'],
      { items: [] },
    );
  const spaced = `namespaces/${encodeURIComponent(namespace)}`;
  const [autoscalers, budgets, object] = await Promise.all([
    list(`autoscaling/v2/${spaced}/horizontalpodautoscalers`, 'horizontalpodautoscalers.autoscaling'),
    list(`policy/v1/${spaced}/poddisruptionbudgets`, 'poddisruptionbudgets.policy'),
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
  const words: string[] = [];
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
