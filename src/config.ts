import { homedir, userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { DEFAULT_FLEET_QUERIES, DEFAULT_MATRIX, DEFAULT_QUERIES } from './config-defaults.ts';
import { parseYaml } from './config-lines.ts';
import { WAYS } from './domain/approval.ts';
import { parseDuration } from './domain/instant.ts';
import { toMatrixRow } from './domain/matrix-row.ts';
import { ACTIONS, RISKS } from './domain/plan.ts';
import { ruleProblems } from './domain/policy-rule.ts';
import { type MatrixRow, SEVERITIES } from './domain/severity.ts';
import { oneLine } from './domain/text.ts';
import { AppError } from './errors.ts';

/**
 * The one table of the configuration: keys, defaults, checks and types. Defaults are those of the shipped runbook, so that a file
 * needs little more than the kube context. Secrets are never in it: keys that end in `_env` name an environment variable and
 * keys that end in `_file` a file.
 */

const KUBE_NAME = /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/;
const name = z
  .string()
  .regex(
    KUBE_NAME,
    'must be an RFC 1123 name: lower-case letters, digits and "-", starting and ending with a letter or digit',
  );
const environmentName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,40}$/, 'lower-case letters, digits, "-" and "_" only');
const duration = z
  .string()
  .regex(/^\d{1,6}(s|m|h|d)$/, 'must be a duration such as 90s, 15m, 24h or 7d')
  .transform((text) => parseDuration(text, 'duration'));
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).refine(
  (text) => {
    if (!URL.canParse(text)) return true;
    const url = new URL(text);
    return url.username === '' && url.password === '';
  },
  { error: 'must not hold credentials; use auth with token_env, token_file or password_file' },
);

const auth = z.strictObject({
  token_env: z.string().optional(),
  token_file: z.string().optional(),
  username: z.string().optional(),
  password_env: z.string().optional(),
  password_file: z.string().optional(),
  ca_file: z.string().optional(),
});

const signals = z.strictObject({
  prometheus: z
    .strictObject({
      url: httpUrl,
      auth: auth.optional(),
      queries: z
        .strictObject({
          error_rate: z.string().default(DEFAULT_QUERIES.error_rate),
          latency_p95: z.string().default(DEFAULT_QUERIES.latency_p95),
          queue_depth: z.string().default(DEFAULT_QUERIES.queue_depth),
          queue_oldest: z.string().default(DEFAULT_QUERIES.queue_oldest),
        })
        .prefault({}),
    })
    .optional(),
  /** Alertmanager, or Grafana under `/api/alertmanager/grafana`: both speak the Alertmanager v2 form. */
  alertmanager: z
    .strictObject({ url: httpUrl, auth: auth.optional(), filter: z.array(z.string()).default([]) })
    .optional(),
  llm_provider: z.strictObject({ name: z.string().default('LLM provider'), status_url: httpUrl }).optional(),
});

const fleet = z.strictObject({
  source: z.enum(['prometheus', 'json']).default('prometheus'),
  url: httpUrl.optional(),
  auth: auth.optional(),
  queries: z
    .strictObject({
      expected: z.string().default(DEFAULT_FLEET_QUERIES.expected),
      connected: z.string().default(DEFAULT_FLEET_QUERIES.connected),
      versions: z.string().default(DEFAULT_FLEET_QUERIES.versions),
      impaired: z.string().default(DEFAULT_FLEET_QUERIES.impaired),
    })
    .prefault({}),
  slo_target: z.number().min(0).max(1).default(0.99),
  /** A customer counts as affected below this share of its agents. */
  customer_threshold: z.number().min(0).max(1).default(0.9),
  /** Percent of customers from which the scope is called `all` and `many`. */
  scope: z
    .strictObject({ all: z.number().min(0).max(100).default(95), many: z.number().min(0).max(100).default(20) })
    .prefault({}),
});

