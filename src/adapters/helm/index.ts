import type { Revision } from '../../domain/observe.ts';
import { AppError, invalidInput, timedOut, unavailable } from '../../errors.ts';
import type { Commands } from '../../ports/commands.ts';
import type { HelmActuator, HelmReader } from '../../ports/helm.ts';
import type { ReadOptions } from '../../ports/kubernetes.ts';
import type { KubernetesApi } from '../kubernetes/index.ts';
import { checkNamespace } from '../kubernetes/names.ts';
import { type LabelledRevision, listRevisions } from './history.ts';
import { overviewOf, refuseConfigMaps } from './overview.ts';
import { decodeRecord, toPayload, withRecord } from './payload.ts';
import { type HelmRecord, payloadSecretSchema } from './schema.ts';

export interface HelmOptions {
  kubernetes: KubernetesApi;
  commands: Commands;
  /** The kube context of every command; null inside a cluster. Default: the one that `kubernetes` uses. */
  context?: string | null;
  /** A kubeconfig for every command; default: what the environment says. */
  kubeconfig?: string;
  /** How long Helm waits for the workloads, milliseconds; default 5 minutes. */
  rollout_ms?: number;
}

/** Payloads read at once. */
const PARALLEL = 4;
const DEFAULT_ROLLOUT = 300_000;
// Source: helm.sh/helm, pkg/chart/common: names are subdomains of at most 53 characters.
const RELEASE = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Releases of one cluster: histories from Helm's Secrets, rollbacks by Helm itself. */
export function createHelm(options: HelmOptions): { reader: HelmReader; actuator: HelmActuator } {
  const { kubernetes, commands } = options;
  let major: number | null = null;

  const rollbackCommand: HelmReader['rollbackCommand'] = async (ref, revision) => {
    checkRelease(ref.release);
    checkNamespace(ref.namespace);
    checkRevision(revision);
    const context = options.context === undefined ? await kubernetes.context() : options.context;
    // As the value after a flag that needs one it is no flag to Helm; refused all the same, because no context is called so.
    if (context?.startsWith('-'))
      throw invalidInput(`"${context}" is not a usable kube context.`, 'rename the context.');
    const seconds = Math.ceil((options.rollout_ms ?? DEFAULT_ROLLOUT) / 1000);
    return [
      ...['helm', 'rollback', ref.release, String(revision), '--namespace', ref.namespace],
      ...(context === null ? [] : ['--kube-context', context]),
      ...(options.kubeconfig === undefined ? [] : [`--kubeconfig=${options.kubeconfig}`]),
      // Without it a rollback prunes to ten revisions, also where the team keeps more: what is there to go back to must not shrink here.
      ...['--wait', '--timeout', `${seconds}s`, '--history-max=0'],
    ];
  };

  const read = async (namespace: string, secret: string, readOptions: ReadOptions): Promise<HelmRecord> => {
    const object = await kubernetes.get(
      {
        path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(secret)}`,
        subject: { verb: 'get', resource: 'secrets', namespace, name: secret },
      },
      readOptions,
    );
    return decodeRecord(payloadSecretSchema.parse(object).data.release);
  };

  /** Gone meanwhile or damaged: the labels still tell revision and status. A dead or forbidding server is an error. */
  const readInto = async (revision: Revision, secret: string, readOptions: ReadOptions): Promise<Revision> => {
    try {
      return withRecord(revision, await read(revision.namespace, secret, readOptions));
    } catch (error) {
      if (error instanceof AppError && error.code !== 'NOT_FOUND') throw error;
      return revision;
    }
  };

  const reader: HelmReader = {
    async history(namespaces, releases, detail, readOptions) {
      for (const release of releases) checkRelease(release);
      const scopes = namespaces.length === 0 ? [null] : [...new Set(namespaces)].map(checkNamespace);
      return timed(readOptions, async (within) => {
        const lists = await Promise.all(scopes.map((scope) => listRevisions(kubernetes, scope, releases, within())));
        const found = lists.flat().sort(newestFirst);
        if (found.length === 0) {
          await refuseConfigMaps(kubernetes, scopes, releases, within());
          return [];
        }
        const seen = new Map<string, number>();
        const detailed = found.map(({ revision }) => {
          const key = `${revision.namespace}/${revision.release}`;
          const nth = seen.get(key) ?? 0;
          seen.set(key, nth + 1);
          return nth < detail;
        });
        return mapBounded(found, PARALLEL, async ({ revision, secret }, i) =>
          detailed[i] ? readInto(revision, secret, within()) : revision,
        );
      });
    },

    async overview(refs, readOptions) {
      for (const { release, namespace } of refs) {
        checkRelease(release);
        checkNamespace(namespace);
      }
      const { found, unseen } = await timed(readOptions, (within) => overviewOf(kubernetes, refs, within));
      return { revisions: found.sort(newestFirst).map(({ revision }) => revision), unseen };
    },

    async describe(revisions, readOptions) {
      let problem: AppError | null = null;
      const described = await timed(readOptions, (within) =>
        mapBounded(revisions, PARALLEL, async (revision) => {
          if (problem !== null) return revision;
          try {
            return await readInto(revision, secretOf(revision), within());
          } catch (error) {
            if (!(error instanceof AppError)) throw error;
            problem ??= wholeDeadline(error, readOptions);
            return revision;
          }
        }),
      );
      return { revisions: described, problem };
    },

    async payload(ref, revision, readOptions) {
      checkRelease(ref.release);
      checkNamespace(ref.namespace);
      checkRevision(revision);
      return timed(readOptions, async (within) => {
        const all = await listRevisions(kubernetes, ref.namespace, [ref.release], within());
        const wanted = all.find((item) => item.revision.revision === revision);
        if (!wanted) return null;
        try {
          return toPayload(wanted.revision, await read(ref.namespace, wanted.secret, within()));
        } catch (error) {
          if (error instanceof AppError && error.code === 'NOT_FOUND') return null;
          if (error instanceof AppError) throw error;
          throw unavailable(
            `Helm's record of ${ref.release} revision ${revision} in namespace ${ref.namespace} is damaged.`,
            'choose another revision.',
          );
        }
      });
    },

    rollbackCommand,

    async dryRunRollback(ref, revision, readOptions) {
      const [program = 'helm', ...args] = await rollbackCommand(ref, revision);
      return timed(readOptions, async (within) => {
        if (major === null) {
          const asked = await commands.run({ program, args: ['version', '--template', '{{.Version}}'], ...within() });
          if (asked.not_found || asked.timed_out) return asked;
          major = Number(/^v?(\d+)\./.exec(asked.stdout.trim())?.[1] ?? 0) || null;
        }
        // Helm 4 made it a choice; Helm 3 takes no value here, and its rollback asks the server anyway.
        const dry = (major ?? 3) >= 4 ? '--dry-run=server' : '--dry-run';
        return commands.run({ program, args: [...args, dry], ...within() });
      });
    },
  };

  const actuator: HelmActuator = {
    async rollback(ref, revision, deadline_ms) {
      const [program = 'helm', ...args] = await rollbackCommand(ref, revision);
      // No AbortSignal: an approved change finishes, whatever becomes of the client.
      return commands.run({ program, args, deadline_ms });
    },
  };
  return { reader, actuator };
}

