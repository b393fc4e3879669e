import { maskText } from '../mask.ts';
import { oneLine } from '../text.ts';

/**
 * Text from outside as Markdown that shows exactly that text: no HTML, links, images, emphasis or code, no heading or list at the
 * start, no bar that would part a table's cell, no comment that could pass for a human's mark. One line, secrets masked.
 */
export function md(text: string, max = 500): string {
  return maskText(oneLine(text, max))
    .replace(/[\\`*[\]|~]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\_')
    .replace(/^([#+=-])/, '\\$1')
    .replace(/^(\d+)([.)])/, '$1\\$2')
    .replace(/@(?=[\p{L}\p{N}])/gu, '&#64;');
}

/** A paragraph of people's own prose: as `md`, its line breaks kept. */
export function prose(text: string, max = 4_000): string {
  return text
    .slice(0, max)
    .split(/\r?\n/)
    .map((line) => md(line, max))
    .filter((line) => line !== '')
    .join('\n\n');
}

/** Text for a line of a Mermaid timeline, whose grammar gives meaning to colons, semicolons, hashes, quotes and brackets. */
export const mermaidText = (text: string, max = 60): string =>
  maskText(oneLine(text))
    .replace(/[^\p{L}\p{N} .,/+()-]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, max);

/** `[E3] [E7]`, what a sentence rests on; empty for none. */
export const cite = (ids: readonly string[]): string => [...new Set(ids)].map((id) => `[${id}]`).join(' ');

/** A sentence with what it rests on. */
export const cited = (sentence: string, ...ids: readonly (string | null | undefined)[]): string => {
  const known = ids.filter((id): id is string => typeof id === 'string');
  return known.length > 0 ? `${sentence} ${cite(known)}` : sentence;
};

export const bullets = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');

/** Cells must be escaped already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}
