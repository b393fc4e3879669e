import type { FleetJudgement, Scope } from './fleet-rules.ts';
import type { HealthJudgement } from './health-rules.ts';
import type { Health } from './observe.ts';
import { compareSeverity, type MatrixRow, type Severity, worse } from './severity.ts';

export interface AssessInput {
  /** null where health was not read at all. */
  health: Pick<HealthJudgement, 'status' | 'reason' | 'components'> | null;
  /** null where the fleet was not read at all. */
  fleet:
    | (Pick<FleetJudgement, 'customers_total' | 'customers_affected' | 'affected_percent' | 'slo' | 'scope'> &
        Partial<Pick<FleetJudgement, 'customers_unknown'>>)
    | null;
  /** null where no provider is configured; `unknown` where its page could not be read. */
  llm: { provider: string; indicator: 'none' | 'minor' | 'major' | 'critical' | 'unknown' } | null;
  /** Whether people know a workaround; null when nobody said. */
  workaround: boolean | null;
  /** Configured sources that did not answer: what is judged is what the others tell. */
  unread?: readonly string[];
  matrix: readonly MatrixRow[];
}

/** The figures that the level rests on; null is unknown. */
export interface Evidence {
  health: Health | null;
  components_down: string[];
  components_degraded: string[];
  customers_total: number | null;
  customers_affected: number | null;
  affected_percent: number | null;
  scope: Scope | null;
  slo_current: number | null;
  slo_target: number | null;
  llm_indicator: string | null;
  workaround: boolean | null;
}

export interface Assessment {
  severity: Severity;
  row: MatrixRow | null;
  /** In the order of weight; says where there was doubt. */
  reasons: string[];
  evidence: Evidence;
  confidence: 'high' | 'medium' | 'low';
}

const SHOWN_NAMES = 10;

/**
 * The severity that the figures ask for, by the runbook's matrix: all customers affected is SEV1, many SEV2, some (or any
 * trouble that is seen) SEV3, nothing at all SEV4. In doubt the higher one, and it says so; an unknown source lowers the
 * certainty and never the level; a workaround lowers SEV3 to SEV4 and nothing else.
 */
