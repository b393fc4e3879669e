import type { IncomingMessage, ServerResponse } from 'node:http';
import { forbidden } from '../errors.ts';

/**
 * What every answer carries. Nothing is loaded from elsewhere, nothing is inlined, nobody may frame the page (a click could be stolen), and no
 * address of it leaves by a referrer.
 */
const HEADERS: Record<string, string> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'publickey-credentials-get=(self), publickey-credentials-create=(self)',
  'Cache-Control': 'no-store',
};

export function harden(response: ServerResponse): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
}

/**
 * Whether a request is meant for this page and comes from it. The Host must be ours, or a name that an attacker points at loopback (DNS rebinding)
 * would read the page; what changes something must come from our own origin.
 * @throws FORBIDDEN
 */
export function admit(request: IncomingMessage, port: number): void {
  const host = request.headers.host ?? '';
  if (host !== `localhost:${port}` && host !== `127.0.0.1:${port}`) throw refused('the Host is not this page');
  const origin = request.headers.origin;
  const site = request.headers['sec-fetch-site'];
  if (origin !== undefined && origin !== `http://${host}`) throw refused('the request comes from another origin');
  // `none`: typed into the address bar or opened by another program. A link on another page may open the page, never call it.
  const navigation = request.method === 'GET' && request.headers['sec-fetch-mode'] === 'navigate';
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !navigation)
    throw refused('the request comes from another site');
  if (request.method === 'POST') {
    if (origin === undefined) throw refused('the request does not say where it comes from');
    if (!/^application\/json(;|$)/.test(request.headers['content-type'] ?? ''))
      throw refused('the request is not JSON');
  }
}

const refused = (why: string) => forbidden(`${why}.`, 'open the address that incident-mcp gave.');
