import { maskText } from '../mask.ts';
import { cleanText, oneLine } from '../text.ts';

/** Text from outside, made fit for one line of Markdown or of a Mermaid diagram. */

/**
 * One line of Markdown that shows `text` as it is: no HTML, heading, list, fence, link, image, emphasis or table cell of its own. Secrets
 * are masked. `[E12]` becomes `(E12)`: that form in square brackets is the server's mark for evidence and for nothing else.
 *
 * @param max UTF-16 units kept before escaping; what is cut is counted
 */
export function md(text: string, max?: number): string {
  const line = oneLine(maskText(cleanText(text)), max).replace(/\[\s*(E\d+)\s*\]/g, '($1)');
  const escaped = line
    .replace(/[\\`*[\]|~]/g, '\\$&')
    // Between letters or digits an underscore is no emphasis (CommonMark 6.2), and escaping it would break names and addresses.
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\_')
    .replace(/&(?=#?\w+;)/g, '&amp;')
    .replace(/</g, '&lt;');
  // At the start of a line, or of a list item: headings, quotes, rules, lists, setext underlines.
  return escaped.replace(/^(?:[#>+=-]|\d{1,9}(?=[.)]))/, (mark) => (/\d/.test(mark) ? `${mark}\\` : `\\${mark}`));
}

/**
 * A label that Mermaid's timeline grammar takes as plain text: letters, digits, blanks and `. , ( ) / + ' % - _`. Colons and semicolons separate
 * there, `#` starts an entity, `%%` a comment, and braces a directive.
 */
export function mermaidLabel(text: string, max: number): string {
  const plain = oneLine(maskText(cleanText(text)))
    .replace(/[^\p{L}\p{N} .,()/+'%_-]/gu, ' ')
    .replace(/%+/g, '%')
    .replace(/-{2,}/g, '-')
    .replace(/\s+/g, ' ')
    .trim();
  const points = [...plain];
  return points.length <= max ? plain : `${points.slice(0, max).join('').trim()}...`;
}

/** `10,000`: the same on every machine. */
export const count = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

/** `[E1] [E5]`, each id once, in the order given. */
export const refs = (ids: Iterable<string>): string => [...new Set(ids)].map((id) => `[${id}]`).join(' ');

export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

export const bullets = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');

/** A Markdown table; the cells must be escaped already. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
