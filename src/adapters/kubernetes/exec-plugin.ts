import { resolve } from 'node:path';
import { z } from 'zod';
import { forbidden, notConfigured } from '../../errors.ts';
import { safeEnvironment } from '../commands/environment.ts';
import { runProcess } from '../commands/process.ts';
import type { Limit } from './limit.ts';

/** The `exec` part of a kubeconfig's user. Source: client.authentication.k8s.io/v1, ExecConfig. */
export const execConfigSchema = z.object({
  apiVersion: z.string().default('client.authentication.k8s.io/v1'),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  provideClusterInfo: z.boolean().nullish(),
});
export type ExecConfig = z.output<typeof execConfigSchema>;

const credentialSchema = z.object({
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
  const own = Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value]));
  const spec = { interactive: false, ...(exec.provideClusterInfo ? { cluster } : {}) };
  const info = JSON.stringify({ apiVersion: exec.apiVersion, kind: 'ExecCredential', spec });
  const result = await runProcess({
    file: /[/\\]/.test(exec.command) ? resolve(folder, exec.command) : exec.command,
    args: exec.args ?? [],
    env: { ...safeEnvironment(env, passthrough), ...own, KUBERNETES_EXEC_INFO: info },
    deadline_ms: limit.remaining(),
    // No signal: several reads may wait for the same credential, and one that is cancelled must not fail the others.
    max_output_bytes: MAX_OUTPUT,
  });
  const name = exec.command.split(/[/\\]/).at(-1) ?? exec.command;
  if (result.not_found) {
    throw notConfigured(
      `the credential plugin ${name} of the kubeconfig is not installed.`,
      'install it or mend the kubeconfig.',
    );
  }
  if (result.timed_out) throw limit.error();
  const next = `run ${name} at a terminal and sign in again.`;
  if (result.exit_code !== 0) {
    throw forbidden(`the credential plugin ${name} of the kubeconfig failed (exit code ${result.exit_code}).`, next);
  }
  try {
    const { status } = credentialSchema.parse(JSON.parse(result.stdout.toString('utf8')));
    const expires = Date.parse(status.expirationTimestamp ?? '');
    return {
      token: status.token,
      cert: status.clientCertificateData,
      key: status.clientKeyData,
      expires_at: Number.isNaN(expires) ? Number.POSITIVE_INFINITY : expires,
    };
  } catch {
    throw forbidden(`the credential plugin ${name} of the kubeconfig gave no valid credential.`, next);
  }
}
