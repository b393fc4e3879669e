import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One line of the table that a suite ends with. */
export interface Row {
  what: string;
  /** How often it was tried, and how often it held. */
  tried: number;
  held: number;
  /** Figures that were measured, in words. */
  note?: string;
}

/** The file of a suite in the report's folder: `<suite in letters and digits>.json`. */
const fileOf = (folder: string, suite: string): string =>
  join(folder, `${suite.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.json`);

/**
 * Adds a row to the report of a suite, `{suite, rows}` as JSON in the folder that `INCIDENT_MCP_SUITE_REPORT` names; without that variable it
 * does nothing. Each test file is a suite of its own, so that no two processes write one file; it is replaced in one step, and a
 * row with the same `what` replaces the one of an earlier run.
 */
export function tell(suite: string, row: Row): void {
  const folder = process.env.INCIDENT_MCP_SUITE_REPORT;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  const file = fileOf(folder, suite);
  const rows = [...rowsOf(file).filter(({ what }) => what !== row.what), row];
  const temporary = `${file}.${randomBytes(4).toString('hex')}.tmp`;
  writeFileSync(temporary, `${JSON.stringify({ suite, rows }, null, 2)}\n`);
  renameSync(temporary, file);
}

function rowsOf(file: string): Row[] {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { rows: Row[] }).rows;
  } catch {
    return [];
  }
}
