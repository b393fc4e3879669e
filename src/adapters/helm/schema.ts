import { z } from 'zod';

/** Helm's own record of a revision, as far as it is read. Source: helm.sh/helm, pkg/release and pkg/storage/driver. */

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform((map) => map ?? {});

export const secretMetaSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string().default(''),
    creationTimestamp: z.string().nullish(),
    labels,
  }),
});
export const metaListSchema = z.object({
  items: z
    .array(z.unknown())
    .nullish()
    .transform((items) => items ?? []),
});

/** The labels that the Secret driver sets; `version` is the revision. */
export const releaseLabelsSchema = z.object({
  owner: z.literal('helm'),
  name: z.string().min(1),
  status: z.string().default('unknown'),
  version: z.string().regex(/^\d{1,9}$/),
  createdAt: z.string().optional(),
  modifiedAt: z.string().optional(),
});

export const payloadSecretSchema = secretMetaSchema.extend({ data: z.object({ release: z.string() }) });

const file = z.object({ name: text, data: text });
export const recordSchema = z.object({
  name: z.string(),
  namespace: text,
  version: z.number().int(),
  info: z
    .object({
      last_deployed: text,
      // Set only by an uninstallation.
      deleted: text,
      description: text,
      status: text,
      // Helm 4 only.
      rollback_revision: z.number().int().nullish(),
    })
    .prefault({}),
  chart: z
    .object({
      metadata: z.object({ name: text, version: text, appVersion: text }).nullish(),
      files: z.array(file).nullish(),
    })
    .nullish(),
  config: z.record(z.string(), z.unknown()).nullish(),
  manifest: text,
  hooks: z.array(z.object({ name: text, kind: text, manifest: text, events: z.array(z.string()).nullish() })).nullish(),
});
export type HelmRecord = z.output<typeof recordSchema>;
