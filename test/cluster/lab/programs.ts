import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { runToEnd } from './daemon.ts';
import { VERSIONS } from './versions.ts';

/** The programs of the lab, as absolute paths; empty where a given cluster makes them needless. */
export interface Programs {
  /** etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl and the maker of certificates, by their first argument. */
  controlplane: string;
  kubectl: string;
  kwok: string;
  helm3: string;
  helm4: string;
  prometheus: string;
  alertmanager: string;
}

/** A program that can neither be found nor built here, and how to get it. */
export class Missing extends Error {
  readonly what: readonly string[];
  constructor(what: readonly string[]) {
    super(`this machine lacks:\n${what.map((line) => `- ${line}`).join('\n')}`);
    this.what = what;
  }
}

/** Every command of the project runs in its root. */
const CONTROL_PLANE = resolve('test', 'cluster', 'controlplane');
/** A build from an empty cache: 20 minutes is three times what two cores need. */
const BUILD_MS = 20 * 60_000;

/** Where built programs are kept between runs: `$INCIDENT_MCP_LAB_CACHE`, else the user's cache folder. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const folder =
    env.INCIDENT_MCP_LAB_CACHE ??
    join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'pulsestream-incident-mcp', 'lab');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The path of a program on PATH, or undefined. */
export function onPath(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  return (env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Makes `into` by `make(temporary folder)`, unless it is there; a build that was broken off leaves nothing that looks whole. */
async function cached(into: string, make: (folder: string) => Promise<void>): Promise<void> {
  if (existsSync(into)) return;
  const fresh = `${into}.new-${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  try {
    await make(fresh);
    if (!existsSync(into)) renameSync(fresh, into);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

async function controlPlane(cache: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of readdirSync(CONTROL_PLANE).sort())
    hash.update(file).update(readFileSync(join(CONTROL_PLANE, file)));
  const folder = join(cache, `controlplane-${VERSIONS.kubernetes}-${hash.digest('hex').slice(0, 12)}`);
  await cached(folder, async (fresh) => {
    say(`building the control plane of Kubernetes ${VERSIONS.kubernetes} (about seven minutes on two cores at first)`);
    const [major, minor] = VERSIONS.kubernetes.split('.');
    const version = 'k8s.io/component-base/version';
    const flags = `-s -w -X ${version}.gitVersion=v${VERSIONS.kubernetes} -X ${version}.gitMajor=${major} -X ${version}.gitMinor=${minor}`;
    const out = join(fresh, 'controlplane');
    await runToEnd('go', ['build', '-trimpath', '-ldflags', flags, '-o', out, '.'], {
      cwd: CONTROL_PLANE,
      deadlineMs: BUILD_MS,
    });
    symlinkSync('controlplane', join(fresh, 'kubectl'));
  });
  return folder;
}

async function goProgram(cache: string, name: string, module: string, version: string): Promise<string> {
  const folder = join(cache, `${name}-${version}`);
  await cached(folder, async (fresh) => {
    say(`building ${name} ${version}`);
    await runToEnd('go', ['install', `${module}@v${version}`], {
      cwd: fresh,
      env: { ...process.env, GOBIN: fresh },
      deadlineMs: BUILD_MS,
    });
  });
  return folder;
}

/** Debian's package, unpacked into the cache: nothing is installed, no service is started. */
async function debianProgram(cache: string, name: string): Promise<string> {
  const found = onPath(name);
  if (found) return found;
  const folder = join(cache, `debian-${name}`);
  await cached(folder, async (fresh) => {
    say(`unpacking Debian's package ${name}`);
    const download = (): Promise<unknown> =>
      runToEnd('apt-get', ['download', name], { cwd: fresh, deadlineMs: 120_000 });
    await download().catch(async () => {
      // A machine that never asked for the list of packages knows none of them.
      await runToEnd('apt-get', ['update', '-qq'], { cwd: fresh, deadlineMs: 120_000 });
      await download();
    });
    const deb = readdirSync(fresh).find((file) => file.endsWith('.deb'));
    if (!deb) throw new Error(`apt-get download ${name} left no package`);
    await runToEnd('dpkg-deb', ['--extract', deb, '.'], { cwd: fresh, deadlineMs: 60_000 });
  });
  return join(folder, 'usr', 'bin', name);
}

