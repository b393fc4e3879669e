import { gunzipSync, gzipSync } from 'node:zlib';
import type { Bin } from '../../helpers/bin.ts';
import { makeHome } from '../../helpers/home.ts';
import { connect, type Generation, type Session } from '../../helpers/session.ts';
import { type Colleague, type HelmName, writeConfiguration } from './at-hand.ts';
import { writeChart } from './chart.ts';

/** What a version of a chart is made of: path below the chart -> objects or text. */
export type Version = Record<string, string | object | object[]>;

export interface Deployed {
  at: Colleague;
  which: HelmName;
  namespace: string;
  release: string;
  /** Deploys one more version as a colleague would, by install first and by upgrade then. */
  deploy(version: Version, ...flags: string[]): Promise<void>;
  /** Revision, status and description of each revision, oldest first. */
  history(): Promise<{ revision: number; status: string; description: string }[]>;
  helm(...argv: string[]): Promise<string>;
  /** A value of a live object, by kubectl's jsonpath. */
  value(object: string, path: string): Promise<string>;
}

/** A release with one revision for each version. */
export async function deployed(
  bin: Bin,
  at: Colleague,
  which: HelmName,
  namespace: string,
  release: string,
  ...versions: Version[]
): Promise<Deployed> {
  let count = 0;
  const helm = (...argv: string[]): Promise<string> => at.helm(which, ...argv, '--namespace', namespace);
  const one: Deployed = {
    at,
    which,
    namespace,
    release,
    helm,
    deploy: async (version, ...flags) => {
      count += 1;
      const chart = await writeChart(bin, { name: release, version: `1.0.${count}` }, version);
      await helm(...(count === 1 ? ['install'] : ['upgrade']), release, chart, ...flags);
    },
    history: async () =>
      (JSON.parse(await helm('history', release, '--output', 'json')) as Awaited<ReturnType<Deployed['history']>>).map(
        ({ revision, status, description }) => ({ revision, status, description }),
      ),
    value: async (object, path) => at.kubectl('--namespace', namespace, 'get', object, '--output', `jsonpath=${path}`),
  };
  for (const version of versions) await one.deploy(version);
  return one;
}

type HelmRecord = Record<string, unknown> & { info: Record<string, unknown> };

/** Changes Helm's own record of a revision, for what cannot be waited for or is left behind by accidents. */
export async function rewritten(
  { at, namespace, release }: Deployed,
  revision: number,
  change: (record: HelmRecord) => void,
  labels: Record<string, string> = {},
): Promise<void> {
  const secret = `sh.helm.release.v1.${release}.v${revision}`;
  const field = await at.kubectl('-n', namespace, 'get', 'secret', secret, '-o', 'jsonpath={.data.release}');
  const packed = Buffer.from(Buffer.from(field, 'base64').toString('latin1'), 'base64');
  const record = JSON.parse(gunzipSync(packed).toString('utf8')) as HelmRecord;
  change(record);
  const again = Buffer.from(gzipSync(JSON.stringify(record)).toString('base64')).toString('base64');
  const patch = JSON.stringify({ metadata: { labels }, data: { release: again } });
  await at.kubectl('-n', namespace, 'patch', 'secret', secret, '--type=merge', '-p', patch);
}

/** Makes revisions older, in hours by revision: a history of days. */
export async function aged(one: Deployed, hours: Record<number, number>): Promise<void> {
  for (const [revision, age] of Object.entries(hours)) {
    const then = new Date(Date.now() - age * 3_600_000);
    const seconds = String(Math.floor(then.getTime() / 1000));
    await rewritten(
      one,
      Number(revision),
      (record) => {
        record.info.last_deployed = then.toISOString();
      },
      { createdAt: seconds, modifiedAt: seconds },
    );
  }
}

/** A session of an assistant whose configuration knows the release. */
export async function sessionFor(
  bin: Bin,
  { which, namespace, release }: Pick<Deployed, 'which' | 'namespace' | 'release'>,
  options: { generation?: Generation; environment?: Record<string, unknown>; more?: Record<string, unknown> } = {},
) {
  const config = await writeConfiguration(bin, {
    helm: which,
    releases: [{ name: release, namespace }],
    ...(options.environment ? { environment: options.environment } : {}),
    more: { rollout_deadline: '5s', ...options.more },
  });
  const home = await makeHome(bin, config);
  const session: Session = await connect(bin, home, options.generation ?? 'first');
  return { home, session };
}

/** What the human was shown last. */
export const formOf = (session: Session): string => session.forms.at(-1)?.message ?? '';

export interface PlanSeen {
  from: number;
  to: number;
  risk: string;
  warnings: string[];
  changes: { kind: string; name: string; field: string; from: string | null; to: string | null }[];
  blast_radius: { pods: number | null };
}

/** Refuses Deployments of that namespace for which the CEL expression does not hold, or warns of them. Own lab only. */
export async function withPolicy(
  bin: Bin,
  at: Colleague,
  namespace: string,
  action: 'Deny' | 'Warn',
  expression: string,
): Promise<void> {
  const name = `${namespace}.policy`;
  const kinds = ['validatingadmissionpolicybinding', 'validatingadmissionpolicy'];
  for (const kind of kinds) bin.add(() => at.kubectl('delete', kind, name, '--ignore-not-found', '--wait=false'));
  await at.apply(
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
      spec: {
        matchConstraints: {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
          resourceRules: [
            { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['deployments'] },
          ],
        },
        validations: [{ expression, message: 'the image is not on our list' }],
      },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name },
      spec: { policyName: name, validationActions: [action] },
    },
  );
}

/** A Job that is a hook of Helm. */
export const hookJob = (name: string, events: string, { command = ['true'], fate = 'ready' } = {}): object => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, annotations: { 'helm.sh/hook': events } },
  spec: {
    backoffLimit: 0,
    template: {
      metadata: { annotations: { 'lab/fate': fate } },
      spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'registry.example/job:1', command }] },
    },
  },
});
