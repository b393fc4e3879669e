import type { CustomerAgents, FleetReading } from '../../domain/observe.ts';
import { AppError } from '../../errors.ts';
import type { FleetPort } from '../../ports/signals.ts';
import { byLabel, createInstantQuery, nameFrom, type PrometheusServer, type Sample } from '../prometheus/index.ts';

export interface PrometheusFleetSettings extends PrometheusServer {
  /**
   * PromQL with `$environment`: agents expected and connected by the label `customer`, agents by the label `version`, and the
   * error ratio (0..1) of impaired customers by the label `customer`.
   */
  queries: { expected: string; connected: string; versions: string; impaired: string };
}

type Part = keyof PrometheusFleetSettings['queries'];

const PARTS: Readonly<Record<Part, { words: string; label: string; neverEmpty: boolean }>> = {
  expected: { words: 'agents expected', label: 'customer', neverEmpty: true },
  connected: { words: 'agents connected', label: 'customer', neverEmpty: true },
  versions: { words: 'agent versions', label: 'version', neverEmpty: false },
  // Nobody impaired is the good case.
  impaired: { words: 'impaired customers', label: 'customer', neverEmpty: false },
};
const NAMES = Object.keys(PARTS) as Part[];

function gapsIn(part: Part, samples: readonly Sample[]): string[] {
  const { words, label, neverEmpty } = PARTS[part];
  const names = samples.map((sample) => nameFrom(sample, label)).filter((name) => name !== null);
  const unnamed = samples.length - names.length;
  const again = names.length - new Set(names).size;
  if (neverEmpty && samples.length === 0) return [`${words}: no series`];
  return [
    ...(unnamed > 0 ? [`${words}: ${unnamed} series without the label ${label} left out`] : []),
    // Whether they are parts or copies cannot be told, so they are not added up.
    ...(again > 0
      ? [`${words}: ${again} series name a ${label} again, of which the highest counts; sum by (${label}) in the query`]
      : []),
  ];
}

const reasonOf = (error: unknown): string => (error instanceof AppError ? error.message : 'the query failed');

function customersOf(figures: Readonly<Record<Part, Map<string, number>>>): CustomerAgents[] {
  const { expected, connected, impaired } = figures;
  const names = new Set([...expected.keys(), ...connected.keys(), ...impaired.keys()]);
  return [...names].sort().map((customer) => ({
    customer,
    expected: expected.get(customer) ?? null,
    connected: connected.get(customer) ?? null,
    error_ratio: impaired.get(customer) ?? null,
  }));
}

/** The fleet from Prometheus. A part that fails is a gap; when all fail, the first error is thrown. */
export function createPrometheusFleet(settings: PrometheusFleetSettings): FleetPort {
  const query = createInstantQuery(settings);
  return {
    async read(options): Promise<FleetReading> {
      const answers = await Promise.allSettled(
        NAMES.map((part) => query(settings.queries[part], options, undefined, part)),
      );
      const first = answers[0];
      if (first?.status === 'rejected' && answers.every(({ status }) => status === 'rejected')) throw first.reason;
      const gaps: string[] = [];
      const figures = { expected: new Map(), connected: new Map(), versions: new Map(), impaired: new Map() } as Record<
        Part,
        Map<string, number>
      >;
      NAMES.forEach((part, index) => {
        const answer = answers[index];
        if (answer?.status === 'fulfilled') {
          gaps.push(...gapsIn(part, answer.value));
          figures[part] = byLabel(answer.value, PARTS[part].label);
        } else {
          gaps.push(`${PARTS[part].words}: ${reasonOf(answer?.reason)}`);
        }
      });
      const versions = [...figures.versions].map(([version, agents]) => ({ version, agents }));
      versions.sort((a, b) => b.agents - a.agents || (a.version < b.version ? -1 : 1));
      return { customers: customersOf(figures), versions, gaps };
    },
  };
}
