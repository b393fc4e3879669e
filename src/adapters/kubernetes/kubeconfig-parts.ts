import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Cluster, User } from '@kubernetes/client-node/dist/config_types.js';
import { z } from 'zod';
import { notConfigured } from '../../errors.ts';
import { type Part, readProblem } from './kubeconfig-file.ts';
import { checkProxy, environmentProxy } from './proxy.ts';

// As the Go libraries read it: a scalar where a text is wanted is that text, an empty one is none.
const text = z
  .union([z.string(), z.number(), z.boolean(), z.null()])
  .optional()
  .transform((value) => (value === null || value === undefined || value === '' ? undefined : String(value)));

// Source: k8s.io/client-go/tools/clientcmd/api/v1, Cluster and AuthInfo.
const clusterSchema = z.object({
  server: text,
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'tls-server-name': text,
  'proxy-url': text,
  extensions: z.array(z.object({ name: z.string(), extension: z.unknown() })).nullish(),
});
const userSchema = z.object({
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  token: text,
  tokenFile: text,
  username: text,
  password: text,
  as: text,
  'as-uid': text,
  'as-groups': z.array(z.string()).nullish(),
  'as-user-extra': z.record(z.string(), z.array(z.string())).nullish(),
  'auth-provider': z.looseObject({ name: z.string() }).nullish(),
  exec: z.record(z.string(), z.unknown()).nullish(),
});

/** Authentication that kubectl dropped with 1.26; the library would start a program for it without any deadline. */
const DROPPED = new Set(['gcp', 'azure', 'exec']);
/** Where a cluster tells its plugins what they need. Source: client.authentication.k8s.io/v1, Cluster.config. */
const EXEC_EXTENSION = 'client.authentication.k8s.io/exec';

export interface CheckedCluster {
  cluster: Cluster;
  server: URL;
  /** `spec.cluster` of what a credential plugin is told. */
  told: Record<string, unknown>;
}

