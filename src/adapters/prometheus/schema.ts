import { z } from 'zod';

/** https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview */

const sample = z.tuple([z.number(), z.string()]);

const vector = z.object({
  resultType: z.literal('vector'),
  // A native histogram has `histogram` in place of `value`.
  result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: sample.optional() })),
});

const scalar = z.object({ resultType: z.literal('scalar'), result: sample });

/** What a query can also give and no figure can be taken from: a range vector and a string. */
const matrix = z.object({ resultType: z.literal('matrix') });
const text = z.object({ resultType: z.literal('string') });

export const successSchema = z.object({
  status: z.literal('success'),
  data: z.discriminatedUnion('resultType', [vector, scalar, matrix, text]),
});

export const errorSchema = z.object({
  status: z.literal('error'),
  errorType: z.string().default('unknown'),
  error: z.string().default(''),
});
