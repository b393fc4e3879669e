import { existsSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
// Of the library only this module is used: its index loads 500 more that nothing here needs.
import type { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { type AppError, notConfigured } from '../../errors.ts';

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
  /** Folder of the kubeconfig, to which a plugin's relative path refers. */
  folder: string;
}

const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';
/** Authentication that kubectl dropped with 1.26; the library would start a program for it without any deadline. */
const DROPPED = new Set(['gcp', 'azure', 'exec']);

/** Loads and checks; throws `NOT_CONFIGURED` with what to mend. Touches files, never the network. */
export async function loadKubeconfig(options: KubeconfigOptions): Promise<LoadedKubeconfig> {
  const { KubeConfig, makeAbsolutePath } = await import('@kubernetes/client-node/dist/config.js');
  const config = new KubeConfig();
  const files = kubeconfigFiles(options);
  if (files.length === 0) {
    if (!options.env.KUBERNETES_SERVICE_HOST || !existsSync(SERVICE_ACCOUNT_TOKEN)) {
      throw notConfigured('no kubeconfig was found.', 'set kubeconfig in the configuration, or $KUBECONFIG.');
    }
    config.loadFromCluster();
  } else {
    const parts = files.map((file) => {
      const part = new KubeConfig();
      try {
        part.loadFromFile(file, { onInvalidEntry: 'filter' });
      } catch (error) {
        throw unreadable(file, error);
      }
      for (const user of part.users) {
        const tokenFile: unknown = user.authProvider?.config?.tokenFile;
        if (typeof tokenFile === 'string')
          user.authProvider.config.tokenFile = makeAbsolutePath(dirname(file), tokenFile);
      }
      return part;
    });
    // As kubectl merges: the first file that names a thing wins.
    const first = <T extends { name: string }>(lists: T[][]): T[] => {
      const named = new Map<string, T>();
      for (const item of lists.flat()) if (!named.has(item.name)) named.set(item.name, item);
      return [...named.values()];
    };
    config.loadFromOptions({
      clusters: first(parts.map((part) => part.clusters)),
      users: first(parts.map((part) => part.users)),
      contexts: first(parts.map((part) => part.contexts)),
      currentContext: parts.find((part) => part.currentContext)?.currentContext,
    });
  }
  const inCluster = files.length === 0;
  if (options.context !== undefined && !inCluster) config.setCurrentContext(options.context);
  const server = checkContext(config);
  return { config, context: inCluster ? null : config.getCurrentContext(), server, folder: dirname(files[0] ?? '/') };
}

/** Changes whenever the files do that `loadKubeconfig` would read. */
export const kubeconfigStamp = (options: KubeconfigOptions): string =>
  kubeconfigFiles(options)
    .map((file) => {
      const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
      return `${file}\0${stat ? `${stat.ino}:${stat.size}:${stat.mtimeNs}` : 'none'}`;
    })
    .join('\n');

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

function unreadable(file: string, error: unknown): AppError {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  // A parser's message quotes the line, which may hold a token.
  const why = code ? `cannot be read (${code})` : 'is not a valid kubeconfig';
  return notConfigured(`the kubeconfig ${file} ${why}.`, 'check its path, its permissions and its YAML.');
}

function checkContext(config: KubeConfig): URL {
  const known = config.getContexts().map((context) => context.name);
  const list = known.length > 0 ? `known contexts: ${known.slice(0, 30).join(', ')}` : 'it has no contexts';
  const name = config.getCurrentContext();
  if (!name)
    throw notConfigured(
      `no context is chosen and the kubeconfig has no current one; ${list}.`,
      'set context for the environment.',
    );
  if (!known.includes(name)) {
    throw notConfigured(`the kubeconfig has no context "${name}"; ${list}.`, 'correct context for the environment.');
  }
  const server = config.getCurrentCluster()?.server;
  if (!server || !URL.canParse(server)) {
    throw notConfigured(`the context "${name}" names no cluster with a valid server.`, 'mend the kubeconfig.');
  }
  const url = new URL(server);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw notConfigured(`the server of the context "${name}" is neither http nor https.`, 'mend the kubeconfig.');
  }
  const provider = config.getCurrentUser()?.authProvider?.name as string | undefined;
  if (provider !== undefined && DROPPED.has(provider)) {
    throw notConfigured(
      `the user of the context "${name}" has the auth-provider "${provider}", which Kubernetes dropped with 1.26.`,
      'use the exec credential plugin of that provider.',
    );
  }
  return url;
}
