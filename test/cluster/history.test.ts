import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Revision } from '../../src/domain/observe.ts';
import { Bin } from '../helpers/bin.ts';
import { adaptersOf } from './helpers/adapters.ts';
import { colleague, HELMS, type HelmName } from './helpers/at-hand.ts';
import { writeChart } from './helpers/chart.ts';
import { deploysOf, tinyChart, watching } from './helpers/deploys.ts';
import { cutOff, type HelmRecordBody, type HistoryRow, helmHistory, recordsOf, store } from './helpers/records.ts';
import { workload } from './helpers/workloads.ts';
import { runToEnd } from './lab/daemon.ts';

const bin = new Bin();
afterAll(() => bin.empty());
const at = colleague();

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Enough to tell descriptions apart; of a failed one the tool shows the beginning, on one line. */
const begin = (description: string | null): string | undefined => description?.replace(/\s+/g, ' ').slice(0, 60);

/** A row of Helm's and one of ours in one form; Helm prints nanoseconds. */
const fromHelm = (row: HistoryRow) => ({
  revision: row.revision,
  status: row.status,
  chart: row.chart,
  app_version: row.app_version,
  description: begin(row.description),
  at: new Date(row.updated).toISOString(),
});
const fromUs = (row: Revision) => ({
  revision: row.revision,
  status: row.status,
  chart: row.chart,
  app_version: row.app_version,
  description: begin(row.description),
  at: row.deployed_at,
});

/** Ten revisions by Helm itself: finished ones, one that failed, one that rolls back. */
async function tenRevisions(helm: HelmName, chart: string, namespace: string, release: string): Promise<void> {
  const ref = [release, chart, '-n', namespace];
  await at.helm(helm, 'install', ...ref, '--set-string', 'number=1');
  for (let n = 2; n <= 6; n++) await at.helm(helm, 'upgrade', ...ref, '--set-string', `number=${n}`);
  // A number is no text of a ConfigMap: the API server refuses it.
  await expect(at.helm(helm, 'upgrade', ...ref, '--set', 'number=7')).rejects.toThrow();
  await at.helm(helm, 'rollback', release, '4', '-n', namespace);
  for (let n = 9; n <= 10; n++) await at.helm(helm, 'upgrade', ...ref, '--set-string', `number=${n}`);
}

let made: Record<HelmName, HelmRecordBody[]>;
let chart: string;
beforeAll(async () => {
  chart = await tinyChart(bin);
  const ns = await at.namespace(bin, 'made');
  const entries = await Promise.all(
    HELMS.map(async (helm) => {
      await tenRevisions(helm, chart, ns, helm);
      return [helm, await recordsOf(at, ns, helm)] as const;
    }),
  );
  made = Object.fromEntries(entries) as typeof made;
});

