/**
 * The sections of a post-mortem, in the order in which they are printed. The ids are fixed: claims and the marks around what
 * humans wrote name them. Source: the rules of practice, "Sections of an excellent post-mortem"; the header stands before them.
 */
export const SECTIONS = [
  ['summary', 'Summary'],
  ['impact', 'Impact'],
  ['lead_up', 'Lead-up'],
  ['trigger', 'Trigger'],
  ['detection', 'Detection'],
  ['response', 'Response'],
  ['mitigation', 'Mitigation and permanent fix'],
  ['root_cause', 'Contributing factors and root cause'],
  ['timeline', 'Timeline'],
  ['metrics', 'Metrics'],
  ['decisions', 'Decisions and alternatives'],
  ['went_well', 'What went well'],
  ['went_poorly', 'What went poorly'],
  ['lucky', 'Where we were lucky'],
  ['open_questions', 'Open questions'],
  ['seen_before', 'Seen before?'],
  ['action_items', 'Action items'],
  ['messages', 'Messages sent'],
  ['people', 'People'],
  ['gaps', 'Gaps in the evidence'],
] as const;

export type SectionId = (typeof SECTIONS)[number][0];
export const SECTION_IDS: readonly SectionId[] = SECTIONS.map(([id]) => id);

export const isSectionId = (text: string): text is SectionId => (SECTION_IDS as readonly string[]).includes(text);

/** Sections that the server alone computes: a claim there could pass for a figure or an event of the record. */
const COMPUTED: readonly SectionId[] = ['timeline', 'metrics'];
export const CLAIMABLE: readonly SectionId[] = SECTION_IDS.filter((id) => !COMPUTED.includes(id));
