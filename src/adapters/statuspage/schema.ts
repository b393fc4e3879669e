import { z } from 'zod';

/** Atlassian Statuspage v2 `summary.json`: its `incidents` are the unresolved ones. */
export const summarySchema = z.object({
  status: z.object({ indicator: z.string(), description: z.string().catch('') }),
  incidents: z
    .array(
      z.object({
        name: z.string().catch(''),
        status: z.string().catch(''),
        impact: z.string().catch(''),
        started_at: z.string().nullish().catch(null),
        created_at: z.string().nullish().catch(null),
      }),
    )
    .nullish()
    .catch(null),
});

export type Summary = z.infer<typeof summarySchema>;
