import { z } from 'zod';
import { unavailable } from '../../errors.ts';

/** The parts of the API's objects that are read. Unknown fields are dropped, managedFields among them. */

const count = z
  .number()
  .int()
  .nullish()
  .transform((n) => n ?? 0);
const strings = z
  .record(z.string(), z.string())
  .nullish()
  .transform((map) => map ?? {});

export const metaSchema = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  uid: z.string().default(''),
  generation: count,
  creationTimestamp: z.string().nullish(),
  deletionTimestamp: z.string().nullish(),
  labels: strings,
  annotations: strings,
});

const condition = z.object({ type: z.string(), status: z.string(), reason: z.string().nullish() });
const replicas = { replicas: z.number().int().nullish(), paused: z.boolean().nullish() };
const strategy = z
  .object({ type: z.string().nullish(), rollingUpdate: z.object({ partition: count }).nullish() })
  .nullish();
export const workloadSchema = z.object({
  metadata: metaSchema,
  spec: z.object({
    ...replicas,
    /** Of a Deployment; of a StatefulSet or DaemonSet it is `updateStrategy`. */
    strategy,
    updateStrategy: strategy,
    persistentVolumeClaimRetentionPolicy: z.object({ whenScaled: z.string().nullish() }).nullish(),
    template: z.object({
      metadata: z.object({ labels: strings, annotations: strings }).nullish(),
      spec: z.object({ containers: z.array(z.object({ image: z.string().nullish() })) }),
    }),
  }),
  status: z
    .object({
      observedGeneration: count,
      replicas: count,
      currentNumberScheduled: count,
      readyReplicas: count,
      updatedReplicas: count,
      availableReplicas: count,
      desiredNumberScheduled: count,
      numberReady: count,
      updatedNumberScheduled: count,
      numberAvailable: count,
      conditions: z.array(condition).nullish(),
    })
    .prefault({}),
});
export type WorkloadObject = z.output<typeof workloadSchema>;

const containerStatus = z.object({
  ready: z.boolean().default(false),
  restartCount: count,
  state: z
    .object({
      waiting: z.object({ reason: z.string().nullish() }).nullish(),
      terminated: z.object({ reason: z.string().nullish() }).nullish(),
    })
    .nullish(),
  lastState: z.object({ terminated: z.object({ finishedAt: z.string().nullish() }).nullish() }).nullish(),
});
export const podSchema = z.object({
  metadata: metaSchema,
  status: z
    .object({
      phase: z.string().default('Unknown'),
      reason: z.string().nullish(),
      containerStatuses: z.array(containerStatus).nullish(),
    })
    .prefault({}),
});
export type PodObject = z.output<typeof podSchema>;

export const tableSchema = z.object({
  kind: z.literal('Table'),
  columnDefinitions: z.array(z.object({ name: z.string() })).nullish(),
  rows: z
    .array(
      z.object({
        cells: z.array(z.unknown()),
        object: z.object({ metadata: z.object({ namespace: z.string().default('') }).nullish() }).nullish(),
      }),
    )
    .nullish()
    .transform((rows) => rows ?? []),
});

export const eventSchema = z.object({
  metadata: metaSchema,
  type: z.string().nullish(),
  reason: z.string().nullish(),
  message: z.string().nullish(),
  count: z.number().int().nullish(),
  involvedObject: z.object({ kind: z.string().nullish(), name: z.string().nullish() }).nullish(),
  lastTimestamp: z.string().nullish(),
  eventTime: z.string().nullish(),
  series: z.object({ count: z.number().int().nullish(), lastObservedTime: z.string().nullish() }).nullish(),
});
export type EventObject = z.output<typeof eventSchema>;

export const autoscalerSchema = z.object({
  metadata: metaSchema,
  spec: z.object({
    scaleTargetRef: z.object({ kind: z.string(), name: z.string() }),
    minReplicas: z.number().int().nullish(),
    maxReplicas: z.number().int(),
  }),
});

const intOrString = z.union([z.number(), z.string()]).nullish();
export const disruptionBudgetSchema = z.object({
  metadata: metaSchema,
  spec: z.object({
    minAvailable: intOrString,
    maxUnavailable: intOrString,
    selector: z
      .object({
        matchLabels: strings,
        matchExpressions: z
          .array(z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()).nullish() }))
          .nullish(),
      })
      .nullish(),
  }),
  status: z.object({ disruptionsAllowed: z.number().int().nullish() }).nullish(),
});

/** authorization.k8s.io/v1, SelfSubjectAccessReview: `allowed` is all that must be there. */
export const accessReviewSchema = z.object({
  status: z.object({ allowed: z.boolean(), evaluationError: z.string().nullish() }),
});

export const versionSchema = z.object({ gitVersion: z.string() });

const listSchema = z.object({ items: z.array(z.unknown()).nullish() });

/** One thing of the API, or `UNAVAILABLE` that names what it should have been. */
export function read<T extends z.ZodType>(schema: T, value: unknown, what: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw unavailable(
    `the Kubernetes API server sent something that is not ${what}.`,
    'check that the server of the kubeconfig is a Kubernetes API server.',
  );
}

/** The items of a list. */
export function readItems<T extends z.ZodType>(schema: T, page: unknown, what: string): z.output<T>[] {
  return (read(listSchema, page, `a list of ${what}s`).items ?? []).map((item) => read(schema, item, `a ${what}`));
}