/** The name that Helm gives a record. Source: helm.sh/helm, pkg/storage. */
const secretOf = ({ release, revision }: Revision): string => `sh.helm.release.v1.${release}.v${revision}`;

function checkRelease(name: string): void {
  if (name.length <= 53 && RELEASE.test(name)) return;
  throw invalidInput(
    `"${name.slice(0, 60)}" is not a valid name of a Helm release.`,
    'use at most 53 lower-case letters, digits, "-" and ".", starting and ending with a letter or digit.',
  );
}

function checkRevision(revision: number): void {
  if (Number.isInteger(revision) && revision >= 1 && revision <= 999_999_999) return;
  throw invalidInput(
    `${revision} is not a revision number.`,
    'give a whole number from 1; revision 0 means something else to Helm.',
  );
}

const newestFirst = ({ revision: a }: LabelledRevision, { revision: b }: LabelledRevision): number =>
  compareText(a.namespace, b.namespace) || compareText(a.release, b.release) || b.revision - a.revision;
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * One deadline for all steps of a read: gives each what is left of it, at least 1 ms, so that the step itself reports the end. A step that runs out
 * would name only its own rest of the time: the error names the whole.
 */
async function timed<T>(options: ReadOptions, work: (within: () => ReadOptions) => Promise<T>): Promise<T> {
  const end = performance.now() + options.deadline_ms;
  try {
    return await work(() => ({ ...options, deadline_ms: Math.max(1, Math.floor(end - performance.now())) }));
  } catch (error) {
    throw wholeDeadline(error, options);
  }
}

const wholeDeadline = <T>(error: T, { deadline_ms, signal }: ReadOptions): T | AppError =>
  error instanceof AppError && error.code === 'TIMEOUT' && !signal?.aborted
    ? timedOut(error.message.replace(/ within \d+ ms\b/, ` within ${deadline_ms} ms`), error.next)
    : error;

async function mapBounded<T, R>(
  items: readonly T[],
  parallel: number,
  work: (item: T, i: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++;
      results[i] = await work(items[i] as T, i);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker));
  return results;
}
