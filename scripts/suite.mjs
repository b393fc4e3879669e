// Runs a suite of tests that reports rows, and ends with their table: `node scripts/suite.mjs attack|chaos [--write] [VITEST ARGUMENTS...]`. With --write what was
// measured in this run goes into docs/security.md, and every row of a long table into docs/security-NAME.md. Exit code: that of the tests.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SUITES = {
  attack: ['test/attack', 'test/page', 'test/card', 'test/e2e/attack', 'test/cli/break-glass', 'test/cli/approver'],
  chaos: ['test/chaos'],
};
const DOCUMENT = 'docs/security.md';
/** Lines of a table that are read on that page. */
const LONG = 60;

const [name, ...rest] = process.argv.slice(2);
const paths = SUITES[name];
if (!paths) {
  process.stderr.write(`usage: node scripts/suite.mjs ${Object.keys(SUITES).join('|')} [--write] [vitest arguments]\n`);
  process.exit(2);
}
const write = rest.includes('--write');
const folder = mkdtempSync(join(tmpdir(), 'incident-suite-'));
try {
  const began = performance.now();
  const { status } = spawnSync(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', ...paths, ...rest.filter((argument) => argument !== '--write')],
    { stdio: 'inherit', env: { ...process.env, INCIDENT_MCP_SUITE: name, INCIDENT_MCP_SUITE_REPORT: folder } },
  );
  const table = tableOf(folder);
  process.stdout.write(`\n${table}\n`);
  if (write && status === 0) {
    const seconds = Math.round((performance.now() - began) / 1_000);
    if (table.split('\n').length <= LONG) replace(table, seconds);
    else {
      writeFileSync(`docs/security-${name}.md`, `# What \`npm run test:${name}\` tries\n\n${table}\n`);
      replace(`${summaryOf(reportsIn(folder))}\n\nEach of them: [security-${name}.md](security-${name}.md).`, seconds);
    }
  }
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function reportsIn(from) {
  return readdirSync(from)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => JSON.parse(readFileSync(join(from, file), 'utf8')));
}

/** One line a suite: what is read in two minutes. */
function summaryOf(reports) {
  const sum = (rows, key) => rows.reduce((total, row) => total + row[key], 0).toLocaleString('en-US');
  const line = (name, rows) => `| ${name} | ${rows.length} | ${sum(rows, 'tried')} | ${sum(rows, 'held')} |`;
  return [
    '| suite | distinct | tries | held |',
    '| --- | --- | --- | --- |',
    ...reports.map(({ suite, rows }) => line(suite, rows)),
    line(
      '**all**',
      reports.flatMap(({ rows }) => rows),
    ),
  ].join('\n');
}

/** A table of all rows, a suite after the other. */
function tableOf(from) {
  const reports = reportsIn(from);
  const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
  const rows = reports.flatMap(({ suite, rows: own }) =>
    own.map(
      ({ what, tried, held, note = '' }) =>
        `| ${[suite, what, tried.toLocaleString('en-US'), held.toLocaleString('en-US'), note].map(cell).join(' | ')} |`,
    ),
  );
  return ['| suite | what was tried | times | held | measured |', '| --- | --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
}

function replace(table, seconds) {
  if (!existsSync(DOCUMENT)) return;
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const text = readFileSync(DOCUMENT, 'utf8');
  const [before, after] = [text.indexOf(start), text.indexOf(end)];
  if (before < 0 || after < 0) throw new Error(`${DOCUMENT} has no place for the table of ${name}`);
  const said = `\`npm run test:${name}\`, ${seconds} s on Node ${process.versions.node}.\n\n`;
  writeFileSync(DOCUMENT, `${text.slice(0, before + start.length)}\n${said}${table}\n${text.slice(after)}`);
}
