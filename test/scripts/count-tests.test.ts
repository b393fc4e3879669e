import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT } from '../architecture/sources.ts';

const folder = mkdtempSync(join(tmpdir(), 'incident-count-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Report {
  passed?: number;
  failed?: number;
  pending?: number;
  todo?: number;
  success?: boolean;
  suites?: { status: string; assertionResults: { status: string }[] }[];
}

let written = 0;
function report({ passed = 0, failed = 0, pending = 0, todo = 0, success = true, suites = [] }: Report): string {
  const file = join(folder, `${++written}.json`);
  const body = {
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: pending,
    numTodoTests: todo,
    success,
    testResults: suites,
  };
  writeFileSync(file, JSON.stringify(body));
  return file;
}

function text(content: string): string {
  const file = join(folder, `${++written}.json`);
  writeFileSync(file, content);
  return file;
}

const count = (...args: string[]): string =>
  spawnSync(process.execPath, ['scripts/count-tests.mjs', ...args], { cwd: ROOT, encoding: 'utf8' }).stdout.trim();

const unloaded = { status: 'failed', assertionResults: [] };
const red = { status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'passed' }] };

describe('the sum of test reports (passed, failed, skipped)', () => {
  it.each([
    ['all green', { passed: 5 }, 0, '5 0 0'],
    ['some skipped', { passed: 5, pending: 2, todo: 1 }, 0, '5 0 3'],
    ['one red', { passed: 4, failed: 1, success: false, suites: [red] }, 1, '4 1 0'],
    ['a file that could not be loaded', { passed: 4, success: false, suites: [unloaded] }, 1, '4 1 0'],
    ['both', { passed: 4, failed: 1, success: false, suites: [red, unloaded] }, 1, '4 2 0'],
    ['green, but the run failed', { passed: 5 }, 1, '5 1 0'],
    ['green, but an error that nobody caught', { passed: 5, success: false }, 0, '5 1 0'],
    ['no test at all', {}, 0, '0 1 0'],
  ])('%s', (_name, one, code, sum) => {
    expect(count(report(one), String(code))).toBe(sum);
  });

  it.each([
    ['no report', join(folder, 'none.json')],
    ['half a report', text('{"numPassedTests": 5,')],
    ['an empty report', text('')],
  ])('%s is a failure', (_name, file) => {
    expect(count(file, '0')).toBe('0 1 0');
  });

  it('adds up several runs', () => {
    expect(count(report({ passed: 5, pending: 1 }), '0', report({ passed: 2 }), '0')).toBe('7 0 1');
    expect(count(report({ passed: 5 }), '0', join(folder, 'none.json'), '1')).toBe('5 1 0');
  });
});
