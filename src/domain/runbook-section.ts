import { oneLine } from './text.ts';

/** Longer runbooks are read in part only, so they are never written. */
export const MAX_RUNBOOK_BYTES = 256 * 1024;

export interface FailureMode {
  failure_mode: string;
  detection: string;
  mitigation: string;
}

/** Lines that would open or close a section of their own are indented, so that one section stays one. */
const body = (text: string): string => text.trim().replace(/^(#{1,6}\s)/gm, '    $1');

/** The section as Markdown, ending with a newline. Its first line is its heading, by which it is found again. */
export function renderSection(mode: FailureMode, source: string | null): string {
  return [
    `## Failure mode: ${oneLine(mode.failure_mode, 120)}`,
    '',
    '**Detection**',
    '',
    body(mode.detection),
    '',
    '**Mitigation**',
    '',
    body(mode.mitigation),
    ...(source ? ['', `Source: ${source}`] : []),
    '',
  ].join('\n');
}

/**
 * Replaces the section with the same heading, or adds it at the end; `text` null begins a new runbook. All other text stays as it is, to
 * the byte. `before` is the section that is replaced, null where there is none.
 */
export function withSection(
  text: string | null,
  name: string,
  section: string,
): { text: string; before: string | null } {
  const old = text ?? `# ${name}\n`;
  const heading = section.slice(0, section.indexOf('\n'));
  const start = `\n${old}`.indexOf(`\n${heading}\n`);
  if (start < 0) return { text: `${old.trimEnd()}\n\n${section}`, before: null };
  const rest = old.slice(start);
  // After the section's own heading, which is one of that form itself.
  const next = rest.slice(heading.length).search(/^#{1,2} /m);
  const end = next < 0 ? rest.length : heading.length + next;
  const tail = rest.slice(end);
  return {
    text: `${old.slice(0, start)}${section}${tail === '' ? '' : `\n${tail}`}`,
    before: rest.slice(0, end).trimEnd(),
  };
}
