import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CorrelateOptions, correlateDeploys, lastHealthy } from '../../src/domain/correlate.ts';
import type { Revision } from '../../src/domain/observe.ts';
import { at, min, revision } from './builders.ts';

const CORE = { release: 'core', namespace: 'core-prod' };
const options = (over: Partial<CorrelateOptions> = {}): CorrelateOptions => ({
  now: at(0),
  since_ms: 24 * 3_600_000,
  onset: at(-12),
  affected: null,
  ...over,
});
const day = 24 * 60;
/** 10 lived long, 11 failed, 12 came two minutes before the onset. */
const badDeploy = [
  revision(12, -14, 'deployed'),
  revision(11, -90, 'failed'),
  revision(10, -5 * day),
  revision(9, -9 * day),
];

describe('lastHealthy', () => {
  const pick = (list: Revision[], current: number) => {
    const { revision: found, reasons } = lastHealthy(list, current, at(0));
    return [found?.revision ?? null, reasons.join(' / ')] as const;
  };
  it.each([
    ['skips a failed one', badDeploy, 12, 10, 'revision 11 skipped: failed'],
    [
      'skips a short-lived one',
      [revision(3, -5, 'deployed'), revision(2, -10), revision(1, -900)],
      3,
      1,
      'revision 2 skipped: it lived only 5m00s',
    ],
    [
      'skips pending and uninstalled',
      [
        revision(4, -1, 'deployed'),
        revision(3, -60, 'pending-upgrade'),
        revision(2, -99, 'uninstalled'),
        revision(1, -900),
      ],
      4,
      1,
      'revision 3 skipped: pending-upgrade',
    ],
    [
      'takes one still called deployed after a failed upgrade',
      [revision(2, -5, 'failed'), revision(1, -900, 'deployed')],
      2,
      1,
      'deployed',
    ],
    ['says when the lifetime is unknown', [revision(2, -5, 'deployed'), revision(1, null)], 2, 1, 'not known'],
    [
      'skips what a rollback left and what it went to',
      [revision(13, -5, 'deployed', { description: 'Rollback to 10' }), ...badDeploy],
      13,
      9,
      'revision 13 rolled back from it to 10',
    ],
    ['none before the first', [revision(1, -5, 'deployed')], 1, null, 'no revision before 1'],
    ['none at all', [revision(2, -5, 'deployed'), revision(1, -9, 'failed')], 2, null, 'revision 1 skipped: failed'],
    ['an unknown history', [], 5, null, 'no revision before 5'],
  ] as [string, Revision[], number, number | null, string][])('%s', (_name, list, current, expected, reason) => {
    const [found, reasons] = pick(list, current);
    expect(found).toBe(expected);
    expect(reasons).toContain(reason);
  });

  it('is an earlier revision that Helm finished, in any order of the list', () => {
    const status = fc.constantFrom('superseded', 'deployed', 'failed', 'pending-upgrade', 'uninstalled', 'unknown');
    const history = fc.array(fc.tuple(status, fc.integer({ min: 1, max: 60 })), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(history, fc.nat(), (steps, seed) => {
        let minute = -1_000;
        const list = steps.map(([word, gap], i) => {
          minute += gap;
          return revision(i + 1, minute, word);
        });
        const { revision: found } = lastHealthy(
          [...list].sort((a, b) => ((a.revision * seed) % 7) - ((b.revision * seed) % 7)),
          list.length,
          at(0),
        );
        expect(found).toEqual(lastHealthy(list, list.length, at(0)).revision);
        if (found === null) return;
        expect(found.revision).toBeLessThan(list.length);
        expect(['superseded', 'deployed']).toContain(found.status);
        const next = list[found.revision]!;
        expect(Date.parse(next.deployed_at!) - Date.parse(found.deployed_at!)).toBeGreaterThanOrEqual(600_000);
      }),
    );
  });
});

