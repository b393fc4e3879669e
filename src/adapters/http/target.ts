import { type AppError, notConfigured } from '../../errors.ts';

/** A secret that the caller keeps: the value, or how to get the newest one (a file may be rotated). */
export type Secret = string | (() => string | Promise<string>);

export interface HttpAuth {
  bearer?: Secret | undefined;
  basic?: { username: string; password: Secret } | undefined;
}

export const reveal = async (secret: Secret): Promise<string> => (typeof secret === 'string' ? secret : await secret());

/** Where a request goes, without what must not be told: userinfo is taken out of `url`. */
export interface Target {
  url: URL;
  /** `host:port/path` for messages; `host:port` alone where the path is a secret. Never userinfo nor the query. */
  label: string;
  /** From the userinfo of the URL, if it had any. */
  userinfo: { username: string; password: string } | null;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const badUrl = (problem: string): AppError =>
  notConfigured(`A configured address ${problem}.`, 'give a full http:// or https:// URL in the configuration.');

/** Reads a configured URL; throws `NOT_CONFIGURED` without repeating it, since it may hold a secret. */
export function parseTarget(address: string, secretPath = false): Target {
  if (!URL.canParse(address)) throw badUrl('is not a URL');
  const url = new URL(address);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw badUrl('is neither http nor https');
  const userinfo = url.username ? { username: decoded(url.username), password: decoded(url.password) } : null;
  url.username = '';
  url.password = '';
  url.hash = '';
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const label = `${url.hostname}:${port}`;
  return { url, userinfo, label: secretPath ? label : `${label}${url.pathname}` };
}

/** Puts a path behind a base URL whose own path stays (`https://host/prometheus` + `/api/v1/query`). Query of the base is dropped. */
export function joinUrl(base: string, path: string, query?: URLSearchParams): string {
  if (!URL.canParse(base)) throw badUrl('is not a URL');
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${path}`;
  url.search = query ? query.toString() : '';
  return url.toString();
}

/** The `Authorization` header's value; the configured credentials win over those in the URL. */
export async function authorization(auth: HttpAuth | undefined, target: Target): Promise<string | null> {
  if (auth?.bearer !== undefined) return `Bearer ${(await reveal(auth.bearer)).trim()}`;
  const basic = auth?.basic ?? target.userinfo;
  if (!basic) return null;
  return `Basic ${Buffer.from(`${basic.username}:${await reveal(basic.password)}`, 'utf8').toString('base64')}`;
}
