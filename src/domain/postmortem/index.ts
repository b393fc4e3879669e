import type { Approval } from '../approval.ts';
import type { Incident } from '../incident.ts';
import { shortInstant, toInstant } from '../instant.ts';
import type { IncidentMetrics } from '../metrics.ts';
import type { TimelineEvent } from '../timeline.ts';
import { type CheckedClaim, type Claim, checkClaims, claimLines } from './claims.ts';
import { declaredRef, type Facts, factsOf, setBy } from './facts.ts';
import { gaps } from './gaps.ts';
import { humanBlock, humanBlocks } from './human.ts';
import * as lessons from './lessons.ts';
import { missingSections } from './missing.ts';
import { SECTION_IDS, SECTIONS, type SectionId } from './sections.ts';
import * as story from './story.ts';
import * as tables from './tables.ts';
import { bullets, count, md } from './words.ts';

export type { Claim } from './claims.ts';
export { CLAIMABLE, isSectionId, SECTION_IDS, SECTIONS, type SectionId } from './sections.ts';

export interface PostmortemInput {
  incident: Incident;
  /** The whole timeline, in any order. */
  events: readonly TimelineEvent[];
  metrics: IncidentMetrics;
  /** The approvals of this incident. */
  approvals: readonly Approval[];
  claims: readonly Claim[];
  similar: readonly Incident[];
  /** The post-mortem as it lies there now, with what humans wrote into it; null when there is none. */
  previous: string | null;
  now: Date;
  /** Rows of the timeline's table; default 80. */
  max_rows?: number;
}

export interface Postmortem {
  markdown: string;
  /** Ids of the sections that a finished post-mortem needs and of which too little is known; see `missing.ts` for the rules. */
  missing: SectionId[];
  /** The claims that no event shows, as `section: text`. */
  unverified: string[];
  /** Ids of all sections, in the order in which they are printed. */
  sections: SectionId[];
}

/**
 * The post-mortem, from the record. Whatever the server itself says carries the ids of the events that show it; claims stand below it in their section;
 * what humans wrote between the marks of a section stays as it is, byte for byte.
 *
 * Errors: `INVALID_INPUT` for a claim with an unknown section or with evidence that is not in the timeline.
 */
export function renderPostmortem(input: PostmortemInput): Postmortem {
  const facts = factsOf(input);
  const claims = checkClaims(input.claims, facts.events, facts.corrected);
  const human = humanBlocks(input.previous);
  const verified = new Set(claims.filter((claim) => claim.verified).map((claim) => claim.section));
  const missing = missingSections(facts, verified, new Set(human.keys()));
  const unverified = claims.filter((claim) => !claim.verified);
  const cited = new Set(claims.flatMap((claim) => claim.evidence));
  const body: Record<SectionId, string> = {
    summary: story.summary(facts),
    impact: story.impact(facts),
    lead_up: story.leadUp(facts),
    trigger: story.trigger(facts),
    detection: story.detection(facts),
    response: story.response(facts),
    mitigation: story.mitigation(facts),
    root_cause: story.rootCause(facts),
    timeline: tables.timeline(facts, input.max_rows ?? tables.DEFAULT_ROWS, cited),
    metrics: tables.metrics(facts),
    decisions: lessons.decisions(facts),
    went_well: lessons.wentWell(facts),
    went_poorly: lessons.wentPoorly(facts),
    lucky: lessons.lucky(facts),
    open_questions: lessons.openQuestions(facts, missing),
    seen_before: lessons.seenBefore(facts),
    action_items: tables.actionItems(facts),
    messages: tables.messages(facts),
    people: tables.people(facts),
    gaps: gaps(facts, unverified.length),
  };
  const parts = [
    header(facts),
    ...SECTIONS.map(([id, title]) => section(id, title, body[id], claims, facts, human)),
    ...strayBlocks(human),
  ];
  return {
    markdown: `${parts.join('\n\n')}\n`,
    missing,
    unverified: unverified.map((claim) => `${claim.section}: ${claim.plain}`),
    sections: [...SECTION_IDS],
  };
}

function header(facts: Facts): string {
  const { incident } = facts;
  const { severity_first: first, severity_peak: peak, severity: last } = incident;
  const changed = incident.severity_history
    .slice(1)
    .map(({ severity }) => setBy(facts, (c) => c.severity === severity));
  const severityRefs = [...new Set([declaredRef(facts), ...changed])].join(' ');
  const status =
    incident.status_history.length > 1 ? setBy(facts, (c) => c.status === incident.status) : declaredRef(facts);
  const commander = incident.roles.commander;
  return [
    `# Post-mortem of ${md(incident.id)}: ${md(incident.title, 200)}`,
    bullets([
      ...(incident.drill ? [`**DRILL**: not a real incident ${declaredRef(facts)}.`] : []),
      `Severity: first ${first}, peak ${peak}, last ${last} ${severityRefs}.`,
      `Status: ${incident.status} ${status}.`,
      `Environment: ${md(incident.environment)} ${declaredRef(facts)}.`,
      commander
        ? `Commander: ${md(commander.person, 80)} (${commander.known_by}) ${setBy(facts, (c) => c.role?.role === 'commander')}.`
        : `Commander: nobody on record ${facts.whole}.`,
      `Written at ${shortInstant(toInstant(facts.now))} from ${count(facts.events.length)} events; text between the "human" marks is kept when it is written again ${facts.whole}.`,
    ]),
  ].join('\n\n');
}

function section(
  id: SectionId,
  title: string,
  body: string,
  claims: readonly CheckedClaim[],
  facts: Facts,
  human: ReadonlyMap<string, string>,
): string {
  const own = claims.filter((claim) => claim.section === id);
  return [
    `## ${title}`,
    body,
    ...(own.length > 0 ? [claimLines(own, facts.corrected)] : []),
    humanBlock(id, human.get(id)),
  ].join('\n\n');
}

/** Blocks of sections that are no more: what a human wrote is not thrown away. */
function strayBlocks(human: ReadonlyMap<string, string>): string[] {
  const known: readonly string[] = SECTION_IDS;
  const stray = [...human].filter(([id]) => !known.includes(id));
  return stray.length > 0 ? ['## Further notes', ...stray.map(([id, text]) => humanBlock(id, text))] : [];
}
