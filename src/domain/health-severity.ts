/**
 * How urgent the severity of an alert is. There is no standard: Prometheus leaves the label to its users. Known are the words of the
 * Prometheus documentation and mixins (critical, warning, info, none; page, ticket), of syslog (RFC 5424), of PagerDuty (critical, error,
 * warning, info), of Zabbix (disaster, high, average), and the counted levels P0 to P5, SEV0 to SEV5 and S0 to S4.
 */
const WORDS: readonly (readonly string[])[] = [
  ['critical', 'crit', 'page', 'pager', 'emergency', 'emerg', 'fatal', 'disaster', 'blocker', 'p0', 'p1'],
  ['error', 'err', 'high', 'major', 'severe', 'urgent', 'alert', 'p2'],
  ['warning', 'warn', 'medium', 'moderate', 'average', 'minor', 'ticket', 'p3'],
  ['info', 'information', 'informational', 'notice', 'low', 'debug', 'p4', 'p5'],
  // Alerts that are meant to fire always, such as Watchdog, or for other alerts alone, such as InfoInhibitor.
  ['none', 'ok'],
];
const RANKS: ReadonlyMap<string, number> = new Map(WORDS.flatMap((words, rank) => words.map((word) => [word, rank])));
const UNKNOWN = 3;

/** Words that wake somebody. `error` and `major` are used for both, so they do not. */
const URGENT: ReadonlySet<string> = new Set([...(WORDS[0] ?? []), 'high', 'severe', 'urgent', 'p2']);

/** `SEV-1`, `sev 1`, `S1` and `Priority 1` as `p1`; every other word in lower case. */
const normal = (severity: string): string =>
  severity
    .trim()
    .toLowerCase()
    .replace(/^(?:sev|severity|s|p|prio|priority)[\s_-]?([0-5])$/, 'p$1');

/** 0 (critical) to 4 (none); a word that is not known ranks with `info`. */
export const severityRank = (severity: string): number => RANKS.get(normal(severity)) ?? UNKNOWN;

/** Whether an alert of this severity alone makes a component degraded. */
export const isUrgent = (severity: string): boolean => URGENT.has(normal(severity));
