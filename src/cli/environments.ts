import { readFileSync } from 'node:fs';
import { scaleDownCommand } from '../adapters/platform/index.ts';
import type { AuthConfig, Config, FleetConfig, SignalsConfig } from '../config.ts';
import { oneLine } from '../domain/text.ts';
import { notConfigured, notFound } from '../errors.ts';
import type { EnvironmentActuators, EnvironmentReaders } from '../mcp/context.ts';
import type { Commands } from '../ports/commands.ts';
import { readSecret } from './secrets.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The adapters of each configured environment. All are loaded on first use: `initialize` must not wait for a Kubernetes client, and an
 * environment that nobody asks about costs nothing.
 */
export interface Environments {
  readers(name?: string): EnvironmentReaders;
  actuators(name: string): Promise<EnvironmentActuators>;
}

export function createEnvironments(
  config: Config,
  env: Env,
  commands: () => Promise<Commands>,
  own: Pick<EnvironmentActuators, 'runbooks' | 'messenger'>,
): Environments {
  const built = new Map<string, Built>();
  const pick = (name?: string): Built => {
    const wanted = name ?? config.default_environment;
    const known = built.get(wanted);
    if (known) return known;
    if (!Object.hasOwn(config.environments, wanted)) {
      throw notFound(
        `there is no environment "${oneLine(wanted, 50)}".`,
        `use one of: ${Object.keys(config.environments).join(', ')}.`,
      );
    }
    const fresh = build(wanted, config, env, commands, own);
    built.set(wanted, fresh);
    return fresh;
  };
  return { readers: (name) => pick(name).readers, actuators: (name) => pick(name).actuators() };
}

interface Built {
  readers: EnvironmentReaders;
  actuators(): Promise<EnvironmentActuators>;
}

/** One promise for all callers; a failed attempt is forgotten, so that a mended kubeconfig works without a restart. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };
}

function build(
  name: string,
  config: Config,
  env: Env,
  commands: () => Promise<Commands>,
  own: Pick<EnvironmentActuators, 'runbooks' | 'messenger'>,
): Built {
  const environment = config.environments[name] as Config['environments'][string];
  const signals: SignalsConfig = environment.signals ?? config.signals;
  const fleetConfig: FleetConfig = environment.fleet ?? config.fleet;
  const kube = once(async () => {
    const { createKubernetes } = await import('../adapters/kubernetes/index.ts');
    return createKubernetes({
      env,
      passthrough: config.program_environment,
      ...(environment.context ? { context: environment.context } : {}),
      ...(environment.kubeconfig ? { kubeconfig: environment.kubeconfig } : {}),
    });
  });
  const helm = once(async () => {
    const { createHelm } = await import('../adapters/helm/index.ts');
    return createHelm({
      kubernetes: (await kube()).api,
      commands: helmCommands(await commands(), env),
      rollout_ms: config.rollout_deadline,
      ...(environment.kubeconfig ? { kubeconfig: environment.kubeconfig } : {}),
    });
  });
  const alerts = once(async () => {
    const settings = signals.alertmanager;
    if (!settings) return null;
    const { createAlertmanager } = await import('../adapters/alertmanager/index.ts');
    return createAlertmanager({
      url: settings.url,
      filter: settings.filter.map((matcher) => matcher.replaceAll('$environment', name)),
      ...authOf('alertmanager', settings.auth, env),
    });
  });
  const metrics = once(async () => {
    const settings = signals.prometheus;
    if (!settings) return null;
    const { createPrometheus } = await import('../adapters/prometheus/index.ts');
    return createPrometheus({
      url: settings.url,
      environment: name,
      queries: settings.queries,
      ...authOf('prometheus', settings.auth, env),
    });
  });
  const health = once(async () => {
    if (environment.health_endpoints.length === 0) return null;
    const { createHealth } = await import('../adapters/health/index.ts');
    return createHealth(
      environment.health_endpoints.map(({ auth, ...endpoint }) => ({
        ...endpoint,
        ...authOf(endpoint.name, auth, env),
      })),
    );
  });
  const fleet = once(async () => {
    const adapters = await import('../adapters/fleet/index.ts');
    if (fleetConfig.source === 'json') {
      if (!fleetConfig.url)
        throw notConfigured('fleet.source is json, but fleet.url is missing.', 'name the endpoint under fleet.url.');
      return adapters.createJsonFleet({ url: fleetConfig.url, ...authOf('fleet', fleetConfig.auth, env) });
    }
    const prometheus = signals.prometheus;
    if (!prometheus) return null;
    const auth = authOf('fleet', fleetConfig.auth ?? prometheus.auth, env);
    return adapters.createPrometheusFleet({
      url: fleetConfig.url ?? prometheus.url,
      environment: name,
      queries: fleetConfig.queries,
      ...auth,
    });
  });
  const llm = once(async () => {
    const settings = signals.llm_provider;
    if (!settings) return null;
    const { createStatuspage } = await import('../adapters/statuspage/index.ts');
    return createStatuspage({ provider: settings.name, status_url: settings.status_url });
  });
  const readers: EnvironmentReaders = {
    name,
    config: environment,
    namespaces: [...new Set([...environment.releases.map((r) => r.namespace), ...environment.namespaces])],
    kubernetes: async () => (await kube()).reader,
    helm: async () => (await helm()).reader,
    platform: {
      scaleDownCommand: () => scaleDownCommand(environment.scale_down.command, { environment: name }),
    },
    alerts,
    metrics,
    health,
    fleet,
    llm,
  };
  return {
    readers,
    actuators: async () => {
      const { createPlatform } = await import('../adapters/platform/index.ts');
      return {
        kubernetes: (await kube()).actuator,
        helm: (await helm()).actuator,
        platform: createPlatform(await commands()),
        ...own,
      };
    },
  };
}

/**
 * Helm lets variables overrule the context that it is told: a user may have handed them on (`program_environment`) for one cluster, and here are
 * several. Empty ones count as not set. In a pod it needs to know where the API server is.
 */
