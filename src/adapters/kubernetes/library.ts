import { createHash } from 'node:crypto';
import type { Agent as HttpAgent, RequestOptions } from 'node:http';
import type { AgentOptions } from 'node:https';
// Of the library only this module is used: its index loads 500 more that nothing here needs.
import type { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import type { Cluster, User } from '@kubernetes/client-node/dist/config_types.js';
import { readTokenFile } from './kubeconfig-parts.ts';
import { TunnelAgent } from './tunnel.ts';

export interface Chosen {
  /** null: the pod's own account. */
  context: string | null;
  cluster: Cluster;
  user: User;
  token_file: string | undefined;
}

/**
 * The library's object with one context: the chosen one. What it would do in its own way is done as kubectl does it: a token file is read at each
 * request, because a rotated one must never be missed, and a proxy keeps its connections.
 */
export async function libraryConfig({ context, cluster, user, token_file }: Chosen): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  let proxied: { key: string; agent: HttpAgent } | null = null;
  class OneContext extends KubeConfig {
    override async applyToHTTPSOptions(options: RequestOptions & AgentOptions): Promise<void> {
      await super.applyToHTTPSOptions(options);
      if (token_file !== undefined)
        options.headers = { ...options.headers, Authorization: `Bearer ${readTokenFile(token_file, context)}` };
      if (cluster.proxyUrl !== undefined) options.agent = through(cluster.proxyUrl, options);
    }
  }
  const through = (proxyUrl: string, options: RequestOptions & AgentOptions): HttpAgent => {
    const { ca, cert, key, servername, rejectUnauthorized } = options;
    const tls = { ca, cert, key, servername, rejectUnauthorized };
    const digest = createHash('sha256')
      .update(JSON.stringify([String(ca), String(cert), String(key), servername, rejectUnauthorized]))
      .digest('hex');
    if (proxied?.key === digest) return proxied.agent;
    proxied?.agent.destroy();
    const url = new URL(proxyUrl);
    const tunnels = cluster.server.startsWith('https:') && (url.protocol === 'http:' || url.protocol === 'https:');
    const given = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined)) as AgentOptions;
    const agent = tunnels ? new TunnelAgent(url, given) : (options.agent as HttpAgent);
    proxied = { key: digest, agent };
    return agent;
  };
  const config = new OneContext();
  const name = context ?? 'in-cluster';
  config.loadFromOptions({
    clusters: [cluster],
    users: [user],
    contexts: [{ name, cluster: cluster.name, user: user.name }],
    currentContext: name,
  });
  return config;
}
