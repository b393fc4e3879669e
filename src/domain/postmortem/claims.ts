import { invalidInput } from '../../errors.ts';
import { maskText } from '../mask.ts';
import { cleanText, oneLine } from '../text.ts';
import type { TimelineEvent } from '../timeline.ts';
import { CLAIMABLE, isSectionId, type SectionId } from './sections.ts';
import { md } from './words.ts';

/** Prose of an assistant, with the ids of the events that show it. */
export interface Claim {
  section: string;
  text: string;
  evidence: readonly string[];
}

export interface CheckedClaim {
  section: SectionId;
  /** Escaped. */
  text: string;
  /** One line, not escaped; clean and without secrets. */
  plain: string;
  evidence: string[];
  /** False without an event that stands: none was named, or all of them were corrected. */
  verified: boolean;
}

/**
 * The claims, each with a section that takes prose and evidence that is in the timeline. Errors: `INVALID_INPUT` that lists the sections, names the
 * unknown event, or says that there is no text.
 */
export function checkClaims(
  claims: readonly Claim[],
  events: readonly TimelineEvent[],
  corrected: ReadonlyMap<string, string>,
): CheckedClaim[] {
  const ids = new Set(events.map((event) => event.id));
  return claims.map((claim, i) => {
    const section = claim.section;
    if (!isSectionId(section)) {
      throw invalidInput(
        `claims[${i}].section "${md(section, 40)}" is no section.`,
        `use one of: ${CLAIMABLE.join(', ')}.`,
      );
    }
    if (!CLAIMABLE.includes(section)) {
      throw invalidInput(
        `claims[${i}].section "${section}" is computed by the server and takes no claims.`,
        `use one of: ${CLAIMABLE.join(', ')}; what happened goes to the timeline with record_timeline_event.`,
      );
    }
    const unknown = claim.evidence.find((id) => !ids.has(id));
    if (unknown !== undefined) {
      throw invalidInput(
        `claims[${i}].evidence names "${md(unknown, 40)}", which is not in the timeline.`,
        'name events that exist (get_incident with view "timeline" shows them), or record the event first.',
      );
    }
    const text = md(claim.text);
    if (text === '') throw invalidInput(`claims[${i}].text is empty.`, 'say what is claimed, or leave it out.');
    const evidence = [...new Set(claim.evidence)];
    const plain = oneLine(maskText(cleanText(claim.text)), 200);
    return { section, text, plain, evidence, verified: evidence.some((id) => !corrected.has(id)) };
  });
}

/** The claims as a list; those without evidence carry a mark that nobody overlooks. */
export const claimLines = (claims: readonly CheckedClaim[], corrected: ReadonlyMap<string, string>): string =>
  claims
    .map(({ text, evidence, verified }) => {
      const shown = evidence.map((id) => `[${id}]${corrected.has(id) ? ` (corrected by [${corrected.get(id)}])` : ''}`);
      return `- ${verified ? '' : '**UNVERIFIED** '}${[text, ...shown].join(' ')}`;
    })
    .join('\n');
