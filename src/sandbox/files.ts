import { randomBytes, scryptSync } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { toYaml } from './platform/yaml.ts';
import type { Random } from './random.ts';
import { AGENT, CONTEXT, CORE, ENVIRONMENT } from './scenarios/types.ts';
import type { WireName } from './wires/faults.ts';
import { HEALTH_SERVICES } from './wires/health.ts';
import { PROVIDER } from './wires/statuspage.ts';

export interface SandboxFolder {
  dir: string;
  /** Removes the folder, if it is a temporary one of ours. */
  remove(): Promise<void>;
}

/** The folder of one sandbox: a fresh temporary one, or the caller's. Mode 0700. */
export async function openFolder(given: string | null): Promise<SandboxFolder> {
  const dir = given === null ? await mkdtemp(join(tmpdir(), 'incident-sandbox-')) : resolve(given);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await chmod(dir, 0o700);
  for (const part of ['bin', 'secrets', 'data']) await mkdir(join(dir, part), { recursive: true, mode: 0o700 });
  return {
    dir,
    remove: async () => {
      if (given === null) await rm(dir, { recursive: true, force: true });
    },
  };
}

/** One line `scrypt$N$r$p$salt$hash` (salt and hash in base64url): what proves a secret without holding it. */
export function hashSecret(secret: string, salt: Buffer): string {
  const [n, r, p] = [16_384, 8, 1];
  const hash = scryptSync(secret, salt, 32, { N: n, r, p });
  return `scrypt$${n}$${r}$${p}$${salt.toString('base64url')}$${hash.toString('base64url')}`;
}

/** In the kubeconfig, and planted there to be looked for where it must not come up. */
export const KUBERNETES_TOKEN = 'planted-kubeconfig-token-Kx83';

/** What a run of the sandbox keeps secret; random, unless the seed was given. */
export interface Secrets {
  approver: string;
  salt: Buffer;
  /** In the paths of the sinks. */
  token: string;
  routingKey: string;
  webhookKey: string;
}

export function makeSecrets(seeded: Random | null): Secrets {
  const hex = (bytes: number): string => (seeded === null ? randomBytes(bytes).toString('hex') : seeded.hex(bytes * 2));
  const digits = hex(8);
  return {
    approver: `${digits.slice(0, 4)}-${digits.slice(4, 8)}-${digits.slice(8, 12)}-${digits.slice(12)}`,
    salt: Buffer.from(hex(16), 'hex'),
    token: hex(12),
    routingKey: hex(16),
    webhookKey: hex(32),
  };
}

export interface FilePaths {
  config: string;
  kubeconfig: string;
  data: string;
}

interface FileParts {
  dir: string;
  urls: Readonly<Record<WireName, string>>;
  secrets: Secrets;
  sinkPaths: { slack: string; webhook: string };
  /** The bundled program that the stand-ins run. */
  program: string;
  speed: number;
}

/** Writes the configuration, the kubeconfig, the secrets and the stand-ins for helm and pulsar. */
export async function writeFiles(parts: FileParts): Promise<FilePaths> {
  const { dir, urls, secrets } = parts;
  const at = (...names: string[]): string => join(dir, ...names);
  const secret = (name: string, content: string) => writeFile(at('secrets', name), `${content}\n`, { mode: 0o600 });
  const paths: FilePaths = { config: at('incident-mcp.yaml'), kubeconfig: at('kubeconfig'), data: at('data') };
  await Promise.all([
    writeFile(paths.kubeconfig, toYaml(kubeconfig(urls.kubernetes)), { mode: 0o600 }),
    writeFile(paths.config, toYaml(configuration(parts, paths)), { mode: 0o600 }),
    writeFile(at('bin', 'helm'), launcher(parts.program, ['helm', String(parts.speed)]), { mode: 0o755 }),
    writeFile(at('bin', 'pulsar'), launcher(parts.program, ['pulsar', paths.kubeconfig]), { mode: 0o755 }),
    secret('slack-url', `${urls.slack}${parts.sinkPaths.slack}`),
    secret('pagerduty-key', secrets.routingKey),
    secret('webhook-url', `${urls.webhook}${parts.sinkPaths.webhook}`),
    secret('webhook-key', secrets.webhookKey),
    secret('approver.hash', hashSecret(secrets.approver, secrets.salt)),
  ]);
  return paths;
}

function kubeconfig(server: string): unknown {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': CONTEXT,
    clusters: [{ name: CONTEXT, cluster: { server } }],
    contexts: [{ name: CONTEXT, context: { cluster: CONTEXT, user: 'on-call' } }],
    users: [{ name: 'on-call', user: { token: KUBERNETES_TOKEN } }],
  };
}

function configuration({ dir, urls }: FileParts, { kubeconfig: kubeconfigPath, data }: FilePaths): unknown {
  const secret = (name: string): string => join(dir, 'secrets', name);
  return {
    environments: {
      [ENVIRONMENT]: {
        kubeconfig: kubeconfigPath,
        context: CONTEXT,
        protected: false,
        releases: [
          {
            name: CORE.release,
            namespace: CORE.namespace,
            services: ['control-plane', 'analysis-engine', 'ingest-gateway', 'web-ui', 'postgres'],
          },
          { name: AGENT.release, namespace: AGENT.namespace, services: ['agent-gateway', 'agent-relay'] },
        ],
        health_endpoints: HEALTH_SERVICES.map((name) => ({ name, url: `${urls.health}/${name}`, service: name })),
        scale_down: { command: ['pulsar', 'scale', 'down', '--env', '{environment}'] },
      },
    },
    default_environment: ENVIRONMENT,
    programs: { helm: join(dir, 'bin', 'helm'), pulsar: join(dir, 'bin', 'pulsar') },
    signals: {
      prometheus: { url: urls.prometheus },
      alertmanager: { url: urls.alertmanager },
      llm_provider: { name: PROVIDER, status_url: `${urls.statuspage}/api/v2/summary.json` },
    },
    notify: {
      slack: { url_file: secret('slack-url') },
      pagerduty: { url: `${urls.pagerduty}/v2/enqueue`, routing_key_file: secret('pagerduty-key') },
      webhook: { url_file: secret('webhook-url'), secret_file: secret('webhook-key') },
    },
    approval: {
      secret_file: secret('approver.hash'),
      policy: [{ environment: ENVIRONMENT, ways: ['client_form', 'terminal', 'page_secret', 'passkey'] }],
    },
    store: { dir: data },
  };
}

/**
 * A stand-in's file: runs the sandbox's own program with these words before the caller's. The first line names this very
 * Node where the kernel can take it (no blanks, short enough), so that it works without a PATH.
 */
function launcher(program: string, words: readonly string[]): string {
  const node = process.execPath;
  const first = node.length < 120 && !/\s/.test(node) ? node : '/usr/bin/env node';
  const inserted = words.map((word) => JSON.stringify(word)).join(', ');
  return `#!${first}\nprocess.argv.splice(2, 0, ${inserted});\nimport(${JSON.stringify(program)});\n`;
}