const environment = z.strictObject({
  kubeconfig: z.string().optional(),
  context: z.string().min(1).optional(),
  /** A protected environment asks for more than a client's form before a high-risk change. */
  protected: z.boolean().default(true),
  releases: z.array(z.strictObject({ name, namespace: name, services: z.array(name).default([]) })).default([
    { name: 'pulsestream-core', namespace: 'pulsestream-core-prod', services: [] },
    { name: 'pulsestream-agent', namespace: 'pulsestream-agent-prod', services: [] },
  ]),
  /** More namespaces to watch and to act in, beside those of the releases. */
  namespaces: z.array(name).default([]),
  health_endpoints: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        url: httpUrl,
        service: name.optional(),
        expect_status: z.number().int().min(100).max(599).default(200),
        auth: auth.optional(),
      }),
    )
    .default([]),
  scale_down: z
    .strictObject({ command: z.array(z.string().min(1)).min(1) })
    .default({ command: ['pulsar', 'scale', 'down', '--env', '{environment}'] }),
  signals: signals.optional(),
  fleet: fleet.optional(),
});

const responseTime = z.union([
  z.literal('immediate'),
  z.literal('next_business_day'),
  z.string().regex(/^\d{1,6}(s|m|h|d)$/),
]);
const matrixRow = z.strictObject({
  severity: z.enum(SEVERITIES),
  description: z.string().min(1),
  response: responseTime,
  examples: z.array(z.string()).default([]),
});

const oneOrMany = <T extends z.ZodType>(item: T) => z.union([item, z.array(item).min(1)]);
const policyRule = z.strictObject({
  action: oneOrMany(z.enum(ACTIONS)).optional(),
  environment: oneOrMany(environmentName).optional(),
  severity: oneOrMany(z.enum(SEVERITIES)).optional(),
  risk: oneOrMany(z.enum(RISKS)).optional(),
  ways: z.array(z.enum(WAYS)).min(1),
  approvers: z.number().int().min(1).max(5).default(1),
  /** The one whose assistant asked may not approve; default: where two or more must. */
  exclude_requester: z.boolean().optional(),
  /** Only a passkey or a secret of one's own says who approves. */
  proven_names: z.boolean().default(false),
  lifetime: duration.optional(),
});