/** How a program comes to this machine, and what to tell when it does not. */
interface Recipe {
  what: string;
  /** Environment variable that may name a program that is already there. */
  named?: string;
  needsGo: boolean;
  make(cache: string): Promise<string>;
}

const GO = 'Go, which builds Kubernetes, Helm and KWOK: install golang (1.24 or newer fetches the version it needs)';

const helm = (major: 3 | 4): Recipe => {
  const version = VERSIONS[`helm${major}`];
  const module = `helm.sh/helm/v${major}/cmd/helm`;
  return {
    what: `Helm ${version}: go install ${module}@v${version}, or name a binary in INCIDENT_MCP_TEST_HELM${major}`,
    named: `INCIDENT_MCP_TEST_HELM${major}`,
    needsGo: true,
    make: async (cache) => join(await goProgram(cache, 'helm', module, version), 'helm'),
  };
};

const ALERTMANAGER = 'github.com/prometheus/alertmanager/cmd/alertmanager';

const debian = (name: string): Recipe => ({
  what: `${name}: apt-get install ${name}, or any ${name} on PATH`,
  needsGo: false,
  make: (cache) => debianProgram(cache, name),
});

const BOTH = {
  helm3: helm(3),
  helm4: helm(4),
  prometheus: debian('prometheus'),
  alertmanager: {
    what: `Alertmanager: apt-get install prometheus-alertmanager, or go install ${ALERTMANAGER}@v${VERSIONS.alertmanager}`,
    needsGo: false,
    make: async (cache) =>
      onPath('prometheus-alertmanager') ??
      onPath('alertmanager') ??
      join(await goProgram(cache, 'alertmanager', ALERTMANAGER, VERSIONS.alertmanager), 'alertmanager'),
  },
} satisfies Partial<Record<keyof Programs, Recipe>>;

const OWN = {
  controlplane: {
    what: 'the control plane: see what go says about test/cluster/controlplane',
    needsGo: true,
    make: async (cache) => join(await controlPlane(cache), 'controlplane'),
  },
  kwok: {
    what: `KWOK ${VERSIONS.kwok}: go install sigs.k8s.io/kwok/cmd/kwok@v${VERSIONS.kwok}`,
    needsGo: true,
    make: async (cache) => join(await goProgram(cache, 'kwok', 'sigs.k8s.io/kwok/cmd/kwok', VERSIONS.kwok), 'kwok'),
  },
} satisfies Partial<Record<keyof Programs, Recipe>>;

/**
 * Finds or builds the programs, one after the other. With a given cluster there is no control plane to build: `controlplane` and `kwok` are
 * empty, and kubectl comes from PATH.
 * @throws {Missing} naming everything that cannot be had and how to get it.
 */
export async function programs(cluster: 'own' | 'given', env: NodeJS.ProcessEnv = process.env): Promise<Programs> {
  const cache = cacheFolder(env);
  const missing: string[] = [];
  const found: Partial<Record<keyof Programs, string>> = {};
  const recipes: Partial<Record<keyof Programs, Recipe>> = cluster === 'own' ? { ...OWN, ...BOTH } : BOTH;
  for (const [name, recipe] of Object.entries(recipes) as [keyof Programs, Recipe][]) {
    const named = recipe.named === undefined ? undefined : env[recipe.named];
    if (named) {
      found[name] = named;
    } else if (recipe.needsGo && !onPath('go', env)) {
      if (!missing.includes(GO)) missing.push(GO);
      if (cluster === 'given') missing.push(recipe.what);
    } else {
      try {
        found[name] = await recipe.make(cache);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        missing.push(`${recipe.what} (${why.split('\n').slice(0, 3).join(' / ')})`);
      }
    }
  }
  const kubectl = found.controlplane ? join(dirname(found.controlplane), 'kubectl') : onPath('kubectl', env);
  if (cluster === 'given' && !kubectl) missing.push('kubectl on PATH');
  if (missing.length > 0) throw new Missing(missing);
  return {
    controlplane: found.controlplane ?? '',
    kubectl: kubectl ?? '',
    kwok: found.kwok ?? '',
    helm3: found.helm3 ?? '',
    helm4: found.helm4 ?? '',
    prometheus: found.prometheus ?? '',
    alertmanager: found.alertmanager ?? '',
  };
}
