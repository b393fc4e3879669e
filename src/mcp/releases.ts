import { AppError, invalidInput, notConfigured } from '../errors.ts';
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