export function assessSeverity(input: AssessInput): Assessment {
  const evidence = evidenceOf(input);
  const found: { level: Severity; reason: string }[] = [];
  const atLeast = (level: Severity, reason: string): void => {
    found.push({ level, reason });
  };
  const { scope, health } = evidence;
  const unread = input.unread ?? [];
  const healthUnknown = health === null || health === 'unknown';
  const count = `${evidence.customers_affected} of ${evidence.customers_total} customers (${evidence.affected_percent} %)`;

  if (scope === 'all') atLeast('SEV1', `all customers are affected: ${count}`);
  else if (scope === 'many') atLeast('SEV2', `many customers are affected: ${count}`);
  else if (scope === 'some') atLeast('SEV3', `some customers are affected: ${count}`);

  if (health === 'down') {
    if (scope === null)
      atLeast(
        'SEV1',
        `the platform is down (${input.health?.reason}) and how many customers feel it is unknown; in doubt the higher level`,
      );
    else if (scope !== 'all')
      atLeast(
        'SEV2',
        `the platform is down (${input.health?.reason}), though not all customers are affected; in doubt the higher level`,
      );
  } else if (evidence.components_down.length > 0 && scope === null) {
    atLeast(
      'SEV2',
      `${evidence.components_down.join(', ')} down and how many customers feel it is unknown; in doubt the higher level`,
    );
  } else if (health === 'degraded' && scope === null && unread.length > 0) {
    // Seen without the sources that would tell down from degraded and many customers from few.
    atLeast(
      mostlyTroubled(input) ? 'SEV1' : 'SEV2',
      `trouble is seen (${input.health?.reason}) and how many customers feel it is unknown; in doubt the higher level`,
    );
  } else if (health === 'degraded') {
    atLeast('SEV3', `partial degradation: ${input.health?.reason}`);
  }

  if (evidence.slo_current !== null && input.fleet?.slo.breached) {
    atLeast('SEV3', `the agent connectivity objective is missed: ${evidence.slo_current} of ${evidence.slo_target}`);
  }
  const indicator = input.llm?.indicator;
  if (indicator === 'minor' || indicator === 'major' || indicator === 'critical') {
    atLeast('SEV3', `the LLM provider ${input.llm?.provider} reports a ${indicator} outage`);
  }

  if (healthUnknown && scope === null && found.length === 0) {
    atLeast(
      'SEV2',
      'neither health nor fleet could be read, which may itself be the outage; in doubt the higher level: ask what customers see',
    );
  } else if ((healthUnknown || scope === null) && found.length === 0) {
    const what = healthUnknown ? 'health is unknown' : 'how many customers are affected is unknown';
    atLeast('SEV3', `no trouble is seen, but ${what}; in doubt the higher level`);
  }
  const asked = found.reduce<Severity>((worst, { level }) => worse(worst, level), 'SEV4');
  const severity = asked === 'SEV3' && input.workaround === true ? 'SEV4' : asked;
  const reasons = [...found].sort((a, b) => compareSeverity(a.level, b.level)).map((f) => `${f.level}: ${f.reason}`);
  if (found.length === 0) reasons.push('SEV4: no customer is affected and all signals are green');
  if (severity !== asked) reasons.push(`${severity}: a workaround is available`);
  else if (asked === 'SEV3' && input.workaround === null)
    reasons.push('with a workaround it would be SEV4; nobody said that there is one');
  else if (asked !== 'SEV4' && input.workaround === true) reasons.push(`a workaround does not lower ${asked}`);
  const unseen = input.fleet?.customers_unknown ?? 0;
  if (unseen > 0 && scope !== 'all')
    reasons.push(`less sure: of ${unseen} customers it is unknown whether they are affected; it may be more`);
  if (unread.length > 0) reasons.push(`less sure: ${unread.join(', ')} could not be read`);
  return {
    severity,
    row: input.matrix.find((row) => row.severity === severity) ?? null,
    reasons,
    evidence,
    confidence: confidenceOf(
      healthUnknown,
      scope === null,
      indicator === 'unknown' || unread.length > 0 || unseen > 0,
      severity,
      reasons,
    ),
  };
}

/** More than half of the components are in trouble, which is the sign of an outage and not of one bad part. */
const mostlyTroubled = ({ health }: AssessInput): boolean => {
  const components = health?.components ?? [];
  return components.filter((c) => c.status === 'down' || c.status === 'degraded').length * 2 > components.length;
};

function confidenceOf(
  health: boolean,
  fleet: boolean,
  other: boolean,
  severity: Severity,
  reasons: readonly string[],
): Assessment['confidence'] {
  const sure = reasons.some((r) => r.startsWith(severity) && !r.includes('in doubt'));
  if ((health && fleet) || !sure) return 'low';
  return health || fleet || other ? 'medium' : 'high';
}

function evidenceOf({ health, fleet, llm, workaround }: AssessInput): Evidence {
  const named = (status: Health): string[] =>
    (health?.components ?? [])
      .filter((c) => c.status === status)
      .slice(0, SHOWN_NAMES)
      .map((c) => c.name);
  return {
    health: health?.status ?? null,
    components_down: named('down'),
    components_degraded: named('degraded'),
    customers_total: fleet?.customers_total ?? null,
    customers_affected: fleet?.customers_affected ?? null,
    affected_percent: fleet?.affected_percent ?? null,
    scope: fleet?.scope ?? null,
    slo_current: fleet?.slo.current ?? null,
    slo_target: fleet?.slo.target ?? null,
    llm_indicator: llm?.indicator ?? null,
    workaround,
  };
}
