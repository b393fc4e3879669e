/**
 * What humans wrote into a post-mortem: the text between `<!-- human:SECTION -->` and `<!-- /human:SECTION -->`. Text from outside cannot forge
 * these marks, since its `<` is escaped.
 */

const OPEN = /<!--[ \t]*human:([a-z][a-z0-9_]{0,40})[ \t]*-->/g;

/** Section -> text between its marks, byte for byte. Several blocks of one section are joined; empty ones are left out. */
export function humanBlocks(previous: string | null): Map<string, string> {
  const blocks = new Map<string, string>();
  if (previous === null) return blocks;
  const open = new RegExp(OPEN);
  for (let match = open.exec(previous); match !== null; match = open.exec(previous)) {
    const section = match[1] ?? '';
    const start = match.index + match[0].length;
    const close = new RegExp(`<!--[ \\t]*/human:${section}[ \\t]*-->`, 'g');
    close.lastIndex = start;
    const end = close.exec(previous);
    const body = previous.slice(start, end ? end.index : unclosedEnd(previous, start));
    open.lastIndex = end ? close.lastIndex : start + body.length;
    if (body.trim() === '') continue;
    const before = blocks.get(section);
    if (before === undefined) blocks.set(section, body);
    else if (before.trim() !== body.trim()) blocks.set(section, `${before}\n${body}`);
  }
  return blocks;
}

/** Somebody deleted the closing mark: the block runs to the next heading that the server writes, or the next block. */
function unclosedEnd(text: string, start: number): number {
  const length = text.slice(start).search(/^(?:## |<!--[ \t]*human:)/m);
  return length === -1 ? text.length : start + length;
}

/** The pair of marks with the text in it. */
export const humanBlock = (section: string, body: string | undefined): string =>
  `<!-- human:${section} -->${body ?? '\n'}<!-- /human:${section} -->`;
