import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import type { Session } from '../helpers/session.ts';
import { colleague } from './helpers/at-hand.ts';
import { deploysOf, tinyChart, watching } from './helpers/deploys.ts';
import { helmHistory, recordsOf, store, type Told, toldHistory } from './helpers/records.ts';

const bin = new Bin();
afterAll(() => bin.empty());
const at = colleague();

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let chart: string;
beforeAll(async () => {
  chart = await tinyChart(bin);
});

describe('what the history means', () => {
  let ns: string;
  let session: Session;
  const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();

  beforeAll(async () => {
    ns = await at.namespace(bin, 'means');
    await at.helm('helm3', 'install', 'base', chart, '-n', ns, '--set-string', 'number=1');
    const [base] = await recordsOf(at, ns, 'base');
    if (!base) throw new Error('there is no record to start from');
    const history = (name: string, ...told: Told[]) => toldHistory(base, name, ns, told);
    await store(at, [
      ...history('steady', { ago: 9 * DAY }, { ago: 3 * DAY }),
      ...history('fresh', { ago: 5 * DAY }, { ago: 3 * HOUR }, { ago: 20 * MINUTE }),
      // Revision 3 was a way back to 1, which the fourth newest record alone can tell.
      ...history(
        'returned',
        { ago: 4 * DAY },
        { ago: 2 * DAY },
        { ago: 30 * HOUR, description: 'Rollback to 1' },
        { ago: 30 * HOUR - 5 * MINUTE, status: 'failed' },
        { ago: 29 * HOUR, status: 'failed' },
        { ago: 28 * HOUR, status: 'failed' },
        { ago: 10 * MINUTE },
      ),
      ...history(
        'taken',
        { ago: 20 * DAY },
        {
          ago: 10 * DAY,
          status: 'uninstalled',
          description: 'Uninstallation complete',
          deletedAgo: 15 * MINUTE,
        },
      ),
    ]);
    session = await watching(
      bin,
      ['steady', 'fresh', 'returned', 'taken'].map((name) => ({ name, namespace: ns })),
    );
  });
  const revisions = (data: Record<string, unknown>) =>
    deploysOf(data)
      .map((row) => `${row.release} ${row.revision}`)
      .sort();

  test('Helm reads it as it was told', async () => {
    expect((await helmHistory(at, 'helm4', ns, 'returned')).map((row) => row.status)).toEqual([
      ...['superseded', 'superseded', 'superseded'],
      ...['failed', 'failed', 'failed', 'deployed'],
    ]);
  });

  test('`since` is kept to the second, and an uninstallation counts from when it was', async () => {
    expect(revisions(await session.ok('check_recent_deploys', { since: '30m' }))).toEqual([
      ...['fresh 3', 'returned 7', 'taken 2'],
    ]);
    expect(revisions(await session.ok('check_recent_deploys', { since: '4h' }))).toEqual([
      ...['fresh 2', 'fresh 3', 'returned 7', 'taken 2'],
    ]);
    expect(revisions(await session.ok('check_recent_deploys', { since: '12m' }))).toEqual(['returned 7']);
    const none = await session.ok('check_recent_deploys', { since: '1h', release: 'steady' });
    expect(none).toMatchObject({ deploys_total: 0, verdict: 'No deploy within 1h: a deploy is not to blame' });
  });

  test('the suspect is the one before the onset', async () => {
    const late = await session.ok('check_recent_deploys', { release: 'fresh', onset: ago(15 * MINUTE) });
    expect(late.suspect).toMatchObject({ release: 'fresh', revision: 3, chart: 'tiny-0.2.0', app_version: '1.0.2' });
    expect(late.rollback_candidate).toMatchObject({
      release: 'fresh',
      namespace: ns,
      from_revision: 3,
      to_revision: 2,
    });
    const early = await session.ok('check_recent_deploys', { release: 'fresh', onset: ago(170 * MINUTE) });
    const [third] = deploysOf(early).filter((row) => row.revision === 3);
    expect(third?.suspicion).toBeLessThan(0.05);
    expect(third?.reasons.join()).toContain('after the onset');
    expect(early.suspect).toMatchObject({ revision: 2 });
  });

  test('a rollback that lies further back than the shown revisions keeps what it left from being the target', async () => {
    const { data, text } = await session.call('check_recent_deploys', { release: 'returned', onset: ago(5 * MINUTE) });
    expect(data.rollback_candidate).toMatchObject({ from_revision: 7, to_revision: 1 });
    expect(text).toContain('revision 2 skipped: revision 3 rolled back from it to 1');
  });

  test('an uninstallation shortly before the onset is the suspect', async () => {
    const { data, text } = await session.call('check_recent_deploys', { release: 'taken', onset: ago(10 * MINUTE) });
    expect(data.suspect).toMatchObject({ release: 'taken', revision: 2, status: 'uninstalled' });
    expect(data.rollback_candidate).toBeNull();
    expect(text).toMatch(
      /^Suspect: taken revision 2 \(uninstalled, suspicion 0\.\d+\), but it cannot be rolled back now: revision 2 is uninstalled/,
    );
    expect(text).toMatch(/taken rev 2 uninstalled .* \(deployed .*uninstalled 5m\d*s? before the onset/);
  });
});

test('a name in two namespaces is never guessed', async () => {
  const [one, two, other] = await Promise.all(['one', 'two', 'other'].map((name) => at.namespace(bin, name)));
  if (!one || !two || !other) throw new Error('no namespaces');
  for (const [ns, value] of [
    [one, '1'],
    [two, '2'],
    [other, '3'],
  ] as const)
    await at.helm('helm4', 'install', 'twin', chart, '-n', ns, '--set-string', `number=${value}`);
  await at.helm('helm3', 'upgrade', 'twin', chart, '-n', two, '--set-string', 'number=4');
  const session = await watching(bin, [
    { name: 'twin', namespace: one },
    { name: 'twin', namespace: two },
  ]);
  const { data, text } = await session.call('check_recent_deploys', { release: 'twin' });
  const rows = deploysOf(data).map((row) => `${row.namespace} ${row.revision}`);
  // The third namespace is not configured.
  expect(rows.sort()).toEqual([`${one} 1`, `${two} 1`, `${two} 2`].sort());
  for (const ns of [one, two]) expect(text).toContain(`${ns}/twin rev 1`);
  const { suspect } = data as { suspect: { namespace: string } | null };
  if (suspect) expect(text).toContain(`Suspect: twin in ${suspect.namespace} revision`);

  const guess = await session.call('rollback_release', { release: 'twin', revision: 1, reason: 'which one?' });
  expect(guess.text).toMatch(
    /^INVALID_INPUT: release twin is configured in .* and .*Next: say which one with namespace\.$/,
  );
  const named = await session.call('rollback_release', { release: 'twin', namespace: one, revision: 1, reason: 'one' });
  expect(named.text).toMatch(/^CONFLICT: twin is at revision 1 already/);
});
