import { z } from 'zod';

/** What health endpoints commonly say of themselves; every part is optional. */
const words = z.union([z.string(), z.object({ message: z.string() }).transform(({ message }) => message)]);

export const healthBodySchema = z.object({
  error: words.optional().catch(undefined),
  message: words.optional().catch(undefined),
  status: words.optional().catch(undefined),
});
