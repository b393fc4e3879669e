import { afterEach, describe, expect, it } from 'vitest';
import type { MetricsSummary } from '../../src/domain/metrics.ts';
import { Bin } from '../helpers/bin.ts';
import { declare, makeDesk, mitigated, note } from './desk.ts';

const bin = new Bin();
afterEach(() => bin.empty());

const MINUTE = 60_000;

/** Three real incidents (impact of 20, 40 and 90 minutes), one that still runs, a drill and a false alarm. */
async function withRecord() {
  const desk = await makeDesk(bin);
  const store = await desk.store();
  const ended = async (severity: 'SEV1' | 'SEV2', ago: number, stopped: number, drill = false) => {
    const id = await declare(store, { severity, ago, drill });
    await store.append(id, () => [mitigated(stopped)]);
  };
  await ended('SEV2', 60, 50);
  await ended('SEV2', 60, 30);
  await ended('SEV1', 3 * 24 * 60, 3 * 24 * 60 - 80);
  await declare(store, { severity: 'SEV3', ago: 5 });
  await ended('SEV1', 60, 59, true);
  const alarm = await declare(store, { severity: 'SEV1' });
  await store.append(alarm, () => [note('no', { kind: 'status_changed', change: { status: 'false_alarm' } })]);
  return desk;
}

interface Answer {
  since: string | null;
  incidents: Record<string, number>;
  left_out: { drills: number; false_alarms: number };
  metrics: MetricsSummary;
}

describe('stats', () => {
  it('gives n, median and p90 by severity, without drills, false alarms and means', async () => {
    const desk = await withRecord();
    const said = await desk.run(['stats', '--json']);
    expect(said.code).toBe(0);
    const { metrics, ...answer } = JSON.parse(said.stdout) as Answer;
    expect(answer).toEqual({
      since: null,
      incidents: { all: 4, SEV1: 1, SEV2: 2, SEV3: 1, SEV4: 0 },
      left_out: { drills: 1, false_alarms: 1 },
    });
    expect(metrics.all.time_to_mitigate).toEqual({ n: 3, median_ms: 40 * MINUTE, p90_ms: 90 * MINUTE });
    expect(metrics.SEV2.time_to_mitigate).toEqual({ n: 2, median_ms: 30 * MINUTE, p90_ms: 40 * MINUTE });
    expect(metrics.SEV3.time_to_mitigate).toEqual({ n: 0, median_ms: null, p90_ms: null });
    expect(said.stdout).not.toMatch(/mean|average/i);
  });

  it('tells it as a table for people', async () => {
    const desk = await withRecord();
    const { code, stdout } = await desk.run(['stats']);
    expect(code).toBe(0);
    expect(stdout).toContain('4 incidents; left out: 1 drill, 1 false alarm.');
    expect(stdout).toMatch(/time to mitigate +3 +40m00s +1h30m/);
    expect(stdout).toMatch(/time to resolve +0 +- +-/);
    expect(stdout).not.toContain('SEV4');
  });

  it('looks only as far back as it is told', async () => {
    const desk = await withRecord();
    const { stdout } = await desk.run(['stats', '--since', '2d', '--json']);
    const answer = JSON.parse(stdout) as Answer;
    expect(answer.incidents).toMatchObject({ all: 3, SEV1: 0 });
    expect(Date.now() - Date.parse(answer.since ?? '')).toBeGreaterThan(2 * 24 * 60 * MINUTE - 1_000);
    expect(await desk.run(['stats', '--since', 'yesterday'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/INVALID_INPUT: --since is not a duration.* Next: /),
    });
  });

  it('says zero for an empty record', async () => {
    const desk = await makeDesk(bin);
    expect(await desk.run(['stats'])).toMatchObject({ code: 0, stdout: expect.stringContaining('0 incidents') });
  });
});
