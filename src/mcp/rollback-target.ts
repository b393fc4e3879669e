import { lastHealthy } from '../domain/correlate.ts';
import { formatDuration, shortInstant } from '../domain/instant.ts';
import { rollbackTarget } from '../domain/last-healthy.ts';
import type { Revision } from '../domain/observe.ts';
import { howToFree } from '../domain/rollback-outcome.ts';
import { conflict, notFound } from '../errors.ts';
import type { ReleaseRef } from '../ports/helm.ts';
import type { ReadContext } from './context.ts';
import { deadline } from './plan-facts.ts';

/**
 * Another operation is pending, or was cut off and left the release so. Helm itself would let a rollback through, into whatever is still going on; whether it
 * is cannot be seen from here, so a human has to know.
 */
export function refuseBlocked(history: readonly Revision[], current: Revision, now: Date): void {
  const { release, namespace, revision, status } = current;
  if (!status.startsWith('pending-') && status !== 'uninstalling') return;
  const since =
    current.deployed_at === null
      ? ''
      : ` since ${shortInstant(current.deployed_at)} (${formatDuration(Math.max(0, now.getTime() - Date.parse(current.deployed_at)))})`;
  const last = history.find((r) => r.status === 'deployed');
  const back = rollbackTarget({ ...current, status: 'deployed' }) ?? last?.revision;
  const free =
    status === 'uninstalling' || back === undefined
      ? `a human ends it at a terminal: helm uninstall ${release} --namespace ${namespace}`
      : howToFree({ target: release, namespace }, back);
  throw conflict(
    `${release} is ${status} at revision ${revision}${since}: another helm operation is running, or was cut off and left it so; nothing was run.`,
    `wait until it ends (check_recent_deploys shows it). If nobody runs it any more, ${free}.`,
  );
}

/** The revision that was named, else the last healthy one, with the reasons. */
export function targetRevision(history: Revision[], current: Revision, wanted: number | undefined, now: Date) {
  const listed = history
    .slice(0, 10)
    .map((r) => `${r.revision} (${r.status})`)
    .join(', ');
  if (wanted !== undefined) {
    if (wanted === current.revision && current.status !== 'uninstalled')
      throw conflict(
        `${current.release} is at revision ${wanted} already.`,
        'name an earlier revision, or leave revision away for the last healthy one.',
      );
    const revision = history.find((r) => r.revision === wanted);
    if (!revision) {
      const oldest = history.at(-1)?.revision ?? 1;
      const pruned = wanted < oldest ? ' any more: Helm keeps a limited number of revisions' : '';
      throw notFound(`${current.release} has no revision ${wanted}${pruned}.`, `it has: ${listed}.`);
    }
    return { revision, why: ['the revision was named by the caller'] };
  }
  if (current.status === 'uninstalled') {
    throw conflict(
      `${current.release} is uninstalled (revision ${current.revision}, its history was kept): nothing of it runs.`,
      `to install it again name the revision; it has: ${listed}.`,
    );
  }
  const found = lastHealthy(history, current.revision, now);
  if (!found.revision) {
    throw notFound(
      `${current.release} has no earlier healthy revision: ${found.reasons.join('; ') || 'the history is empty'}.`,
      'name a revision, or mend it forward with a new deploy.',
    );
  }
  return { revision: found.revision, why: found.reasons };
}

/** Beyond this many newer revisions what made them is not looked for. */
const DETAILED = 5;

/** The revisions after `from`, newest first. Errors: those of reading the history. */
export async function revisionsAfter(context: ReadContext, environment: string, ref: ReleaseRef, from: number) {
  const helm = await context.environment(environment).helm();
  const history = await helm.history([ref.namespace], [ref.release], DETAILED, { deadline_ms: deadline(context) });
  return history.filter((revision) => revision.revision > from);
}
