import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { createClock, type SimClock } from '../../src/sandbox/clock.ts';
import { createCustomers } from '../../src/sandbox/platform/customers.ts';
import { impairedShare, serviceState, soundEffects } from '../../src/sandbox/platform/effects.ts';
import { mapServices } from '../../src/sandbox/platform/observe.ts';
import { rolloutStep } from '../../src/sandbox/platform/rollout.ts';
import { createTimeline } from '../../src/sandbox/platform/timeline.ts';
import { toYaml } from '../../src/sandbox/platform/yaml.ts';
import { threeWay } from '../../src/sandbox/programs/helm/merge.ts';
import { createRandom } from '../../src/sandbox/random.ts';
import { jsonPatch, mergePatch, strategicPatch } from '../../src/sandbox/wires/kubernetes/patch.ts';
import { humanDuration } from '../../src/sandbox/wires/kubernetes/table.ts';

describe('rolloutStep', () => {
  const count = fc.integer({ min: 0, max: 12 });
  it('ends with all pods new, and with healthy pods never goes below what must be available', () => {
    fc.assert(
      fc.property(count, fc.array(count, { maxLength: 3 }), count, (desired, old, young) => {
        let replicas = [young, ...old];
        const minAvailable = desired - Math.floor(desired * 0.25);
        const enough = replicas.reduce((a, b) => a + b, 0) >= minAvailable;
        for (let i = 0; i < 200; i++) {
          // Every pod becomes ready between two steps.
          const next = rolloutStep(
            desired,
            replicas.map((n, at) => ({ isNew: at === 0, replicas: n, available: n })),
          );
          if (enough) {
            const kept = next.reduce((sum, n, at) => sum + Math.min(n, replicas[at] ?? 0), 0);
            expect(kept).toBeGreaterThanOrEqual(minAvailable);
          }
          replicas = next;
        }
        expect(replicas).toEqual([desired, ...old.map(() => 0)]);
      }),
    );
  });

  it('keeps the old pods that serve while the new ones do not', () => {
    const stuck = [
      { isNew: true, replicas: 1, available: 0 },
      { isNew: false, replicas: 3, available: 3 },
    ];
    expect(rolloutStep(3, stuck)).toEqual([1, 3]);
  });
});

describe('threeWay', () => {
  it.each([
    ['keeps what neither manifest names', { a: 1 }, { a: 2 }, { a: 1, b: 9 }, { a: 2, b: 9 }],
    ['drops what only the current manifest names', { a: 1, b: 1 }, { a: 1 }, { a: 1, b: 1 }, { a: 1 }],
    ['resets what was changed by hand', { a: 1 }, { a: 1 }, { a: 7 }, { a: 1 }],
    [
      'merges lists of named things',
      { env: [{ name: 'x', value: 1 }, { name: 'y' }] },
      { env: [{ name: 'x', value: 2 }] },
      { env: [{ name: 'x', value: 1 }, { name: 'y' }, { name: 'injected' }] },
      { env: [{ name: 'x', value: 2 }, { name: 'injected' }] },
    ],
    ['replaces other lists', { l: [1, 2] }, { l: [3] }, { l: [1, 2] }, { l: [3] }],
  ])('%s', (_, current, target, live, expected) => {
    expect(threeWay(current, target, live)).toEqual(expected);
  });
});

describe('patches', () => {
  it.each([
    ['merge', mergePatch({ a: { b: 1, c: 2 } }, { a: { b: null, d: 3 } }), { a: { c: 2, d: 3 } }],
    ['merge replaces lists', mergePatch({ a: [1, 2] }, { a: [3] }), { a: [3] }],
    [
      'strategic merges lists by their key',
      strategicPatch({ env: [{ name: 'a', value: '1' }] }, { env: [{ name: 'b', value: '2' }] }),
      {
        env: [
          { name: 'a', value: '1' },
          { name: 'b', value: '2' },
        ],
      },
    ],
    [
      'strategic deletes from lists',
      strategicPatch({ env: [{ name: 'a' }, { name: 'b' }] }, { env: [{ name: 'a', $patch: 'delete' }] }),
      { env: [{ name: 'b' }] },
    ],
    [
      'strategic replaces on demand',
      strategicPatch({ m: { a: 1 } }, { m: { $patch: 'replace', b: 2 } }),
      { m: { b: 2 } },
    ],
    [
      'JSON patch',
      jsonPatch({ a: [1, 2] }, [
        { op: 'test', path: '/a/0', value: 1 },
        { op: 'add', path: '/a/-', value: 3 },
        { op: 'remove', path: '/a/0' },
        { op: 'move', from: '/a', path: '/b~1c' },
      ]),
      { 'b/c': [2, 3] },
    ],
  ])('%s', (_, result, expected) => {
    expect(result).toEqual(expected);
  });

  it('refuses a JSON patch whose test fails or whose path is not there', () => {
    expect(() => jsonPatch({ a: 1 }, [{ op: 'test', path: '/a', value: 2 }])).toThrow(
      'the server rejected our request',
    );
    expect(() => jsonPatch({ a: 1 }, [{ op: 'replace', path: '/b', value: 2 }])).toThrow(
      'the server rejected our request',
    );
  });
});

