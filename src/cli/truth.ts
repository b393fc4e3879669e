import { z } from 'zod';
import type { Truth } from '../domain/drill.ts';

const schema = z.looseObject({
  scenario: z.string(),
  cause: z.string(),
  severity: z.string(),
  right_move: z.object({ tool: z.string(), arguments: z.record(z.string(), z.unknown()) }).nullable(),
  recovered: z.boolean(),
  actions: z.array(z.object({ at: z.string(), kind: z.string(), target: z.string(), detail: z.unknown() })),
});

/** What a sandbox says about itself; only for the end of a demo or drill. */
export async function readTruth(url: string): Promise<Truth> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  return schema.parse(await answer.json());
}
