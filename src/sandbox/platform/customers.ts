import type { Random } from '../random.ts';

export interface Customer {
  name: string;
  /** Agents the customer has installed. */
  agents: number;
  /** Version its agents run. */
  version: string;
  /** From 0 (first to be hit by trouble) to 1 (last), evenly spread. */
  rank: number;
  /** A number of its own in [0, 1), for figures that differ between customers. */
  spread: number;
}

const FIRST = [
  'amber',
  'birch',
  'cobalt',
  'delta',
  'ember',
  'fjord',
  'granite',
  'harbor',
  'indigo',
  'juniper',
] as const;
const LAST = [
  'analytics',
  'foods',
  'freight',
  'health',
  'insurance',
  'labs',
  'media',
  'motors',
  'retail',
  'robotics',
] as const;
const COUNT = 40;
const AGENT_VERSIONS = ['3.2.1', '3.2.1', '3.2.1', '3.2.0', '3.1.2'] as const;

/** Forty made-up customers with about 1,500 agents together. */
export function createCustomers(random: Random): Customer[] {
  const names = FIRST.flatMap((first) => LAST.map((last) => `${first}-${last}`));
  for (let i = names.length - 1; i > 0; i--) {
    const j = random.int(0, i);
    [names[i], names[j]] = [names[j] ?? '', names[i] ?? ''];
  }
  const ranks = Array.from({ length: COUNT }, (_, i) => i / COUNT);
  return names
    .slice(0, COUNT)
    .map((name) => ({
      name,
      agents: random.int(12, 63),
      version: random.pick(AGENT_VERSIONS),
      rank: ranks.splice(random.int(0, ranks.length - 1), 1)[0] ?? 0,
      spread: random.next(),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
