// Statistics, targets and the table: pure.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const round = (value, digits = 0) => Number(value.toFixed(digits));
const ms = (value) => `${round(value)} ms`;
const bytes = (value) => `${Math.round(value).toLocaleString('en-US')} B`;
const KB = 1024;
const START_FACTOR = 1.5;
const START_EXTRA_MS = 80;
const LIST_FACTOR = 1.5;
const DEADLINE_EXTRA_MS = 250;

/** One row a figure: what was measured, what it should be, whether it is so. */
export function rowsOf({ start, list, memory, crowd, hung }) {
  const startTarget = start.bare_ms * START_FACTOR + START_EXTRA_MS;
  const rows = [
    {
      figure: 'spawn to `initialize` answered (median of 9)',
      measured: `${ms(start.initialize_ms)} (bare \`node -e 0\`: ${ms(start.bare_ms)})`,
      target: `<= ${START_FACTOR} x bare + ${START_EXTRA_MS} ms = ${ms(startTarget)}`,
      met: start.initialize_ms <= startTarget,
    },
    {
      figure: 'connections to the platform before that',
      measured: String(start.connections),
      target: '0',
      met: start.connections === 0,
    },
    {
      figure: `\`tools/list\`, ${list.tools} tools: name, description, input schema, annotations`,
      measured: `${bytes(list.definition_bytes / list.tools)} a tool`,
      target: '<= 1,000 B a tool',
      met: list.definition_bytes <= 1_000 * list.tools,
    },
    {
      figure: '`tools/list` as sent, with output schemas',
      measured: bytes(list.answer_bytes),
      target: '',
      met: null,
    },
    {
      figure: 'resident memory after `tools/list`',
      measured: memory.rss_mb === null ? 'unknown (needs /proc)' : `${round(memory.rss_mb)} MB`,
      target: '<= 90 MB',
      met: memory.rss_mb === null ? null : memory.rss_mb <= 90,
    },
  ];
  for (const { tool, first_ms, median_ms, bytes: size } of crowd.tools) {
    rows.push(
      {
        figure: `\`${tool}\`, ${crowd.pods.toLocaleString('en-US')} pods (median of 5; first call ${ms(first_ms)})`,
        measured: `${ms(median_ms)} (one raw list of the pods: ${ms(crowd.raw_list_ms)})`,
        target: `<= ${LIST_FACTOR} x raw list = ${ms(crowd.raw_list_ms * LIST_FACTOR)}`,
        met: median_ms <= crowd.raw_list_ms * LIST_FACTOR,
      },
      {
        figure: `\`${tool}\`, text of that answer`,
        measured: bytes(size),
        target: '<= 8 KB',
        met: size <= 8 * KB,
      },
    );
  }
  rows.push(
    {
      figure: `ping while every source is silent (slowest of ${hung.pings})`,
      measured: `${round(hung.ping_ms, 1)} ms`,
      target: '<= 50 ms',
      met: hung.ping_ms <= 50,
    },
    {
      figure: `slowest of ${hung.tools.length} reading tools while every source is silent (\`${hung.slowest.tool}\`)`,
      measured: ms(hung.slowest.ms),
      target: `<= deadline of ${ms(hung.deadline_ms)} + ${DEADLINE_EXTRA_MS} ms`,
      met: hung.slowest.ms <= hung.deadline_ms + DEADLINE_EXTRA_MS,
    },
  );
  return rows;
}

export const inWords = (met) => (met === null ? '' : met ? 'met' : 'not met');

/** The rows as a Markdown table, which also reads well at a terminal. */
export function tableOf(rows) {
  const cells = [
    ['figure', 'measured', 'target', 'result'],
    ...rows.map((row) => [row.figure, row.measured, row.target, inWords(row.met)]),
  ];
  const widths = [0, 1, 2, 3].map((i) => Math.max(...cells.map((row) => row[i].length)));
  const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  const [head, ...body] = cells;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(line)].join('\n');
}
