import type { Severity } from './domain/severity.ts';

/** Defaults that are data of the shipped platform: its metrics' names and its runbook's matrix. A configuration replaces each of them. */

const environmentLabel = 'environment="$environment"';
const requests = `pulsestream_http_requests_total{${environmentLabel}`;
export const DEFAULT_QUERIES = {
  // A service that never failed has no series of failures: `or 0 *` makes its error rate 0, and leaves it absent where nobody asks.
  error_rate: `(sum by (service) (rate(${requests},code=~"5.."}[5m])) or 0 * sum by (service) (rate(${requests}}[5m]))) / sum by (service) (rate(${requests}}[5m]))`,
  latency_p95: `histogram_quantile(0.95, sum by (le, service) (rate(pulsestream_http_request_duration_seconds_bucket{${environmentLabel}}[5m])))`,
  queue_depth: `sum(pulsestream_analysis_queue_depth{${environmentLabel}})`,
  queue_oldest: `max(pulsestream_analysis_queue_oldest_seconds{${environmentLabel}})`,
} as const;
export const DEFAULT_FLEET_QUERIES = {
  expected: `sum by (customer) (pulsestream_agents_expected{${environmentLabel}})`,
  connected: `sum by (customer) (pulsestream_agents_connected{${environmentLabel}})`,
  versions: `sum by (version) (pulsestream_agents_connected{${environmentLabel}})`,
  impaired: `max by (customer) (pulsestream_customer_error_ratio{${environmentLabel}}) > 0.05`,
} as const;

interface DefaultRow {
  severity: Severity;
  description: string;
  /** As the configuration writes it: `immediate`, `next_business_day`, or a duration. */
  response: string;
  examples: string[];
}

/** Source: the runbook, "Severity levels". */
export const DEFAULT_MATRIX: DefaultRow[] = [
  {
    severity: 'SEV1',
    description: 'platform down, all customers affected',
    response: 'immediate',
    examples: ['database outage', 'control plane crash'],
  },
  {
    severity: 'SEV2',
    description: 'major degradation, many customers affected',
    response: '15m',
    examples: ['analysis engine failures', 'agent disconnects at scale'],
  },
  {
    severity: 'SEV3',
    description: 'partial degradation, some customers affected',
    response: '1h',
    examples: ['single-tenant issues', 'intermittent errors'],
  },
  {
    severity: 'SEV4',
    description: 'minor issue, workaround available',
    response: 'next_business_day',
    examples: ['UI glitches', 'non-critical feature broken'],
  },
];
