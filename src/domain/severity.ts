/** Severity levels, worst first. Source: the runbook's severity matrix. */
export const SEVERITIES = ['SEV1', 'SEV2', 'SEV3', 'SEV4'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** How long until the first response by a human is due. */
export type ResponseTime = { kind: 'immediate' } | { kind: 'within'; ms: number } | { kind: 'next_business_day' };

/** One row of the severity matrix. */
export interface MatrixRow {
  severity: Severity;
  description: string;
  response: ResponseTime;
  /** As written in the runbook: `immediate`, `15m`, `1h`, `next_business_day`. */
  response_text: string;
  examples: string[];
}

/** -1 when `a` is worse than `b`, 0 when equal, 1 when milder. */
export const compareSeverity = (a: Severity, b: Severity): number =>
  Math.sign(SEVERITIES.indexOf(a) - SEVERITIES.indexOf(b));

/** The worse of two: in doubt take the higher severity. */
export const worse = (a: Severity, b: Severity): Severity => (compareSeverity(a, b) <= 0 ? a : b);
