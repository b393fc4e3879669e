import { z } from 'zod';

/**
 * Alertmanager API v2, `gettableAlerts`
 * (https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml). Only what is read; a part that is missing or
 * odd must not hide the alert, let alone the others.
 */
const labels = z.record(z.string(), z.string()).catch({});
const ids = z.array(z.string()).catch([]);

export const alertsSchema = z.array(
  z.object({
    labels,
    annotations: labels,
    startsAt: z.string().nullable().catch(null),
    status: z
      .object({ state: z.string().catch('active'), silencedBy: ids, inhibitedBy: ids, mutedBy: ids })
      .catch({ state: 'active', silencedBy: [], inhibitedBy: [], mutedBy: [] }),
  }),
);

export type ForeignAlert = z.infer<typeof alertsSchema>[number];

/** What comes with a 400: a string from Alertmanager, `message` from Grafana. */
export const refusalSchema = z.union([
  z.string().min(1),
  z.object({ message: z.string().min(1) }).transform(({ message }) => message),
]);