export const configSchema = z
  .strictObject({
    environments: z.record(environmentName, environment).default({ prod: environment.parse({}) }),
    default_environment: environmentName.optional(),
    /** Where programs are: `helm: /opt/helm4`. What is not named is looked up on PATH. */
    programs: z.record(z.string(), z.string().min(1)).default({}),
    /** Names of environment variables that programs may see, beside the safe ones. */
    program_environment: z.array(z.string()).default([]),
    signals: signals.prefault({}),
    fleet: fleet.prefault({}),
    severity_matrix: z
      .array(matrixRow)
      .length(4, 'must have one row for each of SEV1 to SEV4')
      .default(matrixRow.array().parse(DEFAULT_MATRIX)),
    response: z
      .strictObject({
        time_zone: z
          .string()
          .refine((zone) => Intl.supportedValuesOf('timeZone').includes(zone) || zone === 'UTC', {
            error: 'must be an IANA time zone such as Europe/Zurich',
          })
          .default('UTC'),
        business_hours: z
          .strictObject({
            start: z
              .string()
              .regex(/^([01]\d|2[0-3]):[0-5]\d$/)
              .default('09:00'),
            end: z
              .string()
              .regex(/^([01]\d|2[0-3]):[0-5]\d$/)
              .default('17:00'),
            days: z.array(z.number().int().min(1).max(7)).min(1).default([1, 2, 3, 4, 5]),
          })
          .prefault({}),
        holidays: z.array(z.string().regex(/^\d{4}-\d{2}-\d{2}$/)).default([]),
        update_intervals: z
          .strictObject({
            SEV1: duration.prefault('20m'),
            SEV2: duration.prefault('20m'),
            SEV3: duration.prefault('1h'),
            SEV4: duration.nullable().default(null),
          })
          .prefault({}),
      })
      .prefault({}),
    approval: z
      .strictObject({
        /** File with the hashes of the approvers' secrets, written by `incident-mcp init`; default: in the user's configuration folder. */
        secret_file: z.string().optional(),
        /** File with the passkeys that may approve, written by `incident-mcp passkey add`; default: in the user's configuration folder. */
        passkeys_file: z.string().optional(),
        lifetime: duration.refine((ms) => ms > 0, { error: 'must be at least 1s' }).prefault('10m'),
        /** The person at the client that this server serves; default: the user who is signed in. */
        operator: z.string().trim().min(1).max(100).optional(),
        policy: z.array(policyRule).default([]),
        page: z
          .strictObject({
            /** `auto`: started when a plan waits that it may decide. */
            enabled: z.enum(['auto', 'off']).default('auto'),
            /** Port on 127.0.0.1; 0: a free one. */
            port: z.number().int().min(0).max(65_535).default(0),
          })
          .prefault({}),
      })
      .prefault({}),
    notify: z
      .strictObject({
        slack: z.strictObject({ url_env: z.string().optional(), url_file: z.string().optional() }).optional(),
        pagerduty: z
          .strictObject({
            url: httpUrl.default('https://events.pagerduty.com/v2/enqueue'),
            routing_key_env: z.string().optional(),
            routing_key_file: z.string().optional(),
          })
          .optional(),
        webhook: z
          .strictObject({
            url_env: z.string().optional(),
            url_file: z.string().optional(),
            secret_env: z.string().optional(),
            secret_file: z.string().optional(),
          })
          .optional(),
      })
      .prefault({}),
    /** Folder of Markdown runbooks; default: the shipped one. */
    runbooks: z.strictObject({ folder: z.string().optional() }).prefault({}),
    store: z.strictObject({ dir: z.string().optional(), key_file: z.string().optional() }).prefault({}),
    /** Deadline of one source within a read. */
    source_deadline: duration.prefault('5s'),
    /** How long the effect of an executed change is watched before the verdict is recorded. */
    verification_window: duration.prefault('5m'),
    /** How long a rollout may take before it counts as failed. */
    rollout_deadline: duration.prefault('5m'),
  })
  .superRefine((value, ctx) => {
    const names = Object.keys(value.environments);
    if (names.length === 0) {
      ctx.addIssue({ code: 'custom', path: ['environments'], message: 'must name at least one environment' });
    } else if (value.default_environment !== undefined && !names.includes(value.default_environment)) {
      ctx.addIssue({
        code: 'custom',
        path: ['default_environment'],
        message: `"${value.default_environment}" is not one of the environments: ${names.join(', ')}`,
      });
    }
    for (const { rule, key, message } of ruleProblems(value.approval.policy, names)) {
      ctx.addIssue({ code: 'custom', path: ['approval', 'policy', rule, key], message });
    }
    const rows = new Set(value.severity_matrix.map((row) => row.severity));
    if (rows.size !== SEVERITIES.length) {
      ctx.addIssue({ code: 'custom', path: ['severity_matrix'], message: 'must have each severity once' });
    }
  });

type Parsed = z.output<typeof configSchema>;
export type EnvironmentConfig = Parsed['environments'][string];
export type SignalsConfig = z.output<typeof signals>;
export type FleetConfig = z.output<typeof fleet>;
export type AuthConfig = z.output<typeof auth>;

export interface Config extends Omit<Parsed, 'severity_matrix' | 'default_environment'> {
  severity_matrix: MatrixRow[];
  default_environment: string;
  /** The file it came from; null for the built-in defaults. */
  source: string | null;
  /** Absolute data folder. */
  data_dir: string;
  /** The person whose assistant asks here: `$INCIDENT_MCP_OPERATOR`, `approval.operator`, else the user who is signed in. */
  operator: string;
  /** Absolute file with the hashes of the approvers' secrets. */
  secret_file: string;
  /** Absolute file with the passkeys that may approve. */
  passkeys_file: string;
  /** Absolute file with the key of the record's chain; outside the data folder. */
  key_file: string;
  runbooks_dir: string | null;
}

export interface ConfigFlags {
  config?: string;
  data_dir?: string;
}

