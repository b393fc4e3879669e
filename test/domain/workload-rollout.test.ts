import { describe, expect, it } from 'vitest';
import type { Workload } from '../../src/domain/observe.ts';
import { replaceable, rolloutOf } from '../../src/domain/workload-rollout.ts';
import { workload } from './builders.ts';

const GAVE_UP = { conditions: ['Progressing=False: ProgressDeadlineExceeded'] };

describe('a rollout is', () => {
  it.each<[string, Partial<Workload>, string, string]>([
    ['done when all pods are new and available', {}, 'done', '3 of 3 pods new, 3 ready'],
    [
      'going until the controller has seen the template',
      { observed_generation: 0 },
      'going',
      '3 of 3 pods new, 3 ready',
    ],
    ['going while pods are old', { updated: 2 }, 'going', '2 of 3 pods new, 3 ready, 1 old left'],
    [
      'going while old pods still run beside the new ones',
      { pods: 4 },
      'going',
      '3 of 3 pods new, 3 ready, 1 old left',
    ],
    ['going while new pods are not available', { available: 2 }, 'going', '3 of 3 pods new, 3 ready'],
    ['going while new pods are not ready', { ready: 2 }, 'going', '3 of 3 pods new, 2 ready'],
    [
      'stuck where the controller gave up',
      { updated: 1, pods: 3, ...GAVE_UP },
      'stuck',
      '1 of 3 pods new, 3 ready, 2 old left',
    ],
    [
      'going where it gave up on the template before',
      { observed_generation: 0, ...GAVE_UP },
      'going',
      '3 of 3 pods new, 3 ready',
    ],
    [
      'said to be paused',
      { updated: 0, pods: 3, paused: true },
      'going',
      '0 of 3 pods new, 3 ready, 3 old left, paused',
    ],
    [
      'done of a StatefulSet once those above the partition are new',
      { kind: 'StatefulSet', partition: 2, updated: 1 },
      'done',
      '1 of 3 pods new, 3 ready, partition 2',
    ],
    [
      'going of a StatefulSet before that',
      { kind: 'StatefulSet', partition: 1, updated: 1 },
      'going',
      '1 of 3 pods new, 3 ready, partition 1',
    ],
    [
      'going of a DaemonSet while a node has the old pod',
      { kind: 'DaemonSet', updated: 2 },
      'going',
      '2 of 3 pods new, 3 ready',
    ],
    [
      'nothing that OnDelete waits for',
      { kind: 'DaemonSet', strategy: 'OnDelete', updated: 0 },
      'done',
      '0 of 3 pods new, 3 ready',
    ],
    [
      'done of nothing',
      { desired: 0, ready: 0, updated: 0, available: 0, pods: 0 },
      'done',
      '0 of 0 pods new, 0 ready',
    ],
  ])('%s', (_what, over, state, said) => {
    expect(rolloutOf(workload('web', 3, 3, over))).toEqual({ state, said });
  });
});

it.each<[Partial<Workload>, number]>([
  [{}, 3],
  [{ partition: 1 }, 2],
  [{ partition: 9 }, 0],
  [{ strategy: 'OnDelete' }, 0],
  [{ strategy: 'Recreate' }, 3],
])('%j replaces %i of 3 pods by itself', (over, pods) => {
  expect(replaceable(workload('web', 3, 3, over))).toBe(pods);
});