export interface CheckedUser {
  user: User;
  /** Absolute; its content counts before any token of the kubeconfig. */
  token_file: string | undefined;
  /** Headers that make the request that of someone else. */
  impersonation: Record<string, string | string[]>;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Throws `NOT_CONFIGURED` where requests to it could not work. */
export function checkCluster(name: string, part: Part, context: string, env: Env): CheckedCluster {
  const of = `the cluster "${name}" of the context "${context}"`;
  const parsed = clusterSchema.safeParse(part.value);
  if (!parsed.success) throw malformed(of, parsed.error);
  const raw = parsed.data;
  const url = raw.server;
  if (url === undefined || !URL.canParse(url)) {
    throw notConfigured(`the context "${context}" names no cluster with a valid server.`, 'mend the kubeconfig.');
  }
  const server = new URL(url);
  if (server.protocol !== 'https:' && server.protocol !== 'http:') {
    throw notConfigured(`the server of the context "${context}" is neither http nor https.`, 'mend the kubeconfig.');
  }
  const skip = raw['insecure-skip-tls-verify'] === true;
  const ca = `the certificate authority of the context "${context}"`;
  const authority = either(raw['certificate-authority-data'], raw['certificate-authority'], part.folder, ca);
  if (skip && authority.given) {
    // kubectl and Helm refuse it too.
    throw notConfigured(
      `${of} has both a certificate authority and insecure-skip-tls-verify.`,
      'remove insecure-skip-tls-verify.',
    );
  }
  const pem = readPem(authority, ca);
  if (pem) parseOr(pem, ca, (bytes) => new X509Certificate(bytes));
  const proxyUrl =
    raw['proxy-url'] === undefined
      ? environmentProxy(server, env)
      : checkProxy(raw['proxy-url'], `the proxy-url of ${of}`);
  return {
    server,
    cluster: {
      name,
      server: url.replace(/\/$/, ''),
      skipTLSVerify: skip,
      ...(authority.data === undefined ? {} : { caData: authority.data }),
      ...(authority.file === undefined ? {} : { caFile: authority.file }),
      ...(raw['tls-server-name'] === undefined ? {} : { tlsServerName: raw['tls-server-name'] }),
      ...(proxyUrl === null ? {} : { proxyUrl }),
    },
    told: {
      server: url,
      'tls-server-name': raw['tls-server-name'],
      'insecure-skip-tls-verify': skip || undefined,
      'certificate-authority-data': pem?.toString('base64'),
      'proxy-url': raw['proxy-url'],
      config: raw.extensions?.find((item) => item.name === EXEC_EXTENSION)?.extension ?? null,
    },
  };
}

export function checkUser(name: string, part: Part, context: string, told: Record<string, unknown>): CheckedUser {
  const of = `the user "${name}" of the context "${context}"`;
  const parsed = userSchema.safeParse(part.value);
  if (!parsed.success) throw malformed(of, parsed.error);
  const raw = parsed.data;
  const provider = raw['auth-provider']?.name;
  if (provider !== undefined && DROPPED.has(provider)) {
    throw notConfigured(
      `the user of the context "${context}" has the auth-provider "${provider}", which Kubernetes dropped with 1.26.`,
      'use the exec credential plugin of that provider.',
    );
  }
  const certName = `the client certificate of the context "${context}"`;
  const keyName = `the client key of the context "${context}"`;
  const cert = either(raw['client-certificate-data'], raw['client-certificate'], part.folder, certName);
  const key = either(raw['client-key-data'], raw['client-key'], part.folder, keyName);
  checkPair(cert, certName, key, keyName);
  const tokenFile = raw.tokenFile === undefined ? undefined : resolve(part.folder, raw.tokenFile);
  if (tokenFile !== undefined) readTokenFile(tokenFile, context);
  const hasToken = tokenFile !== undefined || raw.token !== undefined;
  return {
    token_file: tokenFile,
    impersonation: impersonationOf(raw, of),
    user: {
      name,
      ...(cert.data === undefined ? {} : { certData: cert.data }),
      ...(cert.file === undefined ? {} : { certFile: cert.file }),
      ...(key.data === undefined ? {} : { keyData: key.data }),
      ...(key.file === undefined ? {} : { keyFile: key.file }),
      ...(tokenFile === undefined && raw.token !== undefined ? { token: raw.token } : {}),
      ...(raw.username === undefined ? {} : { username: raw.username, password: raw.password ?? '' }),
      ...(raw['auth-provider'] ? { authProvider: raw['auth-provider'] } : {}),
      // A token in the kubeconfig counts before a plugin, as for kubectl.
      ...(raw.exec && !hasToken ? { exec: located(raw.exec, part.folder, told) } : {}),
    },
  };
}

/** The token of the moment. Throws `NOT_CONFIGURED`. */
export function readTokenFile(file: string, context: string | null): string {
  const whose = context === null ? "the pod's account" : `the context "${context}"`;
  let token: string;
  try {
    token = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw notConfigured(`the token file ${file} of ${whose} cannot be read: ${readProblem(error)}.`, MEND_FILES);
  }
  if (token === '') throw notConfigured(`the token file ${file} of ${whose} is empty.`, MEND_FILES);
  // A control character would be refused by the HTTP library in words of its own.
  if (/[^\x21-\x7e]/.test(token))
    throw notConfigured(`the token file ${file} of ${whose} holds more than one word.`, MEND_FILES);
  return token;
}

const MEND_FILES = 'check the certificate, key and token files that the kubeconfig names, or sign in again.';

interface Source {
  data: string | undefined;
  file: string | undefined;
  given: boolean;
}

/** Both at once is no valid configuration to kubectl and Helm. Source: client-go, clientcmd/validation.go. */
function either(data: string | undefined, file: string | undefined, folder: string, what: string): Source {
  if (data !== undefined && file !== undefined)
    throw notConfigured(`${what} is given both inline and as a file.`, 'remove one of the two from the kubeconfig.');
  const path = file === undefined ? undefined : resolve(folder, file);
  return { data, file: path, given: data !== undefined || path !== undefined };
}

function readPem(source: Source, what: string): Buffer | null {
  if (source.data !== undefined) return Buffer.from(source.data, 'base64');
  if (source.file === undefined) return null;
  try {
    return readFileSync(source.file);
  } catch (error) {
    throw notConfigured(`${what}, ${source.file}, cannot be read: ${readProblem(error)}.`, MEND_FILES);
  }
}

function parseOr<T>(bytes: Buffer, what: string, make: (bytes: Buffer) => T): T {
  try {
    return make(bytes);
  } catch {
    throw notConfigured(`${what} is not valid PEM.`, MEND_FILES);
  }
}

function checkPair(cert: Source, certName: string, key: Source, keyName: string): void {
  if (cert.given !== key.given)
    throw notConfigured(`${cert.given ? keyName : certName} is missing; the other half is there.`, MEND_FILES);
  const certBytes = readPem(cert, certName);
  const keyBytes = readPem(key, keyName);
  if (certBytes === null || keyBytes === null) return;
  const certificate = parseOr(certBytes, certName, (bytes) => new X509Certificate(bytes));
  const privateKey = parseOr(keyBytes, keyName, (bytes) => createPrivateKey(bytes));
  if (!certificate.checkPrivateKey(privateKey))
    throw notConfigured(`${certName} and its key do not belong together.`, MEND_FILES);
}

/** Source: k8s.io/api/authentication/v1, the Impersonate headers; keys of extra are percent-encoded. */
function impersonationOf(raw: z.output<typeof userSchema>, of: string): CheckedUser['impersonation'] {
  const groups = raw['as-groups'] ?? [];
  const extra = Object.entries(raw['as-user-extra'] ?? {});
  if (raw.as === undefined) {
    if (groups.length > 0 || extra.length > 0 || raw['as-uid'] !== undefined)
      throw notConfigured(`${of} impersonates without naming whom: "as" is missing.`, 'mend the kubeconfig.');
    return {};
  }
  return {
    'Impersonate-User': raw.as,
    ...(raw['as-uid'] === undefined ? {} : { 'Impersonate-Uid': raw['as-uid'] }),
    ...(groups.length === 0 ? {} : { 'Impersonate-Group': groups }),
    ...Object.fromEntries(extra.map(([key, values]) => [`Impersonate-Extra-${encodeURIComponent(key)}`, values])),
  };
}

/** A path is relative to its file; a bare name is looked up on PATH. */
function located(
  exec: Record<string, unknown>,
  folder: string,
  told: Record<string, unknown>,
): Record<string, unknown> {
  const { command } = exec;
  const path = typeof command === 'string' && /[/\\]/.test(command) ? resolve(folder, command) : command;
  return { ...exec, command: path, told };
}

/** The key is named, its value never. */
function malformed(of: string, error: z.ZodError): Error {
  const key = error.issues[0]?.path.map(String).join('.');
  return notConfigured(`${of} is malformed${key ? `: ${key} has the wrong form` : ''}.`, 'mend the kubeconfig.');
}
