import { beforeAll, describe, expect, test } from 'vitest';
import { type Adapters, adapters, READ, type World } from './world.ts';

interface Row {
  revision: number;
  updated: string;
  status: string;
  chart: string;
  app_version: string;
  description: string;
}

/** What our adapter of Helm says, beside what helm itself says. */
export function releasesContract(world: () => World): void {
  let our: Adapters;
  beforeAll(() => {
    our = adapters(world());
  });
  const helmHistory = async (): Promise<Row[]> =>
    JSON.parse(await world().helm('history', world().release.release, '-o', 'json')) as Row[];

  describe('releases', () => {
    test('the history is that of `helm history`, newest first', async () => {
      const { release, namespace } = world().release;
      const theirs = (await helmHistory()).reverse();
      expect(theirs.length).toBeGreaterThan(2);
      expect(theirs[0]?.status).toBe('deployed');
      expect(theirs.map((row) => row.status)).toContain('failed');
      const ours = await our.helm.reader.history([namespace], [release], 100, READ);
      const long = /^(.{0,60}).*$/s;
      const comparable = (description: string | null): string => (description ?? '').replace(long, '$1');
      expect(ours.map((row) => ({ ...row, description: comparable(row.description) }))).toEqual(
        theirs.map(({ revision, updated, status, chart, app_version, description }) => ({
          release,
          namespace,
          revision,
          status,
          chart,
          app_version,
          deployed_at: new Date(updated).toISOString(),
          description: comparable(description),
        })),
      );
    });

    test('labels alone tell revision, status and, nearly, the instant', async () => {
      const { release, namespace } = world().release;
      const [whole, labels] = await Promise.all([
        our.helm.reader.history([namespace], [release], 100, READ),
        our.helm.reader.overview([world().release], READ),
      ]);
      expect(labels.unseen).toEqual([]);
      expect(labels.revisions.map((r) => [r.revision, r.status, r.chart])).toEqual(
        whole.map((r) => [r.revision, r.status, null]),
      );
      for (const [i, { deployed_at }] of labels.revisions.entries()) {
        const exact = Date.parse(whole[i]?.deployed_at ?? '');
        expect(Math.abs(Date.parse(deployed_at ?? '') - exact)).toBeLessThan(10_000);
      }
      const described = await our.helm.reader.describe(labels.revisions, READ);
      expect(described).toEqual({ revisions: whole, problem: null });
    });

    test('the payload holds manifest, values and hooks', async () => {
      const [newest] = (await helmHistory()).reverse();
      const payload = await our.helm.reader.payload(world().release, newest?.revision ?? 0, READ);
      const manifest = await world().helm('get', 'manifest', world().release.release);
      const values = await world().helm('get', 'values', world().release.release, '-o', 'json');
      expect(payload?.manifest.trim()).toBe(manifest.trim());
      expect(payload?.manifest).toMatch(/^# Source: [\w-]+\/templates\//m);
      expect(payload?.config).toEqual(JSON.parse(values) ?? {});
      for (const hook of payload?.hooks ?? []) {
        expect(hook).toEqual({ name: expect.any(String), kind: expect.any(String), events: expect.any(Array) });
      }
      expect(await our.helm.reader.payload(world().release, 9_999, READ)).toBeNull();
    });

    test('a dry run succeeds and leaves the history as it is', async () => {
      const before = await helmHistory();
      const target = before.findLast((row) => row.status === 'superseded');
      const said = await our.helm.reader.dryRunRollback(world().release, target?.revision ?? 0, READ);
      expect(said).toMatchObject({ exit_code: 0, timed_out: false });
      const missing = await our.helm.reader.dryRunRollback(world().release, 9_999, READ);
      expect(missing.exit_code).toBe(1);
      expect(missing.stderr).toMatch(/release: not found|release has no 9999 version/);
      expect(await helmHistory()).toEqual(before);
    });

    test('a release that is not there has no history', async () => {
      const { namespace } = world().release;
      expect(await our.helm.reader.history([namespace], ['ghost'], 1, READ)).toEqual([]);
      const { unseen } = await our.helm.reader.overview([{ release: 'ghost', namespace }], READ);
      expect(unseen).toEqual([expect.objectContaining({ release: 'ghost', cause: 'none' })]);
    });

    test('a rollback adds a revision that says what it is', async () => {
      const before = await helmHistory();
      const target = before.findLast((row) => row.status === 'superseded');
      const done = await our.helm.actuator.rollback(world().release, target?.revision ?? 0, 30_000);
      expect(done).toMatchObject({ exit_code: 0 });
      const after = await helmHistory();
      const [last, previous] = after.toReversed();
      expect(last).toMatchObject({ status: 'deployed', description: `Rollback to ${target?.revision}` });
      expect(last?.revision).toBe((before.at(-1)?.revision ?? 0) + 1);
      expect(previous).toMatchObject({ revision: before.at(-1)?.revision, status: 'superseded' });
      const [newest] = await our.helm.reader.history([world().release.namespace], [world().release.release], 1, READ);
      expect(newest).toMatchObject({ revision: last?.revision, description: last?.description });
    });
  });
}