describe('correlateDeploys', () => {
  it('suspects the deploy shortly before the onset and rolls back over the failed one', () => {
    const found = correlateDeploys(badDeploy, options({ affected: [CORE] }));
    expect(found.suspect).toMatchObject({ revision: 12 });
    expect(found.suspect?.suspicion).toBeGreaterThan(0.9);
    expect(found.suspect?.reasons).toEqual(['landed 2m00s before the onset', 'services of this release are unhealthy']);
    expect(found.rollback_candidate).toMatchObject({ ...CORE, from_revision: 12, to_revision: 10 });
    expect(found.rollback_candidate?.reason).toContain('revision 11 skipped: failed');
    expect(found.deploys.map((d) => d.revision)).toEqual([12, 11]);
    expect(found.deploys[1]?.reasons.join()).toContain('Helm did not finish it');
  });

  it('clears a deploy that landed after the onset, even of an unhealthy release', () => {
    const found = correlateDeploys(
      [revision(5, -10, 'deployed'), revision(4, -3 * day)],
      options({ onset: at(-35), affected: [CORE] }),
    );
    expect(found.deploys[0]?.suspicion).toBeLessThan(0.05);
    expect(found.deploys[0]?.reasons[0]).toContain('landed after the onset');
    expect(found).toMatchObject({ suspect: null, rollback_candidate: null, rollback_candidates: [] });
  });

  it.each([
    ['half a minute after the onset: open', -11.5, 'deployed', null, false],
    ['two minutes before', -14, 'deployed', null, true],
    ['hours before', -12 - 300, 'deployed', [CORE], false],
    ['before, of a release that is well', -14, 'deployed', [], false],
    ['time unknown', null, 'deployed', null, false],
  ] as const)('suspect or not: %s', (_name, minute, status, affected, suspect) => {
    const found = correlateDeploys([revision(2, minute, status), revision(1, -9 * day)], options({ affected }));
    expect(found.suspect !== null).toBe(suspect);
  });

  it('goes by recency alone without an onset, and says so', () => {
    const found = correlateDeploys([revision(2, -14, 'deployed'), revision(1, -600)], options({ onset: null }));
    expect(found.deploys[0]?.reasons[0]).toContain('the onset is unknown, so only its recency counts');
    expect(found.deploys[0]!.suspicion).toBeGreaterThan(found.deploys[1]!.suspicion);
  });

  it.each([
    ['pending', revision(13, -2, 'pending-upgrade'), /pending-upgrade, and what Helm does next.*a human frees/],
    [
      'rolled back already',
      revision(13, -2, 'deployed', { description: 'Rollback to 10' }),
      /revision 13 has rolled it back to 10 already/,
    ],
  ])('has no candidate while %s', (_name, newest, reason) => {
    const found = correlateDeploys([newest, revision(12, -14), ...badDeploy.slice(1)], options({ affected: [CORE] }));
    const own = found.rollback_candidates.find((c) => c.release === 'core');
    expect(own?.candidate).toBeNull();
    expect(own?.reason).toMatch(reason);
  });

  it('keeps releases of the same name in two namespaces apart', () => {
    const other = revision(7, -13, 'deployed', { namespace: 'core-dev' });
    const found = correlateDeploys([...badDeploy, other], options({ affected: [CORE] }));
    expect(found.suspect).toMatchObject({ namespace: 'core-prod', revision: 12 });
    expect(found.rollback_candidate?.to_revision).toBe(10);
  });

  it('keeps suspicion within 0..1 and never suspects what came after the onset', () => {
    const any = fc.record({
      minute: fc.option(fc.integer({ min: -2_000, max: 0 })),
      status: fc.constantFrom('deployed', 'superseded', 'failed', 'pending-rollback'),
    });
    fc.assert(
      fc.property(
        fc.array(any, { maxLength: 15 }),
        fc.option(fc.integer({ min: -1_500, max: 0 })),
        fc.constantFrom(null, [], [CORE]),
        (list, onset, affected) => {
          const found = correlateDeploys(
            list.map((r, i) => revision(i + 1, r.minute, r.status)),
            options({ onset: onset === null ? null : at(onset), affected }),
          );
          for (const d of found.deploys) {
            expect(d.suspicion).toBeGreaterThanOrEqual(0);
            expect(d.suspicion).toBeLessThanOrEqual(1);
            expect(d.reasons.length).toBeGreaterThan(0);
            if (onset !== null && d.deployed_at !== null && d.deployed_at > min(onset + 1))
              expect(d.suspicion).toBeLessThan(0.05);
          }
        },
      ),
    );
  });
});

describe('an uninstalled release', () => {
  const gone = (uninstalled_at: string | undefined) => [
    revision(2, -9 * day, 'uninstalled', uninstalled_at === undefined ? {} : { uninstalled_at }),
    revision(1, -30 * day),
  ];

  it('changed the platform when it was uninstalled, not when it was deployed', () => {
    const found = correlateDeploys(gone(min(-14)), options({ affected: [] }));
    expect(found.suspect).toMatchObject({ revision: 2, suspicion: expect.any(Number) });
    expect(found.suspect?.reasons.join()).toMatch(/uninstalled 2m00s before the onset/);
    expect(found.rollback_candidate).toBeNull();
    expect(found.rollback_candidates[0]?.reason).toContain('revision 2 is uninstalled');
    expect(correlateDeploys(gone(min(-3 * day)), options()).deploys).toEqual([]);
  });

  it('is shown where the instant is not known', () => {
    const { deploys } = correlateDeploys(gone(undefined), options());
    expect(deploys.map((d) => d.reasons[0])).toEqual(['when it was uninstalled is not known']);
  });

  it('counts as deployed again by what came after', () => {
    const [before] = gone(min(-14));
    const { deploys } = correlateDeploys([revision(3, -13, 'deployed'), ...(before ? [before] : [])], options());
    expect(deploys.map((d) => d.revision)).toEqual([3]);
  });
});
