import { z } from 'zod';

/** The JSON endpoint of a fleet: one row a customer, and agents by version. Rows are checked one by one. */
export const fleetSchema = z.object({
  customers: z.array(z.unknown()),
  versions: z.array(z.unknown()).nullish(),
});

const count = z.number().nonnegative().nullish();

export const customerSchema = z.object({
  customer: z.string().min(1),
  agents_expected: count,
  agents_connected: count,
  error_ratio: z.number().min(0).max(1).nullish(),
});

export const versionSchema = z.object({ version: z.string().min(1), agents: z.number().nonnegative() });
