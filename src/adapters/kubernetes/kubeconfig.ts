import { existsSync, statSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { notConfigured } from '../../errors.ts';
import { readKubeconfigs } from './kubeconfig-file.ts';
import { type CheckedUser, checkCluster, checkUser } from './kubeconfig-parts.ts';
import { type Chosen, libraryConfig } from './library.ts';

export interface KubeconfigOptions {
  /** Default: the kubeconfig's current context. */
  context?: string;
  /** A file; default: `$KUBECONFIG`, `~/.kube/config`, the service account of the pod. */
  kubeconfig?: string;
  env: Readonly<Record<string, string | undefined>>;
}

export interface LoadedKubeconfig {
  config: KubeConfig;
  /** null inside a cluster, where there is no kubeconfig and so no context to name. */
  context: string | null;
  server: URL;
  /** Folder of the kubeconfig; paths of plugins and files are absolute already. */
  folder: string;
  /** Headers that make each request that of someone else; empty where nobody is impersonated. */
  impersonation: CheckedUser['impersonation'];
}

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const SHOWN = 30;

/** Loads and checks; throws `NOT_CONFIGURED` with what to mend. Touches files, never the network. */
export async function loadKubeconfig(options: KubeconfigOptions): Promise<LoadedKubeconfig> {
  const files = kubeconfigFiles(options);
  const { chosen, server, impersonation } = files.length === 0 ? ofThePod(options) : ofFiles(files, options);
  return {
    config: await libraryConfig(chosen),
    context: chosen.context,
    server,
    folder: dirname(files[0] ?? '/'),
    impersonation,
  };
}

/** Changes whenever the files do that `loadKubeconfig` would read. */
export const kubeconfigStamp = (options: KubeconfigOptions): string =>
  kubeconfigFiles(options)
    .map((file) => `${file}\0${stampOf(file)}`)
    .join('\n');

function stampOf(file: string): string {
  try {
    const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
    return stat ? `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}` : 'none';
  } catch (error) {
    // Reading it says why, in words.
    return String((error as NodeJS.ErrnoException).code);
  }
}

function kubeconfigFiles({ kubeconfig, env }: KubeconfigOptions): string[] {
  if (kubeconfig !== undefined) return [kubeconfig];
  if (env.KUBECONFIG) {
    const named = env.KUBECONFIG.split(delimiter).filter((file) => file !== '');
    const existing = named.filter((file) => existsSync(file));
    // kubectl skips missing files of the list; when all are missing, the error should name one.
    return existing.length > 0 ? existing : named.slice(0, 1);
  }
  const home = env.HOME || env.USERPROFILE;
  const file = home ? join(home, '.kube', 'config') : '';
  return file !== '' && existsSync(file) ? [file] : [];
}

interface Found {
  chosen: Chosen;
  server: URL;
  impersonation: CheckedUser['impersonation'];
}

function ofFiles(files: readonly string[], options: KubeconfigOptions): Found {
  const parts = readKubeconfigs(files);
  const where = `the kubeconfig ${files.join(' with ')}`;
  const known = [...parts.contexts.keys()];
  const more = known.length > SHOWN ? ` and ${known.length - SHOWN} more` : '';
  const list = known.length > 0 ? `known contexts: ${known.slice(0, SHOWN).join(', ')}${more}` : 'it has no contexts';
  const name = options.context ?? parts.current;
  if (name === undefined) {
    throw notConfigured(
      `no context is chosen and ${where} has no current one; ${list}.`,
      'set context for the environment.',
    );
  }
  const context = parts.contexts.get(name)?.value;
  if (context === undefined)
    throw notConfigured(
      `the kubeconfig has no context "${name}"; ${list}.`,
      `correct context for the environment, or ${where}.`,
    );
  const nameOf = (key: string): string => (typeof context[key] === 'string' ? context[key] : '');
  const part = (key: 'cluster' | 'user') => {
    const found = parts[`${key}s`].get(nameOf(key));
    if (found !== undefined) return found;
    const why =
      nameOf(key) === '' ? `names no ${key}` : `names the ${key} "${nameOf(key)}", which ${where} does not have`;
    throw notConfigured(`the context "${name}" ${why}.`, 'mend the kubeconfig, or choose another context.');
  };
  const { cluster, server, told } = checkCluster(nameOf('cluster'), part('cluster'), name, options.env);
  // No user is a choice: `kubectl proxy` needs none. The server says whether it lets nobody in.
  const user = nameOf('user') === '' ? { value: {}, folder: '/' } : part('user');
  const checked = checkUser(nameOf('user'), user, name, told);
  return {
    server,
    chosen: { context: name, cluster, user: checked.user, token_file: checked.token_file },
    impersonation: checked.impersonation,
  };
}

/** The account that Kubernetes mounts into a pod. Source: client-go, rest.InClusterConfig. */
function ofThePod({ context, env }: KubeconfigOptions): Found {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  const next = 'set kubeconfig in the configuration, or $KUBECONFIG.';
  if (!host || !port || !existsSync(join(ACCOUNT, 'token'))) throw notConfigured('no kubeconfig was found.', next);
  if (context !== undefined) {
    // kubectl and Helm refuse it too. Two environments that name two contexts must not both get the cluster of this pod.
    throw notConfigured(
      `the context "${context}" is asked for, but no kubeconfig was found, and the pod's own account has no contexts.`,
      'mount a kubeconfig and name it, or remove context to use the account of the pod.',
    );
  }
  const url = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const ca = join(ACCOUNT, 'ca.crt');
  const value = { server: url, ...(existsSync(ca) ? { 'certificate-authority': ca } : {}) };
  const { cluster, server } = checkCluster('in-cluster', { value, folder: '/' }, 'in-cluster', env);
  const user = { name: 'in-cluster' };
  return { server, chosen: { context: null, cluster, user, token_file: join(ACCOUNT, 'token') }, impersonation: {} };
}