describe.each(HELMS)('%s', (helm) => {
  test('15 releases of 10 revisions each: every row equals `helm history`', async () => {
    const ns = await at.namespace(bin, `ten-${helm}`);
    const names = Array.from({ length: 15 }, (_, i) => `release-${i}`);
    await store(
      at,
      names.flatMap((name, i) =>
        made[helm].map((record) => ({
          ...record,
          name,
          namespace: ns,
          info: {
            ...record.info,
            last_deployed: new Date(Date.now() - i * HOUR - (10 - record.version) * MINUTE).toISOString(),
          },
        })),
      ),
    );
    const ours = await adaptersOf(at.lab).reader.history([ns], names, 10, { deadline_ms: 20_000 });
    expect(ours).toHaveLength(150);
    const session = await watching(
      bin,
      names.map((name) => ({ name, namespace: ns })),
    );
    for (const name of names) {
      const theirs = (await helmHistory(at, helm, ns, name)).map(fromHelm).reverse();
      expect(theirs.map((row) => row.status)).toContain('failed');
      expect(ours.filter((row) => row.release === name).map(fromUs)).toEqual(theirs);
      const { deploys, deploys_total } = await session.ok('check_recent_deploys', { release: name, since: '30d' });
      expect(deploys_total).toBe(10);
      const shown = deploysOf({ deploys }).map(fromUs);
      expect(shown.sort((a, b) => b.revision - a.revision)).toEqual(theirs);
    }
    const { text, data } = await session.call('check_recent_deploys', { since: '30d' });
    expect(data).toMatchObject({ deploys_total: 150, unseen: [], unseen_total: 0 });
    expect(deploysOf(data).every((row) => row.chart !== null && row.description !== null)).toBe(true);
    expect(text).toContain('138 more deploys are not shown');
    expect(Buffer.byteLength(text)).toBeLessThan(8_192);
  });

  test('failed, cut off and uninstalled releases are told by their states, as `helm history` tells them', async () => {
    const ns = await at.namespace(bin, `states-${helm}`);
    // A pod that never becomes ready holds an operation with --wait for as long as it takes to cut it off.
    const waiting = await writeChart(
      bin,
      { name: 'waiting', version: '3.0.0' },
      {
        'templates/app.yaml': [
          '{{- if .Values.app }}',
          JSON.stringify(
            workload('Deployment', ns, 'NAME', { image: 'registry.invalid/app:1', fate: 'stuck' }),
          ).replaceAll('NAME', '{{ .Release.Name }}'),
          '{{- end }}',
        ].join('\n'),
      },
    );
    const cut = (release: string, status: string, ...argv: string[]) =>
      cutOff(at, helm, { namespace: ns, release, status }, ...argv, '--wait', '--timeout', '60s');
    const [on, off] = [
      ['--set', 'app=true'],
      ['--set', 'app='],
    ] as const;
    await Promise.all([
      cut('installing', 'pending-install', 'install', 'installing', waiting, ...on),
      at
        .helm(helm, 'install', 'upgrading', waiting, '-n', ns, ...off)
        .then(() => cut('upgrading', 'pending-upgrade', 'upgrade', 'upgrading', waiting, ...on)),
      at
        .helm(helm, 'install', 'rolling', waiting, '-n', ns, ...on)
        .then(() => at.helm(helm, 'upgrade', 'rolling', waiting, '-n', ns, ...off))
        .then(() => cut('rolling', 'pending-rollback', 'rollback', 'rolling', '1')),
      expect(
        at.helm(helm, 'install', 'failing', waiting, '-n', ns, ...on, '--wait', '--timeout', '1s'),
      ).rejects.toThrow(),
      at
        .helm(helm, 'install', 'leaving', chart, '-n', ns, '--set-string', 'number=1')
        .then(() => at.helm(helm, 'uninstall', 'leaving', '-n', ns, '--keep-history')),
      at
        .helm(helm, 'install', 'leaving-not-a-trace', chart, '-n', ns, '--set-string', 'number=1')
        .then(() => at.helm(helm, 'uninstall', 'leaving-not-a-trace', '-n', ns)),
    ]);
    const told = ['failing', 'installing', 'leaving', 'rolling', 'upgrading'];
    const names = [...told, 'leaving-not-a-trace'];
    const session = await watching(
      bin,
      names.map((name) => ({ name, namespace: ns })),
    );
    const { text, data } = await session.call('check_recent_deploys');
    const newest = new Map<string, string>();
    for (const name of told) {
      const theirs = (await helmHistory(at, helm, ns, name)).map(fromHelm);
      const ours = deploysOf(data).filter((row) => row.release === name);
      expect(ours.map(fromUs).sort((a, b) => a.revision - b.revision)).toEqual(theirs);
      newest.set(name, theirs.at(-1)?.status ?? '');
    }
    expect(Object.fromEntries(newest)).toEqual({
      failing: 'failed',
      installing: 'pending-install',
      leaving: 'uninstalled',
      rolling: 'pending-rollback',
      upgrading: 'pending-upgrade',
    });
    expect(data.unseen).toMatchObject([{ release: 'leaving-not-a-trace', namespace: ns, cause: 'none' }]);
    expect(text).toMatch(
      /Not seen: leaving-not-a-trace in .*: it has no history .* HELM_DRIVER=sql or memory.* Next: check/,
    );
    expect(text).not.toContain('a deploy is not to blame');
    const gone = deploysOf(data).find((row) => row.release === 'leaving');
    const [record] = await recordsOf(at, ns, 'leaving');
    expect(gone?.uninstalled_at).toBe(new Date(record?.info.deleted ?? '').toISOString());
    expect(gone?.reasons.join()).toContain('uninstalled');

    // Each kind of cut-off operation is said to be in the way of a rollback.
    for (const [release, status] of newest) {
      if (!status.startsWith('pending-')) continue;
      const one = await session.ok('check_recent_deploys', { release });
      expect(one.rollback_candidate).toBeNull();
      expect(one.verdict).toContain(
        `is ${status}, and what Helm does next to it would go into whatever is still running`,
      );
    }
  });

  test('a record of almost 1 MiB', async () => {
    const ns = await at.namespace(bin, `large-${helm}`);
    const large = await writeChart(
      bin,
      { name: 'large', version: '9.9.9', appVersion: '7.7' },
      {
        'templates/config.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: large}\n',
        'files/noise.txt': randomBytes(560 * 1024).toString('base64'),
      },
    );
    await at.helm(helm, 'install', 'large', large, '-n', ns);
    const stored = await at.kubectl(
      'get',
      'secret',
      '-n',
      ns,
      'sh.helm.release.v1.large.v1',
      '-o',
      'jsonpath={.data.release}',
    );
    expect(Buffer.from(stored, 'base64').length).toBeGreaterThan(900 * 1024);
    const session = await watching(bin, [{ name: 'large', namespace: ns }]);
    const { deploys, sources } = await session.ok('check_recent_deploys');
    expect(deploysOf({ deploys }).map(fromUs)).toEqual((await helmHistory(at, helm, ns, 'large')).map(fromHelm));
    expect(sources).toContainEqual(expect.objectContaining({ name: 'helm', status: 'ok' }));
  });

  test('the configmap driver is named as not supported, beside a release that is seen', async () => {
    const ns = await at.namespace(bin, `driver-${helm}`);
    const elsewhere = (driver: string, ...argv: string[]) =>
      runToEnd(
        at.lab.programs[helm],
        [`--kubeconfig=${at.lab.kubeconfig}`, `--kube-context=${at.lab.context}`, ...argv],
        {
          env: { ...process.env, HELM_DRIVER: driver },
          deadlineMs: 30_000,
        },
      );
    await elsewhere('configmap', 'install', 'kept', chart, '-n', ns, '--set-string', 'number=1');
    await at.helm(helm, 'install', 'seen', chart, '-n', ns, '--set-string', 'number=1');
    const session = await watching(
      bin,
      ['kept', 'seen'].map((name) => ({ name, namespace: ns })),
    );

    const both = await session.call('check_recent_deploys');
    expect(both.isError).toBe(false);
    expect(deploysOf(both.data).map((row) => row.release)).toEqual(['seen']);
    expect(both.data).toMatchObject({
      unseen: [{ release: 'kept', namespace: ns, cause: 'configmap' }],
      unseen_total: 1,
    });
    expect(both.text).toContain('deploys of 1 configured release are unknown');
    expect(both.text).toMatch(
      /Not seen: kept in .*ConfigMaps \(HELM_DRIVER=configmap\), which is not supported\. Next: look with/,
    );

    const alone = await session.call('check_recent_deploys', { release: 'kept' });
    expect(alone.data).toMatchObject({ verdict: 'deploys are unknown: no history was found of 1 configured release' });
    expect(alone.text).toContain('HELM_DRIVER=configmap');
    const plan = await session.call('rollback_release', { release: 'kept', reason: 'to see it refused' });
    expect(plan.text).toMatch(/^NOT_CONFIGURED: .*HELM_DRIVER=configmap.*not supported.* Next: /);
    // The hint is true: that command shows it.
    expect(await elsewhere('configmap', 'history', 'kept', '-n', ns)).toContain('Install complete');
  });
});

