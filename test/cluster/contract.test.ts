import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe } from 'vitest';
import { adapterContract } from '../contract/suite.ts';
import type { World } from '../contract/world.ts';
import { Bin } from '../helpers/bin.ts';
import { endProcess } from '../helpers/process.ts';
import { type Colleague, colleague, HELMS } from './helpers/at-hand.ts';
import { writeChart } from './helpers/chart.ts';
import { workload } from './helpers/workloads.ts';

const bin = new Bin();
afterAll(() => bin.empty());

/** The API over plain HTTP on loopback, whatever the kubeconfig's way to sign in. */
async function proxyOf({ lab }: Colleague): Promise<string> {
  const argv = [`--kubeconfig=${lab.kubeconfig}`, `--context=${lab.context}`, 'proxy', '--port=0'];
  const child = spawn(lab.programs.kubectl, argv, { stdio: ['pipe', 'pipe', 'ignore'] });
  bin.add(() => endProcess(child));
  const signal = AbortSignal.timeout(15_000);
  const [line] = (await once(createInterface({ input: child.stdout }), 'line', { signal })) as [string];
  const address = /127\.0\.0\.1:\d+/.exec(line)?.[0];
  if (address === undefined) throw new Error(`kubectl proxy said: ${line}`);
  return `http://${address}`;
}

interface Kubeconfig {
  users: { name: string; user: Record<string, unknown> }[];
}

/** The lab's kubeconfig with a token that nobody has (401), or for somebody without any rights (403). */
async function strangersKubeconfig(at: Colleague, status: 401 | 403): Promise<string> {
  const view = ['config', 'view', '--minify', '--raw', '--flatten', '-o', 'json'];
  const config = JSON.parse(await at.kubectl(...view)) as Kubeconfig;
  for (const one of config.users)
    one.user = status === 401 ? { token: 'nobody-has-it' } : { ...one.user, as: 'nobody' };
  const file = join(await bin.folder(), `stranger-${status}`);
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}

/** A token of a list at the first version that etcd ever had, after making sure that etcd has dropped it. */
async function expiredToken(etcd: string, url: string, path: string): Promise<string> {
  // Refused where more than that is dropped already, which is as good.
  await fetch(`${etcd}/v3/kv/compaction`, { method: 'POST', body: JSON.stringify({ revision: '2' }) });
  const list = (await (await fetch(`${url}${path}`)).json()) as { metadata: { continue: string } };
  const token = JSON.parse(Buffer.from(list.metadata.continue, 'base64url').toString('utf8')) as object;
  return Buffer.from(JSON.stringify({ ...token, rv: 1 })).toString('base64url');
}

describe.each(HELMS)('a real cluster with %s', (which) => {
  let world: World;
  beforeAll(async () => {
    const at = colleague();
    const { lab } = at;
    const namespace = await at.namespace(bin, `contract-${which}`);
    const release = 'core';
    const chart = (version: string) =>
      writeChart(
        bin,
        { name: 'core', version, appVersion: '7.1' },
        {
          'templates/app.yaml': [
            workload('Deployment', namespace, 'web', { replicas: 2, image: `registry.example/web:${version}` }),
            workload('StatefulSet', namespace, 'db'),
            workload('DaemonSet', namespace, 'relay'),
          ],
          'templates/config.yaml':
            'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: core}\ndata: {a: {{ toJson .Values.a }}}\n',
          'templates/hook.yaml':
            'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hook, annotations: {helm.sh/hook: pre-upgrade}}\n',
        },
      );
    const helm = (...argv: string[]) => at.helm(which, ...argv, '-n', namespace);
    await helm('install', release, await chart('1.0.0'), '--set-string', 'a=1', '--wait', '--timeout', '60s');
    await helm('upgrade', release, await chart('2.0.0'), '--set', 'a=2').then(
      () => {
        throw new Error('the upgrade should have failed');
      },
      () => undefined,
    );
    await helm('upgrade', release, await chart('3.0.0'), '--set-string', 'a=3', '--wait', '--timeout', '60s');
    await at.apply({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'web.1', namespace },
      type: 'Warning',
      reason: 'BackOff',
      message: 'Back-off restarting failed container',
      count: 3,
      firstTimestamp: new Date().toISOString(),
      lastTimestamp: new Date().toISOString(),
      involvedObject: { kind: 'Pod', namespace, name: 'web-1' },
      source: { component: 'kubelet' },
    });
    const url = await proxyOf(at);
    const etcd = lab.plane?.etcd;
    world = {
      kubeconfig: lab.kubeconfig,
      context: lab.context,
      url,
      helmProgram: lab.programs[which],
      helm,
      workloads: {
        Deployment: { namespace, name: 'web' },
        StatefulSet: { namespace, name: 'db' },
        DaemonSet: { namespace, name: 'relay' },
      },
      release: { release, namespace },
      troubled: namespace,
      asStranger: async (status, ask) => ask(await strangersKubeconfig(at, status)),
      ...(etcd === undefined ? {} : { expired: (path: string) => expiredToken(etcd, url, path) }),
    };
  });
  adapterContract(() => world);
});
