import type { Facts } from './facts.ts';
import { ofKind } from './facts.ts';
import { SECTION_IDS, type SectionId } from './sections.ts';

/** What stopped an impact, as opposed to what was written or told. */
const MITIGATING = new Set(['rollback_release', 'restart_service', 'scale_down']);

/**
 * For each section that a finished post-mortem needs: whether the record knows enough. Source: the runbook, "Post-mortem" (when detected, when
 * mitigated, root cause, action items), and the rules of practice. All other sections are complete by what the server writes, or
 * may rightly be empty.
 *
 * - impact: the start of impact is known. A claim does not give an instant, so it does not count here.
 * - trigger: the root cause is known, since it says what set the incident off, or a claim with evidence is in the section.
 * - detection: a source, a detection event, or an instant of detection apart from the declaration; or a claim with evidence.
 * - mitigation: an instant at which the impact stopped, a mitigation event, or an executed change; or a claim with evidence.
 * - root_cause: the incident's root cause, or a claim with evidence.
 * - action_items: at least one, or a claim with evidence.
 */
const RULES: Partial<Record<SectionId, (facts: Facts, claimed: ReadonlySet<string>) => boolean>> = {
  impact: ({ incident }) => incident.impact_started_at !== null,
  trigger: (facts, claimed) => claimed.has('trigger') || rootCauseKnown(facts, claimed),
  detection: (facts, claimed) =>
    claimed.has('detection') ||
    facts.incident.detected_by !== null ||
    Date.parse(facts.incident.detected_at) !== Date.parse(facts.incident.declared_at) ||
    ofKind(facts, 'detection').length > 0,
  mitigation: (facts, claimed) =>
    claimed.has('mitigation') ||
    facts.incident.mitigated_at !== null ||
    ofKind(facts, 'mitigation').length > 0 ||
    facts.approvals.some((a) => a.status === 'executed' && MITIGATING.has(a.plan.action)),
  root_cause: rootCauseKnown,
  action_items: (facts, claimed) => claimed.has('action_items') || facts.incident.action_items.length > 0,
};

function rootCauseKnown({ incident }: Facts, claimed: ReadonlySet<string>): boolean {
  return claimed.has('root_cause') || (incident.root_cause !== null && incident.root_cause.trim() !== '');
}

/**
 * Ids of the sections that are still missing, in their order. `claimed` are the sections with a claim that has evidence, `written` those in which a
 * human wrote something: whatever a human wrote there is enough. A false alarm had no impact, so nothing is missing.
 */
export function missingSections(facts: Facts, claimed: ReadonlySet<string>, written: ReadonlySet<string>): SectionId[] {
  if (facts.incident.status === 'false_alarm') return [];
  return SECTION_IDS.filter((id) => {
    const rule = RULES[id];
    return rule !== undefined && !written.has(id) && !rule(facts, claimed);
  });
}
