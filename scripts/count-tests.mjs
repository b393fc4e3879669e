#!/usr/bin/env node
// Adds up reports of vitest's JSON reporter: prints `passed failed skipped` on one line. Arguments: pairs of a report and the exit code of the run
// that wrote it. A run that failed without a failed test, or left no report, counts as one failed test: a crash must not look green.
import { readFileSync } from 'node:fs';

/** Passed, failed and skipped of one report. A file that could not be loaded holds no tests and counts as one that failed. */
function countOf(file, exitCode) {
  let report;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const broken = report.testResults.filter(
    (suite) => suite.status === 'failed' && !suite.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const passed = report.numPassedTests;
  const failed = report.numFailedTests + broken;
  const skipped = report.numPendingTests + (report.numTodoTests ?? 0);
  const crashed = failed === 0 && (exitCode !== 0 || report.success === false || passed === 0);
  return { passed, failed: crashed ? 1 : failed, skipped };
}

const total = { passed: 0, failed: 0, skipped: 0 };
const args = process.argv.slice(2);
for (let i = 0; i < args.length; i += 2) {
  const one = countOf(args[i], Number(args[i + 1]));
  for (const key of Object.keys(total)) total[key] += one[key];
}
process.stdout.write(`${total.passed} ${total.failed} ${total.skipped}\n`);
