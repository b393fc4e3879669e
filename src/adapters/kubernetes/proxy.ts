import { BlockList, isIP } from 'node:net';
import { notConfigured } from '../../errors.ts';

type Env = Readonly<Record<string, string | undefined>>;

const KINDS = new Set(['http:', 'https:', 'socks5:', 'socks5h:']);

/** A proxy that can be used, or `NOT_CONFIGURED`. The URL is never quoted: it may hold a password. */
export function checkProxy(proxy: string, what: string): string {
  if (URL.canParse(proxy)) {
    const url = new URL(proxy);
    if (KINDS.has(url.protocol) && url.hostname !== '') {
      // Go lets a socks5 proxy look up the name, which for the library is socks5h.
      return url.protocol === 'socks5:' ? `socks5h:${proxy.slice('socks5:'.length)}` : proxy;
    }
  }
  throw notConfigured(`${what} is not a URL with http, https or socks5.`, 'correct it, for example http://proxy:3128.');
}

/**
 * The proxy that the environment asks for, or null, by the rules that kubectl and Helm follow, so that all three reach the same server the same way.
 * Source: golang.org/x/net/http/httpproxy: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, upper case first; loopback is never proxied.
 */
export function environmentProxy(server: URL, env: Env): string | null {
  const host = bare(server.hostname);
  const port = server.port || (server.protocol === 'https:' ? '443' : '80');
  const name = server.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const proxy = (env[name] || env[name.toLowerCase()])?.trim();
  if (!proxy || isLoopback(host)) return null;
  if (excluded(host, port, env.NO_PROXY || env.no_proxy || '')) return null;
  return checkProxy(proxy.includes('://') ? proxy : `http://${proxy}`, `${name} of the environment`);
}

const bare = (host: string): string => host.replace(/^\[|\]$/g, '').toLowerCase();

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function excluded(host: string, port: string, list: string): boolean {
  return list
    .split(',')
    .map((item) => item.trim().toLowerCase())
    .some((item) => item !== '' && matches(item, host, port));
}

function matches(item: string, host: string, port: string): boolean {
  if (item === '*') return true;
  const family = isIP(host) === 6 ? 'ipv6' : 'ipv4';
  const [network = '', bits = ''] = item.split('/');
  if (isIP(network) !== 0 && /^\d{1,3}$/.test(bits)) {
    if (isIP(host) === 0 || Number(bits) > (isIP(network) === 6 ? 128 : 32)) return false;
    const range = new BlockList();
    range.addSubnet(network, Number(bits), isIP(network) === 6 ? 'ipv6' : 'ipv4');
    return range.check(host, family);
  }
  const [, bracketed, plain, only] =
    /^(?:\[([0-9a-f:.]+)\]|([^:]+|[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*))(?::(\d+))?$/.exec(item) ?? [];
  const name = bracketed ?? plain;
  if (name === undefined || (only !== undefined && only !== port)) return false;
  if (isIP(name) !== 0 || isIP(host) !== 0) return name === host;
  const domain = name.startsWith('*.') ? name.slice(1) : name;
  // ".example.org" means the names below it, "example.org" also itself.
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
}
