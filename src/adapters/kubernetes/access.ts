import { createHash } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { type AgentOptions, Agent as HttpsAgent, type RequestOptions } from 'node:https';
import { createSecureContext, type SecureContext } from 'node:tls';
import { AppError, notConfigured } from '../../errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { type ExecCredential, execConfigSchema, runExecPlugin } from './exec-plugin.ts';
import { type KubeconfigOptions, kubeconfigStamp, type LoadedKubeconfig, loadKubeconfig } from './kubeconfig.ts';
import { type Limit, within } from './limit.ts';

export interface AccessOptions extends KubeconfigOptions {
  clock?: Clock;
  /** Names of environment variables that a credential plugin may see beside the safe ones. */
  passthrough?: readonly string[];
}

/** What a request needs to reach the server as the kubeconfig's user. */
export interface Credentials {
  headers: Record<string, string>;
  agent: HttpAgent | HttpsAgent;
}

export interface Access {
  /** The loaded kubeconfig; loaded once, and again when its files change or after `forget`. */
  load(): Promise<LoadedKubeconfig>;
  credentials(limit: Limit): Promise<Credentials>;
  /** Drops what the server refused, so that the next call reads kubeconfig and plugin again. */
  forget(): void;
}

/** More than this many connections at once only queue at the API server. */
const MAX_SOCKETS = 16;
/** A plugin's credential is renewed this long before its end, milliseconds. */
const RENEW_EARLY = 10_000;

export function createAccess(options: AccessOptions): Access {
  let loading: Promise<LoadedKubeconfig> | null = null;
  let stamp = '';
  let credential: ExecCredential | null = null;
  let running: { of: LoadedKubeconfig; credential: Promise<ExecCredential> } | null = null;
  let agent: { key: string; agent: HttpAgent | HttpsAgent } | null = null;
  const now = (): number => (options.clock?.now() ?? new Date()).getTime();

  const load = (): Promise<LoadedKubeconfig> => {
    // Helm reads the files anew at each start: what is shown here must be the cluster that Helm would act on.
    const present = kubeconfigStamp(options);
    if (present !== stamp) {
      stamp = present;
      loading = null;
      credential = null;
    }
    loading ??= loadKubeconfig(options).catch((error: unknown) => {
      loading = null;
      throw error;
    });
    return loading;
  };

  /** Several reads at once start one plugin, not one each. */
  const execCredential = async (loaded: LoadedKubeconfig, exec: unknown, limit: Limit): Promise<ExecCredential> => {
    if (credential && credential.expires_at - RENEW_EARLY > now()) return credential;
    const parsed = execConfigSchema.safeParse(exec);
    if (!parsed.success)
      throw notConfigured('the exec plugin of the kubeconfig names no command.', 'mend the kubeconfig.');
    // What a plugin says for one kubeconfig must never go to the server of the next one, which may have come while it ran.
    if (running?.of !== loaded) {
      const cluster = { server: loaded.server.href };
      const started = {
        of: loaded,
        credential: runExecPlugin(
          parsed.data,
          cluster,
          loaded.folder,
          options.env,
          options.passthrough ?? [],
          limit,
        ).finally(() => {
          if (running === started) running = null;
        }),
      };
      running = started;
    }
    const fresh = await within(limit, running.credential);
    if ((await load()) === loaded) credential = fresh;
    return fresh;
  };

  const keepAlive = (tls: AgentOptions, secure: boolean): HttpAgent | HttpsAgent => {
    const key = createHash('sha256')
      .update(
        JSON.stringify([
          secure,
          String(tls.ca),
          String(tls.cert),
          String(tls.key),
          tls.servername,
          tls.rejectUnauthorized,
        ]),
      )
      .digest('hex');
    if (agent?.key === key) return agent.agent;
    agent?.agent.destroy();
    // A read of many namespaces uses them all; closed ones would cost the next read a handshake each.
    const common = { keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: MAX_SOCKETS };
    agent = { key, agent: secure ? new HttpsAgent({ ...common, ...tls, ...shared(tls) }) : new HttpAgent(common) };
    return agent.agent;
  };

  return {
    load,
    forget() {
      loading = null;
      credential = null;
    },
    async credentials(limit) {
      const loaded = await load();
      const { config, server } = loaded;
      const user = config.getCurrentUser();
      const cluster = config.getCurrentCluster();
      const secure = server.protocol === 'https:';
      const plugin: ExecCredential | null = user?.exec ? await execCredential(loaded, user.exec, limit) : null;
      // The library makes a proxy's agent with what it finds here.
      const applied: RequestOptions = {
        headers: {},
        ...(plugin?.cert ? { cert: plugin.cert } : {}),
        ...(plugin?.key ? { key: plugin.key } : {}),
      };
      try {
        await within(limit, withoutExec(loaded, secure).applyToHTTPSOptions(applied));
      } catch (error) {
        if (error instanceof AppError) throw error;
        const code = (error as NodeJS.ErrnoException | null)?.code;
        throw notConfigured(
          `the credentials of the kubeconfig's context cannot be read${code ? ` (${code})` : ''}.`,
          'check the certificate, key and token files that it names, or sign in again.',
        );
      }
      const headers: Record<string, string> = {};
      for (const [name, value] of Object.entries(applied.headers ?? {})) headers[name] = String(value).trim();
      if (applied.auth) headers.Authorization = `Basic ${Buffer.from(applied.auth).toString('base64')}`;
      if (plugin?.token) headers.Authorization = `Bearer ${plugin.token}`;
      if (cluster?.proxyUrl && applied.agent) return { headers, agent: applied.agent as HttpAgent };
      const tls: AgentOptions = {};
      if (applied.ca) tls.ca = applied.ca;
      const cert = plugin?.cert ?? applied.cert;
      const key = plugin?.key ?? applied.key;
      if (cert) tls.cert = cert;
      if (key) tls.key = key;
      if (applied.servername) tls.servername = applied.servername;
      if (applied.rejectUnauthorized !== undefined) tls.rejectUnauthorized = applied.rejectUnauthorized;
      return { headers, agent: keepAlive(tls, secure) };
    },
  };
}

/**
 * The library's view of the context without what it must not do: start the plugin itself, or refuse plain http, which has no
 * certificate to skip.
 */
function withoutExec({ config }: LoadedKubeconfig, secure: boolean): LoadedKubeconfig['config'] {
  const user = config.getCurrentUser();
  const cluster = config.getCurrentCluster();
  if (!user?.exec && secure) return config;
  const view = Object.create(config) as LoadedKubeconfig['config'];
  view.getCurrentUser = () => (user ? { ...user, exec: undefined } : null);
  view.getCurrentCluster = () =>
    cluster ? { ...cluster, skipTLSVerify: secure ? cluster.skipTLSVerify : true } : null;
  return view;
}

/** Certificates and key read once for all connections; what cannot be read is told by the connection itself. */
function shared(tls: AgentOptions): { secureContext?: SecureContext } {
  try {
    return { secureContext: createSecureContext(tls) };
  } catch {
    return {};
  }
}
