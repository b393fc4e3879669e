import { z } from 'zod';
import { maskText } from '../../domain/mask.ts';
import { type AppError, conflict, forbidden, invalidInput, notFound, unavailable } from '../../errors.ts';

/** What a request is about, in the words of Kubernetes' access rules. */
export interface Subject {
  verb: 'get' | 'list' | 'patch' | 'create';
  /** With its group, as in `deployments.apps` or `deployments.apps/scale`. */
  resource: string;
  /** null for all namespaces. */
  namespace: string | null;
  name?: string;
}

const statusSchema = z.object({ message: z.string().optional() });

/** What every authorizer's refusal says; any other 403 comes from admission, which looked at the change itself. */
const NOT_AUTHORIZED = /^[^\n]{0,600} cannot [\w*-]{1,30} (resource|path) "/;
/** Policies and webhooks choose their status code: 422 for a ValidatingAdmissionPolicy, 400 and 403 for webhooks. */
const NOT_ADMITTED = /(denied( the)? request:| is forbidden: )/;

/** The error for an answer that is not 2xx. */
export function statusError(status: number, body: Buffer, subject: Subject, host: string): AppError {
  const where = subject.namespace === null ? 'in all namespaces' : `in namespace ${subject.namespace}`;
  const what = `${subject.resource}${subject.name ? ` "${subject.name}"` : ''} ${where}`;
  const words = serversWords(body);
  const said = words === '' ? '' : ` It said: ${words}`;
  if (status === 401) {
    return forbidden(
      `the credentials were refused by the Kubernetes API server ${host}.`,
      'sign in again (kubeconfig).',
    );
  }
  // Admission looks at changes alone: whatever refuses a read, in whatever words, is about rights.
  const changes = subject.verb !== 'get' && subject.verb !== 'list';
  const admission =
    status === 403
      ? words !== '' && !NOT_AUTHORIZED.test(words)
      : (status === 400 || status === 422) && NOT_ADMITTED.test(words);
  if (changes && admission) {
    return forbidden(
      `the cluster's admission control did not let ${subject.verb} ${what} pass.${said}`,
      'ask whoever owns that policy, or wait until it allows it.',
    );
  }
  if (status === 403) {
    return forbidden(
      `the credentials do not allow to ${subject.verb} ${what}.`,
      `ask for the verb "${subject.verb}" on ${subject.resource} ${where}; docs/rbac has Roles to apply.`,
    );
  }
  if (status === 404) return notFound(`${what} was not found.`, 'check the name and the namespace.');
  if (status === 409)
    return conflict(`${what} was changed by someone else at the same time.${said}`, 'look at it again.');
  if (status === 400 || status === 422) {
    return invalidInput(
      `the Kubernetes API server did not accept to ${subject.verb} ${what}.${said}`,
      'correct the request.',
    );
  }
  return unavailable(
    `the Kubernetes API server ${host} answered ${status} to ${subject.verb} ${what}.${said}`,
    'try again.',
  );
}

/** The server's own words, cut and masked. */
function serversWords(body: Buffer): string {
  try {
    const { message } = statusSchema.parse(JSON.parse(body.toString('utf8')));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: text from outside
    const clean = maskText((message ?? '').replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ')).slice(0, 300);
    return clean;
  } catch {
    return '';
  }
}
