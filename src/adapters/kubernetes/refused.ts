import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type AppError, forbidden } from '../../errors.ts';
import type { LoadedKubeconfig } from './kubeconfig.ts';

/** What was sent with a request that the server refused. */
export interface Presented {
  loaded: LoadedKubeconfig;
  authorization: string | undefined;
}

/** `the context "prod"`, or the pod's account. */
export const contextOf = (context: string | null): string =>
  context === null ? "the pod's own account" : `the context "${context}"`;

/** The error for a 401: which context, and what its own credentials tell about the reason. */
export function refused({ loaded, authorization }: Presented): AppError {
  const { context, server } = loaded;
  const expired = expiry(loaded, authorization);
  const why = expired === null ? '' : ` ${expired.what} expired at ${expired.at}.`;
  const next =
    context === null
      ? "look at the pod's projected token and its service account."
      : `sign in again for the context "${context}" (kubeconfig), then try again; no restart is needed.`;
  return forbidden(
    `the credentials were refused by the Kubernetes API server ${server.host} (401, ${contextOf(context)}).${why}`,
    next,
  );
}

/** The error for a 403 of someone who sent no credentials at all; null where some were sent. */
export function nobody({ loaded, authorization }: Presented): AppError | null {
  const user = loaded.config.getCurrentUser();
  if (authorization !== undefined || user?.certData || user?.certFile || user?.exec) return null;
  return forbidden(
    `${contextOf(loaded.context)} has no credentials, and the Kubernetes API server ${loaded.server.host} lets nobody in without.`,
    'name a user with credentials in that context of the kubeconfig.',
  );
}

function expiry(loaded: LoadedKubeconfig, authorization: string | undefined): { what: string; at: string } | null {
  const token = authorization === undefined ? certificateEnd(loaded) : tokenEnd(authorization);
  const what = authorization === undefined ? 'Its client certificate' : 'Its token';
  return token === null || token > Date.now()
    ? null
    : { what, at: new Date(token).toISOString().slice(0, 19).concat('Z') };
}

/** RFC 7519, `exp`. Not verified: only words depend on it. */
function tokenEnd(authorization: string): number | null {
  try {
    const payload = authorization.split(' ').at(-1)?.split('.')[1] ?? '';
    const { exp } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { exp?: unknown };
    return typeof exp === 'number' && exp > 0 && exp < 1e11 ? exp * 1000 : null;
  } catch {
    return null;
  }
}

function certificateEnd({ config }: LoadedKubeconfig): number | null {
  const { certData, certFile } = config.getCurrentUser() ?? {};
  try {
    const pem = certData ? Buffer.from(certData, 'base64') : certFile ? readFileSync(certFile) : null;
    return pem === null ? null : Date.parse(new X509Certificate(pem).validTo);
  } catch {
    return null;
  }
}