function helmCommands(commands: Commands, env: Env): Commands {
  const fixed: Record<string, string> = Object.fromEntries(OVERRULING.map((name) => [name, '']));
  for (const name of IN_POD) if (env[name]) fixed[name] = env[name];
  return { run: (spec) => commands.run({ ...spec, env: { ...fixed, ...spec.env } }) };
}

// Source: helm.sh/helm, pkg/cli, New().
const OVERRULING = [
  ...['HELM_KUBEAPISERVER', 'HELM_KUBETOKEN', 'HELM_KUBECAFILE', 'HELM_KUBETLS_SERVER_NAME'],
  ...[
    'HELM_KUBEINSECURE_SKIP_TLS_VERIFY',
    'HELM_KUBEASUSER',
    'HELM_KUBEASGROUPS',
    'HELM_KUBECONTEXT',
    'HELM_NAMESPACE',
  ],
];
const IN_POD = ['KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT'];

/** Credentials are read at each use, so that a rotated file is picked up. */
function authOf(what: string, auth: AuthConfig | undefined, env: Env) {
  if (!auth) return {};
  const secret = (ref: { env?: string | undefined; file?: string | undefined }) => () => {
    const value = readSecret(`${what}.auth`, ref, env);
    if (value === null)
      throw notConfigured(
        `${what}.auth names no secret.`,
        'name token_env, token_file, password_env or password_file.',
      );
    return value;
  };
  const ca = auth.ca_file ? { ca: readCa(what, auth.ca_file) } : {};
  if (auth.username !== undefined) {
    return {
      ...ca,
      auth: {
        basic: { username: auth.username, password: secret({ env: auth.password_env, file: auth.password_file }) },
      },
    };
  }
  if (auth.token_env !== undefined || auth.token_file !== undefined) {
    return { ...ca, auth: { bearer: secret({ env: auth.token_env, file: auth.token_file }) } };
  }
  return ca;
}

function readCa(what: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw notConfigured(
      `${what}: the CA file ${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`,
      'check auth.ca_file.',
    );
  }
}