test('a value that the API server quotes when it refuses a Secret stays in the cluster', async () => {
  const secret = await writeChart(
    bin,
    { name: 'hidden', version: '1.0.0' },
    {
      'templates/secret.yaml':
        'apiVersion: v1\nkind: Secret\nmetadata: {name: "{{ .Release.Name }}"}\ndata: {dsn: {{ .Values.dsn | b64enc }}, number: {{ toJson .Values.number }}}\n',
    },
  );
  const ns = await at.namespace(bin, 'hidden');
  const plain = 'Zq9-hunter-7';
  for (const helm of HELMS) {
    const ref = [helm, secret, '-n', ns, '--set-string', `dsn=${plain}`];
    await at.helm(helm, 'install', ...ref, '--set-string', 'number=AAAA');
    await expect(at.helm(helm, 'upgrade', ...ref, '--set', 'number=83274923')).rejects.toThrow();
  }
  const session = await watching(
    bin,
    HELMS.map((name) => ({ name, namespace: ns })),
  );
  const { text, data } = await session.call('check_recent_deploys');
  const failed = deploysOf(data).filter((row) => row.status === 'failed');
  expect(failed.map((row) => row.release).sort()).toEqual(['helm3', 'helm4']);
  for (const { description } of failed) expect(description).toMatch(/^Upgrade "helm\d" failed/);
  const said = text + JSON.stringify(data);
  for (const value of [plain, Buffer.from(plain).toString('base64').slice(0, 12), '83274923'])
    expect(said).not.toContain(value);
});
