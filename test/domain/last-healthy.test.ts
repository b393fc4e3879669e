import { describe, expect, it } from 'vitest';
import { isUnfinishedRollback, lastHealthy } from '../../src/domain/last-healthy.ts';
import type { Revision } from '../../src/domain/observe.ts';
import { at, revision } from './builders.ts';

const said = (description: string) => ({ description });
const day = 24 * 60;
const GOOD = revision(1, -9 * day);

describe('after a rollback that did not end well', () => {
  it.each<[string, Revision[], number, number | null, string]>([
    [
      'what it left is not healthy: its pods did not become ready',
      [
        revision(3, -5, 'failed', said('Release "core" failed: context deadline exceeded')),
        revision(2, -2 * day, 'deployed'),
        GOOD,
      ],
      3,
      1,
      'revision 2 skipped: revision 3 tried to roll back from it and did not end well',
    ],
    [
      'what it left is not healthy: its objects were refused, and Helm calls what was there superseded',
      [revision(3, -5, 'failed', said('Rollback "core" failed: conflict')), revision(2, -2 * day), GOOD],
      3,
      1,
      'revision 2 skipped: revision 3 tried to roll back',
    ],
    [
      'what two of them left is not healthy',
      [
        revision(4, -4, 'failed', said('Release "core" failed: timed out')),
        revision(3, -5, 'failed', said('Release "core" failed: timed out')),
        revision(2, -2 * day, 'deployed'),
        GOOD,
      ],
      4,
      1,
      'revision 2 skipped: revision 4 tried to roll back',
    ],
    [
      'an upgrade that had failed stays failed, although Helm calls it superseded',
      [
        revision(4, -4, 'deployed', said('Upgrade complete')),
        revision(3, -day, 'superseded', said('Upgrade "core" failed: timed out')),
        GOOD,
      ],
      4,
      1,
      'revision 3 skipped: failed',
    ],
    [
      'a failed upgrade leaves what was there healthy',
      [revision(3, -5, 'failed', said('Upgrade "core" failed: timed out')), revision(2, -2 * day, 'deployed'), GOOD],
      3,
      2,
      'revision 2 is the last healthy one',
    ],
  ])('%s', (_what, history, current, expected, reason) => {
    const found = lastHealthy(history, current, at(0));
    expect(found.revision?.revision ?? null).toBe(expected);
    expect(found.reasons.join(' / ')).toContain(reason);
  });

  it.each<[Revision, boolean]>([
    [revision(3, -5, 'pending-rollback', said('Rollback to 1')), true],
    [revision(3, -5, 'failed', said('Release "core" failed: x')), true],
    [revision(1, -5, 'failed', said('Release "core" failed: x')), false],
    [revision(3, -5, 'deployed', said('Rollback to 1')), false],
    [revision(3, -5, 'failed', said('Upgrade "core" failed: x')), false],
  ])("%# is told by Helm's words", (one, unfinished) => {
    expect(isUnfinishedRollback(one)).toBe(unfinished);
  });
});
