import { PODS, SIZE } from './cluster.ts';
import { bytes, type Figure, leastMs, medianBytes, medianMs, medianWhole, ms } from './figures.ts';
import type { Series } from './measure.ts';
import type { MemoryFigure, StartFigures } from './starts.ts';

export interface Report {
  date: string;
  machine: { cores: number; memory_gb: number; node: string; kernel: string };
  /** Load of one minute before the fill, before the measuring and after it. */
  load: number[];
  versions: Record<string, string>;
  rounds: number;
  payload_bytes: number;
  figures: Figure[];
  series: Series[];
  starts: StartFigures[];
  memory: MemoryFigure[];
  peerMemory: MemoryFigure[];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...cells.map((row) => (row[i] ?? '').length)));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, i) => (row[i] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
}

const inWords = (met: boolean | null): string => (met === null ? 'not measured' : met ? 'met' : '**missed**');

export const figureTable = (figures: readonly Figure[]): string =>
  table(
    ['figure', 'measured', 'limit', 'result'],
    figures.map(({ figure, measured, limit, met }) => [figure, measured, limit, inWords(met)]),
  );

const seriesTable = (series: readonly Series[]): string =>
  table(
    ['call', 'median', 'least', 'runs', 'text', 'whole result'],
    series.map((one) =>
      one.failure !== null
        ? [one.name, `failed: ${one.failure.replaceAll('|', '/').replaceAll('\n', ' ').slice(0, 120)}`, '', '0', '', '']
        : [
            one.name,
            ms(medianMs(one)),
            ms(leastMs(one)),
            String(one.samples.length),
            bytes(medianBytes(one)),
            bytes(medianWhole(one)),
          ],
    ),
  );

const mb = (value: number | null): string =>
  value === null || Number.isNaN(value) ? 'unknown' : `${value.toFixed(0)} MB`;

/** The page `docs/performance.md`. */
export function pageOf(report: Report): string {
  const { machine } = report;
  const missed = report.figures.filter(({ met }) => met !== true).length;
  return `${[
    '# Performance against a real cluster',
    '`npm run bench:cluster` writes this page. Everything on it comes from one run on one machine: compare ratios, not milliseconds.',
    [
      `- ${report.date}; ${machine.cores} cores, ${machine.memory_gb.toFixed(0)} GB, Node ${machine.node}, Linux ${machine.kernel}; load average ${report.load.map((one) => one.toFixed(1)).join(', ')} (before filling, before measuring, after)`,
      `- ${Object.entries(report.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}`,
    ].join('\n'),
    `## Figures\n\n${report.figures.length - missed} of ${report.figures.length} met.`,
    figureTable(report.figures),
    '## Every call',
    seriesTable(report.series),
    '## Starts and memory',
    table(
      ['server', 'spawn to `initialize` (median of 5)', 'tools', '`tools/list`', 'resident then'],
      report.starts.map((one) => [
        one.name,
        ms(one.initialize_ms),
        String(one.tools),
        bytes(one.list_bytes),
        mb(one.resident_mb),
      ]),
    ),
    table(
      ['calls on a server of their own', 'resident before', 'peak growth'],
      [...report.memory, ...report.peerMemory].map((one) => [one.name, mb(one.before_mb), mb(one.growth_mb)]),
    ),
    "The growth of Flux159's server is without the kubectl that it starts for each call.",
    '## How it was measured',
    [
      `- The cluster is etcd, kube-apiserver, controller-manager and scheduler of that version on loopback, with nodes and pods by KWOK: ${PODS.toLocaleString('en-US')} pods of ${SIZE.deployments.toLocaleString('en-US')} deployments in ${SIZE.namespaces} namespaces (1 in 200 deployments crashes; pods name their node, so that the scheduler has no part in the filling), the controllers' own events and ${SIZE.warnings} warnings, ${SIZE.releases} Helm releases with ${SIZE.revisions} revisions each. One release was made by Helm; the Secrets of the others are copies of its own under other names and times, ${bytes(report.payload_bytes)} of payload each, one release in ten deployed within the last day. \`helm history\` reads them all.`,
      '- All servers are driven by the same MCP client over stdio, which cannot ask its user. Text is what the model reads; the whole result has the structured content too.',
      `- Calls run in turns, so that noise meets all of them: once unmeasured, then ${report.rounds} times (\`helm history\` of all releases 3 times, one after the other). The servers are warm. A call that fails or answers with less than was asked is no figure.`,
      '- `get_system_health` is measured twice: with the 20 namespaces configured, and with none, which means every namespace. It reads workloads and pods of all; it is set against calls that read the pods alone.',
      '- Flux159 has no Helm history: listing the Secrets by label is the nearest. Its limit of 1 MiB for the output of kubectl was raised to 512 MiB; without that its lists of pods fail. The Go server runs natively, without its npm wrapper.',
      '- Memory is the highest resident set (VmHWM) while a fresh server answers five calls (the peers: two), above what it occupies after `tools/list`.',
    ].join('\n'),
  ].join('\n\n')}\n`;
}
