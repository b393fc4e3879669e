import type { z } from 'zod';
import type { CustomerAgents } from '../../domain/observe.ts';
import { oneLine } from '../../domain/text.ts';
import { unavailable } from '../../errors.ts';
import type { FleetPort } from '../../ports/signals.ts';
import { unexpectedShape } from '../http/describe.ts';
import { fetchJson, type HttpAuth } from '../http/index.ts';
import { customerSchema, fleetSchema, versionSchema } from './schema.ts';

export interface JsonFleetSettings {
  /** Answers `{customers: [{customer, agents_expected, agents_connected, error_ratio?}], versions?: [{version, agents}]}`. */
  url: string;
  auth?: HttpAuth | undefined;
  ca?: string | undefined;
}

function rows<T>(values: readonly unknown[], schema: z.ZodType<T>): { good: T[]; bad: number } {
  const good = values.flatMap((value) => {
    const parsed = schema.safeParse(value);
    return parsed.success ? [parsed.data] : [];
  });
  return { good, bad: values.length - good.length };
}

/** The fleet from a JSON endpoint. Rows that cannot be read, or name a customer again, are gaps and not guessed. */
export function createJsonFleet(settings: JsonFleetSettings): FleetPort {
  return {
    async read(options) {
      const { json } = await fetchJson({ ...settings, deadline_ms: options.deadline_ms, signal: options.signal });
      const parsed = fleetSchema.safeParse(json);
      if (!parsed.success) throw unexpectedShape('The fleet endpoint', parsed.error);
      const customers = rows(parsed.data.customers, customerSchema);
      const versions = rows(parsed.data.versions ?? [], versionSchema);
      if (customers.good.length === 0 && customers.bad > 0) {
        throw unavailable(
          'The fleet endpoint answered customers that cannot be read.',
          'give customer, agents_expected and agents_connected in each row.',
        );
      }
      const byName = new Map<string, CustomerAgents>();
      let repeated = 0;
      for (const row of customers.good) {
        const customer = oneLine(row.customer, 200);
        if (byName.has(customer)) repeated += 1;
        else {
          byName.set(customer, {
            customer,
            expected: row.agents_expected ?? null,
            connected: row.agents_connected ?? null,
            error_ratio: row.error_ratio ?? null,
          });
        }
      }
      const gaps: string[] = [];
      if (customers.bad > 0) gaps.push(`customers: ${customers.bad} rows that cannot be read left out`);
      if (repeated > 0) gaps.push(`customers: ${repeated} rows that name a customer again left out`);
      if (versions.bad > 0) gaps.push(`agent versions: ${versions.bad} rows that cannot be read left out`);
      return {
        customers: [...byName.values()].sort((a, b) => (a.customer < b.customer ? -1 : 1)),
        versions: versions.good
          .map(({ version, agents }) => ({ version: oneLine(version, 200), agents }))
          .sort((a, b) => b.agents - a.agents || (a.version < b.version ? -1 : 1)),
        gaps,
      };
    },
  };
}
