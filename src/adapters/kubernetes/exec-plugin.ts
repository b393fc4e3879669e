import { resolve } from 'node:path';
import { z } from 'zod';
import { maskText } from '../../domain/mask.ts';
import { oneLine } from '../../domain/text.ts';
import { forbidden, notConfigured, timedOut } from '../../errors.ts';
import { safeEnvironment } from '../commands/environment.ts';
import { type ProcessOutcome, runProcess } from '../commands/process.ts';
import type { Limit } from './limit.ts';

/** The `exec` part of a kubeconfig's user. Source: client.authentication.k8s.io/v1, ExecConfig. */
export const execConfigSchema = z.object({
  apiVersion: z.string().default('client.authentication.k8s.io/v1'),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  provideClusterInfo: z.boolean().nullish(),
  interactiveMode: z.string().nullish(),
  installHint: z.string().nullish(),
  /** Not of the file: what the loader knows of the cluster, in the form in which a plugin is told. */
  told: z.record(z.string(), z.unknown()).optional(),
});
export type ExecConfig = z.output<typeof execConfigSchema>;

const credentialSchema = z.object({
  apiVersion: z.string().optional(),
  status: z.object({
    token: z.string().optional(),
    clientCertificateData: z.string().optional(),
    clientKeyData: z.string().optional(),
    expirationTimestamp: z.string().nullish(),
  }),
});

export interface ExecCredential {
  token: string | undefined;
  cert: string | undefined;
  key: string | undefined;
  /** Milliseconds since the epoch; Infinity where the plugin gave none: then it lasts until the server refuses it. */
  expires_at: number;
}

const MAX_OUTPUT = 256 * 1024;
/** Source: kubectl 1.24 and later; v1alpha1 is gone. */
const VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];
const LONGEST_HINT = 300;

/**
 * Runs a credential plugin within the read's deadline. Not left to the library, which gives it no deadline, the whole environment
 * of the server and an open stdin. Its output is never in a message: it holds the token.
 */
export async function runExecPlugin(
  exec: ExecConfig,
  cluster: Record<string, unknown>,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
  passthrough: readonly string[],
  limit: Limit,
): Promise<ExecCredential> {
  const name = oneLine(exec.command.split(/[/\\]/).at(-1) ?? exec.command, 80);
  const next = `run ${name} at a terminal and sign in again.`;
  if (!VERSIONS.includes(exec.apiVersion)) {
    throw notConfigured(
      `the credential plugin ${name} of the kubeconfig is set up for ${oneLine(exec.apiVersion, 80)}, which kubectl no longer knows.`,
      `set its apiVersion to ${VERSIONS[0]}, with a plugin that speaks it.`,
    );
  }
  if (exec.interactiveMode === 'Always') {
    throw notConfigured(
      `the credential plugin ${name} of the kubeconfig wants a terminal (interactiveMode: Always), and a server has none.`,
      'use credentials that need no terminal, or interactiveMode: IfAvailable, if the plugin can do without once signed in.',
    );
  }
  const own = Object.fromEntries((exec.env ?? []).map(({ name: key, value }) => [key, value]));
  const spec = { ...(exec.provideClusterInfo ? { cluster: exec.told ?? cluster } : {}), interactive: false };
  const info = JSON.stringify({ kind: 'ExecCredential', apiVersion: exec.apiVersion, spec });
  const left = limit.remaining();
  // A little less than the read has, so that the plugin is blamed and not the API server, which was never asked.
  const deadline = Math.max(left - 200, left / 2);
  const result = await inTime(deadline, {
    file: /[/\\]/.test(exec.command) ? resolve(folder, exec.command) : exec.command,
    args: exec.args ?? [],
    env: { ...safeEnvironment(env, passthrough), ...own, KUBERNETES_EXEC_INFO: info },
    deadline_ms: deadline,
    // No signal: several reads may wait for the same credential, and one that is cancelled must not fail the others.
    max_output_bytes: MAX_OUTPUT,
  });
  if (result === null || result.timed_out) {
    throw timedOut(
      `the credential plugin ${name} of the kubeconfig did not answer within ${Math.round(deadline)} ms.`,
      `${next} It may wait for a browser or a prompt; if it is only slow, raise source_deadline.`,
    );
  }
  if (result.not_found) {
    const hint = exec.installHint ? ` Its kubeconfig says: ${oneLine(maskText(exec.installHint), LONGEST_HINT)}` : '';
    throw notConfigured(
      `the credential plugin ${name} of the kubeconfig is not installed or not on the PATH of this server.${hint}`,
      'install it, name it by its whole path, or mend the kubeconfig.',
    );
  }
  if (result.exit_code !== 0) {
    const how = result.exit_code === null ? 'was ended by a signal' : `failed (exit code ${result.exit_code})`;
    throw forbidden(`the credential plugin ${name} of the kubeconfig ${how}.`, next);
  }
  const said = parse(result.stdout);
  if (said === null) throw forbidden(`the credential plugin ${name} of the kubeconfig gave no valid credential.`, next);
  const { apiVersion, status } = said;
  if (apiVersion !== undefined && apiVersion !== exec.apiVersion) {
    throw notConfigured(
      `the credential plugin ${name} of the kubeconfig answered in ${oneLine(apiVersion, 80)}, not in ${exec.apiVersion}.`,
      'set the apiVersion of the plugin in the kubeconfig to what it speaks.',
    );
  }
  const expires = Date.parse(status.expirationTimestamp ?? '');
  return {
    token: status.token,
    cert: status.clientCertificateData,
    key: status.clientKeyData,
    expires_at: Number.isNaN(expires) ? Number.POSITIVE_INFINITY : expires,
  };
}

/** null as soon as the time is over: a plugin that ignores SIGTERM is killed later, and nobody waits for that. */
async function inTime(ms: number, spec: Parameters<typeof runProcess>[0]): Promise<ProcessOutcome | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((done) => {
    timer = setTimeout(done, ms + 50, null);
  });
  try {
    return await Promise.race([runProcess(spec), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** null where it is no credential: neither a token nor a certificate with its key. */
function parse(stdout: Buffer): z.output<typeof credentialSchema> | null {
  try {
    const said = credentialSchema.parse(JSON.parse(stdout.toString('utf8')));
    const { token, clientCertificateData: cert, clientKeyData: key } = said.status;
    return (token || cert) && !cert === !key ? said : null;
  } catch {
    return null;
  }
}