describe('toYaml', () => {
  it('is read back as what it was written from', () => {
    const value = fc.letrec((tie) => ({
      leaf: fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean(), fc.constant(null)),
      node: fc.oneof(
        { maxDepth: 4 },
        tie('leaf'),
        fc.array(tie('node'), { maxLength: 4 }),
        fc.dictionary(fc.string(), tie('node'), { maxKeys: 4, noNullPrototype: true }),
      ),
    })).node;
    fc.assert(
      fc.property(value, (data) => {
        expect(parse(toYaml(data))).toEqual(data);
      }),
    );
  });
});

describe('the clock', () => {
  let clock: SimClock;
  afterEach(() => {
    clock.stop();
    vi.useRealTimers();
  });

  it('runs as many times as fast, and stamps with the wall', () => {
    vi.useFakeTimers();
    clock = createClock(10);
    const ran: number[] = [];
    clock.after(50, () => ran.push(clock.elapsed()));
    clock.after(20, () => ran.push(clock.elapsed()));
    vi.advanceTimersByTime(2_000);
    expect(ran).toEqual([20]);
    vi.advanceTimersByTime(3_000);
    expect(ran).toEqual([20, 50]);
    expect(clock.now() - clock.startedAt).toBe(5_000);
    expect(clock.simAt(clock.startedAt - 60_000)).toBe(-60);
  });

  it('runs in order what falls due in a jump, chains included, and not what was cancelled', () => {
    vi.useFakeTimers();
    clock = createClock(1);
    const ran: string[] = [];
    const cancel = clock.after(5, () => ran.push('cancelled'));
    clock.after(10, () => {
      ran.push(`first at ${clock.elapsed()}`);
      clock.after(10, () => ran.push(`chained at ${clock.elapsed()}`));
    });
    clock.after(90, () => ran.push('later'));
    cancel();
    clock.advance(60);
    expect(ran).toEqual(['first at 10', 'chained at 20']);
    expect(clock.elapsed()).toBe(60);
    vi.advanceTimersByTime(30_000);
    expect(ran.at(-1)).toBe('later');
  });
});

describe('effects', () => {
  it.each([
    [3, 3, 0, 'ok'],
    [3, 2, 0, 'ok'],
    [3, 1, 0, 'degraded'],
    [3, 0, 0, 'down'],
    [3, 3, 3, 'degraded'],
    [0, 0, 0, 'off'],
    [1, 1, 0, 'ok'],
  ] as const)('%i wanted, %i ready, %i at fault: %s', (desired, ready, faulted, condition) => {
    expect(serviceState(desired, ready, faulted, 'stuck').condition).toBe(condition);
  });

  it('makes counters that never fall and a queue that drains', () => {
    const sound = soundEffects(mapServices(() => 3));
    const broken = {
      ...sound,
      services: { ...sound.services, 'analysis-engine': serviceState(3, 0, 3, 'crash-at-start') },
    };
    expect(impairedShare(sound)).toBe(0);
    expect(impairedShare(broken)).toBe(0.7);
    const timeline = createTimeline(createCustomers(createRandom('x')), sound, -1_000);
    timeline.note(-100, broken);
    timeline.note(50, sound);
    let before = timeline.at(-200);
    for (let second = -200; second <= 60; second += 0.5) {
      const now = timeline.at(second);
      const { total, failed } = now.requests['analysis-engine'];
      expect(total).toBeGreaterThanOrEqual(before.requests['analysis-engine'].total);
      expect(failed).toBeGreaterThanOrEqual(before.requests['analysis-engine'].failed);
      before = now;
    }
    expect(timeline.at(49).queueDepth).toBeGreaterThan(200);
    expect(timeline.at(49).queueOldest).toBe(149);
    expect(timeline.at(60)).toMatchObject({ queueDepth: 12, queueOldest: 4 });
  });
});

describe('customers', () => {
  it('are forty with about 1,500 agents, whatever the seed', () => {
    fc.assert(
      fc.property(fc.string(), (seed) => {
        const customers = createCustomers(createRandom(seed));
        const agents = customers.reduce((sum, customer) => sum + customer.agents, 0);
        expect(new Set(customers.map((customer) => customer.name)).size).toBe(40);
        expect(new Set(customers.map((customer) => customer.rank)).size).toBe(40);
        expect(agents).toBeGreaterThan(1_000);
        expect(agents).toBeLessThan(2_000);
      }),
      { numRuns: 30 },
    );
  });
});

describe('humanDuration', () => {
  it.each([
    [0, '0s'],
    [119, '119s'],
    [125, '2m5s'],
    [600, '10m'],
    [10_800, '3h'],
    [12_000, '3h20m'],
    [100_000, '27h'],
    [190_000, '2d4h'],
    [900_000, '10d'],
  ])('%i seconds is %s', (seconds, text) => {
    expect(humanDuration(seconds)).toBe(text);
  });
});
