import { type CorrelateOptions, correlateDeploys } from '../domain/correlate.ts';
import { maskText } from '../domain/mask.ts';
import type { Revision, SourceReport } from '../domain/observe.ts';
import { oneLine } from '../domain/text.ts';
import { AppError } from '../errors.ts';
import type { ReleaseOverview } from '../ports/helm.ts';
import type { EnvironmentReaders, ReadContext } from './context.ts';
import { type Read, readSource } from './sources.ts';

/** Releases with a suspect deploy whose history is read: a description tells of an earlier rollback. */
const SUSPECTS = 3;
/** So many newest revisions of each: what Helm keeps unless told otherwise. */
const HISTORY = 10;
/** Payloads read for one answer at most; each is up to 1 MiB. */
const PAYLOADS = 60;

/**
 * The revisions with the payloads of those that matter: what will be shown, the histories of the suspect releases, and the present revisions that
 * are uninstalled, since labels do not tell when. A payload that could not be read leaves what the labels told, and the source says so.
 */
export async function describedDeploys(
  overview: Read<ReleaseOverview>,
  options: CorrelateOptions,
  shown: number,
  env: EnvironmentReaders,
  context: ReadContext,
): Promise<{ revisions: Revision[]; report: SourceReport }> {
  const { report } = overview;
  const revisions = overview.value?.revisions ?? [];
  const byLabels = correlateDeploys(revisions, options);
  const suspects = byLabels.rollback_candidates.slice(0, SUSPECTS);
  const wanted = new Set<Revision>([
    ...revisions.filter((r, i) => r.status.startsWith('uninstall') && !sameRelease(r, revisions[i - 1])),
    ...byLabels.deploys
      .slice(0, shown)
      .flatMap((d) => revisions.find((r) => sameRelease(r, d) && r.revision === d.revision) ?? []),
    ...suspects.flatMap((suspect) => revisions.filter((r) => sameRelease(r, suspect)).slice(0, HISTORY)),
  ]);
  const asked = [...wanted].slice(0, PAYLOADS);
  if (asked.length === 0) return { revisions, report };
  const left = Math.max(1, context.config.source_deadline - report.latency_ms);
  const read = await readSource('helm', left, context.signal, async (readOptions) =>
    (await env.helm()).describe(asked, readOptions),
  );
  const { problem } = read.value ?? {};
  const error = problem ? inWords(problem) : read.report.error;
  const known = new Map(asked.map((revision, i) => [revision, read.value?.revisions[i] ?? revision]));
  return {
    revisions: revisions.map((revision) => known.get(revision) ?? revision),
    report: {
      ...report,
      latency_ms: report.latency_ms + read.report.latency_ms,
      ...(error === undefined || report.error !== undefined
        ? {}
        : {
            status: codeOf(problem) === 'TIMEOUT' || read.report.status === 'timeout' ? 'timeout' : 'error',
            error: oneLine(maskText(`charts, versions and descriptions are not complete: ${error}`), 400),
          }),
    },
  };
}

const codeOf = (error: Error | null | undefined): string | null => (error instanceof AppError ? error.code : null);
const inWords = (error: Error): string =>
  error instanceof AppError ? `${error.code}: ${error.message} Next: ${error.next}` : error.message;

const sameRelease = (
  a: { release: string; namespace: string },
  b: { release: string; namespace: string } | undefined,
): boolean => a.release === b?.release && a.namespace === b.namespace;
