import { lastHealthy } from '../domain/correlate.ts';
import type { Revision } from '../domain/observe.ts';
import { AppError, conflict, invalidInput, notConfigured, notFound } from '../errors.ts';
import type { ReleaseRef } from '../ports/helm.ts';
import type { EnvironmentReaders, ReadContext } from './context.ts';
import { deadline } from './plan-facts.ts';

/** The release's configured namespace; a name that is configured twice or nowhere is never guessed. */
export function namespaceOf(env: EnvironmentReaders, release: string, given: string | undefined): string {
  const configured = env.config.releases.filter((r) => r.name === release);
  if (given !== undefined) {
    if (env.namespaces.includes(given)) return given;
    throw invalidInput(
      `namespace ${given} is not configured for ${env.name}.`,
      `use one of: ${env.namespaces.join(', ')}.`,
    );
  }
  if (configured.length === 1 && configured[0]) return configured[0].namespace;
  if (configured.length > 1) {
    throw invalidInput(
      `release ${release} is configured in ${configured.map((r) => r.namespace).join(' and ')}.`,
      'say which one with namespace.',
    );
  }
  throw notConfigured(
    `release ${release} is not configured for ${env.name}.`,
    `use one of: ${env.config.releases.map((r) => r.name).join(', ') || 'none'}; or add it under environments.${env.name}.releases.`,
  );
}

/** Helm refuses while another operation is pending; saying so beforehand tells what frees it. */
export function refuseBlocked(current: Revision): void {
  if (!current.status.startsWith('pending-') && current.status !== 'uninstalling') return;
  throw conflict(
    `${current.release} is ${current.status} at revision ${current.revision}: another helm operation is running or was cut off, and helm refuses until it ends.`,
    'wait until it ends; if nobody runs it any more, a human must free the release (for instance by `helm rollback` at a terminal after deleting the pending revision).',
  );
}

/** The revision that was named, else the last healthy one, with the reasons. */
export function targetRevision(history: Revision[], current: Revision, wanted: number | undefined, now: Date) {
  if (wanted !== undefined) {
    if (wanted === current.revision)
      throw conflict(
        `${current.release} is at revision ${wanted} already.`,
        'name an earlier revision, or leave revision away for the last healthy one.',
      );
    const revision = history.find((r) => r.revision === wanted);
    if (!revision) {
      throw notFound(
        `${current.release} has no revision ${wanted}.`,
        `it has: ${history
          .slice(0, 10)
          .map((r) => `${r.revision} (${r.status})`)
          .join(', ')}.`,
      );
    }
    return { revision, why: ['the revision was named by the caller'] };
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

/**
 * Helm takes no condition, so the last look is as late as it can be: comparing, dry run and figures of the second look take seconds, in
 * which another hand may have deployed or the kubeconfig may lead elsewhere. Says what moved; null where nothing did.
 */
export async function movedMeanwhile(
  context: ReadContext,
  plan: { environment: string; cluster: string; from: string | number },
  ref: ReleaseRef,
): Promise<string | null> {
  try {
    const env = context.environment(plan.environment);
    const cluster = await (await env.kubernetes()).cluster();
    if (cluster !== plan.cluster) return `the environment leads to ${cluster} now, not to ${plan.cluster}`;
    const options = { deadline_ms: deadline(context) };
    const [newest] = await (await env.helm()).history([ref.namespace], [ref.release], 0, options);
    if (newest?.revision === Number(plan.from)) return null;
    return `${ref.release} is at revision ${newest?.revision ?? 'none'} now, not at ${plan.from}: another hand was quicker`;
  } catch (error) {
    return `the release could not be looked at once more (${error instanceof AppError ? error.message : 'unexpected failure'})`;
  }
}

/** The newest revision after `from`; null while there is none. Errors: those of reading the history. */
export async function newRevision(context: ReadContext, environment: string, ref: ReleaseRef, from: number) {
  const helm = await context.environment(environment).helm();
  const [newest] = await helm.history([ref.namespace], [ref.release], 1, { deadline_ms: deadline(context) });
  return newest && newest.revision > from ? newest : null;
}