export interface ConfigInput {
  flags: ConfigFlags;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  readFile: (path: string) => string | null;
}

/** Name of the person who is signed in on this machine. */
export function userName(env: ConfigInput['env']): string {
  try {
    return userInfo().username;
  } catch {
    return env.USER ?? 'unknown';
  }
}

/** The user's folders by the XDG Base Directory Specification. */
export function userFolders(env: ConfigInput['env']): { config: string; data: string } {
  const home = env.HOME || homedir();
  return {
    config: join(env.XDG_CONFIG_HOME || join(home, '.config'), 'incident-mcp'),
    data: join(env.XDG_DATA_HOME || join(home, '.local', 'share'), 'incident-mcp'),
  };
}

/**
 * Finds, reads and checks the configuration. Order: `--config`, `$INCIDENT_MCP_CONFIG`, `./incident-mcp.yaml`, the user's
 * folder, the built-in defaults. Throws `INVALID_INPUT` with file, line, path and fix.
 */
export function loadConfig(input: ConfigInput): Config {
  const folders = userFolders(input.env);
  const named = input.flags.config ?? input.env.INCIDENT_MCP_CONFIG;
  const candidates = named
    ? [resolve(input.cwd, named)]
    : [join(input.cwd, 'incident-mcp.yaml'), join(folders.config, 'config.yaml')];
  for (const path of candidates) {
    const text = input.readFile(path);
    if (text !== null) return finish(parseYaml(configSchema, text, path), path, input, folders);
  }
  if (named) {
    throw new AppError(
      'INVALID_INPUT',
      `the configuration file ${candidates[0]} cannot be read.`,
      'check the path, or run `incident-mcp init` to write one.',
    );
  }
  return finish(configSchema.parse({}), null, input, folders);
}

function finish(
  parsed: Parsed,
  source: string | null,
  input: ConfigInput,
  folders: { config: string; data: string },
): Config {
  // Relative paths in a file are relative to that file, so that it means the same from every working directory.
  const base = source ? resolve(source, '..') : input.cwd;
  const absolute = (path: string): string =>
    path.startsWith('~/')
      ? join(input.env.HOME || homedir(), path.slice(2))
      : isAbsolute(path)
        ? path
        : resolve(base, path);
  const dataDir = input.flags.data_dir
    ? resolve(input.cwd, input.flags.data_dir)
    : input.env.INCIDENT_MCP_DATA_DIR
      ? resolve(input.cwd, input.env.INCIDENT_MCP_DATA_DIR)
      : parsed.store.dir
        ? absolute(parsed.store.dir)
        : folders.data;
  const names = Object.keys(parsed.environments);
  for (const env of Object.values(parsed.environments)) if (env.kubeconfig) env.kubeconfig = absolute(env.kubeconfig);
  const programs = Object.fromEntries(
    Object.entries(parsed.programs).map(([key, path]) => [key, path.includes('/') ? absolute(path) : path]),
  );
  const files = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(files);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, v]) => [
        key,
        key.endsWith('_file') && typeof v === 'string' ? absolute(v) : files(v),
      ]),
    );
  };
  const located = files(parsed) as Parsed;
  return {
    ...located,
    programs,
    severity_matrix: parsed.severity_matrix.map(toMatrixRow),
    default_environment: parsed.default_environment ?? (names.includes('prod') ? 'prod' : (names[0] as string)),
    source,
    data_dir: dataDir,
    operator:
      oneLine(input.env.INCIDENT_MCP_OPERATOR ?? '', 100) ||
      oneLine(parsed.approval.operator ?? '', 100) ||
      userName(input.env),
    secret_file: located.approval.secret_file ?? join(folders.config, 'approver.hash'),
    passkeys_file: located.approval.passkeys_file ?? join(folders.config, 'passkeys.json'),
    key_file: located.store.key_file ?? join(folders.config, 'record.key'),
    runbooks_dir: parsed.runbooks.folder ? absolute(parsed.runbooks.folder) : null,
  };
}
