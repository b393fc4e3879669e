import { describe, expect, it } from 'vitest';
import { isUrgent, severityRank } from '../../src/domain/health-severity.ts';

describe('severity of alerts', () => {
  it.each([
    [
      0,
      [
        'critical',
        'CRITICAL',
        ' page ',
        'crit',
        'fatal',
        'disaster',
        'P1',
        'p0',
        'sev1',
        'SEV-1',
        'Sev 1',
        'S1',
        'priority 1',
      ],
    ],
    [1, ['error', 'high', 'major', 'P2', 'sev2']],
    [2, ['warning', 'warn', 'ticket', 'minor', 'P3']],
    [3, ['info', 'notice', 'low', 'P4', 'unknown', 'fnord', '']],
    [4, ['none']],
  ])('%i', (rank, words) => {
    expect(Object.fromEntries(words.map((word) => [word, severityRank(word)]))).toEqual(
      Object.fromEntries(words.map((word) => [word, rank])),
    );
  });

  it.each([
    [true, ['critical', 'page', 'emergency', 'fatal', 'high', 'sev1', 'SEV-2', 'P1', 'p2']],
    [false, ['error', 'major', 'warning', 'P3', 'info', 'none', 'unknown', 'constructor']],
  ])('urgent: %s', (urgent, words) => {
    expect(words.filter((word) => isUrgent(word) === urgent)).toEqual(words);
  });
});
