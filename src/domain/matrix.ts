import type { MatrixRow } from './severity.ts';

const RESPONSE_WORDS: Record<string, string> = { immediate: 'immediate', next_business_day: 'next business day' };

/** `15m` -> `15 min`, `1h` -> `1 hour`: the runbook's own words. */
export function responseWords(row: MatrixRow): string {
  const fixed = RESPONSE_WORDS[row.response_text];
  if (fixed) return fixed;
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(row.response_text) ?? [];
  const names: Record<string, string> = {
    s: 's',
    m: ' min',
    h: amount === '1' ? ' hour' : ' hours',
    d: amount === '1' ? ' day' : ' days',
  };
  return amount && unit ? `${amount}${names[unit]}` : row.response_text;
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** The matrix as a Markdown table: the one source for the resource and for every prompt. */
export function severityMatrixMarkdown(matrix: readonly MatrixRow[]): string {
  return [
    '| level | description | response time | examples |',
    '|---|---|---|---|',
    ...matrix.map(
      (row) =>
        `| ${row.severity} | ${cell(row.description)} | ${responseWords(row)} | ${cell(row.examples.join(', '))} |`,
    ),
  ].join('\n');
}
