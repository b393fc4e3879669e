import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { type Config, type ConfigFlags, loadConfig, userFolders } from '../config.ts';
import { AppError } from '../errors.ts';
import { compose, configure, type Env, systemClock } from './compose.ts';
import { type CheckStatus, check, type Finding, failure } from './doctor/check.ts';
import { clusterChecks } from './doctor/cluster.ts';
import * as machine from './doctor/machine.ts';
import { policyCheck } from './doctor/policy.ts';
import { helm, platform } from './doctor/programs.ts';
import { notificationChecks } from './doctor/settings.ts';
import { sourceChecks } from './doctor/sources.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { print } from './output.ts';
import { VERSION } from './version.ts';

const HERE = 'this machine';

/**
 * Checks the set-up: each check says what it found and what to do, alone and within 5 s. Changes nothing, sends nothing. Exit 0 also with warnings,
 * 1 when something failed, 2 when the configuration cannot be read; then what does not need it is checked all the same.
 */
export async function doctor(flags: ConfigFlags & { json?: boolean }, env: Env): Promise<ExitCode> {
  const node = check(HERE, 'node', () => machine.nodeVersion(process.version));
  let config: Config;
  try {
    config = configure(flags, env);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const findings = await Promise.all([
      node,
      check(HERE, 'configuration', () => failure(error)),
      ...machineChecks(withoutFile(flags, env), env),
    ]);
    report(
      findings,
      flags,
      'The rest was checked with the defaults; environments, sources and policy were not checked.',
    );
    return EXIT.usage;
  }
  const deps = compose(config, env, { read_only: true, warn: () => {} }).then((composed) => composed.deps);
  const environments = Object.keys(config.environments).map(async (name) => {
    const readers = (await deps).environment(name);
    const found = await Promise.all([
      clusterChecks(readers, config, env, systemClock),
      ...sourceChecks(readers, config),
      check(name, 'platform program', () => platform(readers.config, config, env)),
      policyCheck(name, config),
    ]);
    return found.flat();
  });
  const findings = await Promise.all([
    node,
    check(HERE, 'configuration', () => machine.configuration(config, shadowed(config, env))),
    ...machineChecks(config, env),
    ...environments,
    ...notificationChecks(config, env),
  ]);
  const all = findings.flat();
  report(all, flags, null);
  return all.some(({ status }) => status === 'fail') ? EXIT.no : EXIT.ok;
}

const machineChecks = (config: Config, env: Env): Promise<Finding>[] => [
  check(HERE, 'clock', () => machine.clockSanity(config, systemClock)),
  check(HERE, 'data folder', () => machine.dataFolder(config.data_dir)),
  check(HERE, 'record', () => machine.record(config)),
  check(HERE, 'record key', () => machine.keyFile(config)),
  check(HERE, "approver's secret", () => machine.secretFile(config)),
  check(HERE, 'helm', () => helm(config, env)),
];

/** The built-in defaults, for what can be checked without a file. */
const withoutFile = ({ data_dir }: ConfigFlags, env: Env): Config =>
  loadConfig({
    flags: data_dir === undefined ? {} : { data_dir },
    env: { ...env, INCIDENT_MCP_CONFIG: undefined },
    cwd: process.cwd(),
    readFile: () => null,
  });

/** The user's own configuration, where a file of this folder is used in its place without being named. */
function shadowed(config: Config, env: Env): string | null {
  const own = join(userFolders(env).config, 'config.yaml');
  const here = join(process.cwd(), 'incident-mcp.yaml');
  return config.source === here && env.INCIDENT_MCP_CONFIG === undefined && existsSync(own) ? own : null;
}

const COLOURS: Readonly<Record<CheckStatus, 'green' | 'yellow' | 'red'>> = { ok: 'green', warn: 'yellow', fail: 'red' };

function report(findings: readonly Finding[], flags: { json?: boolean }, note: string | null): void {
  const counts = { ok: 0, warn: 0, fail: 0 };
  for (const { status } of findings) counts[status] += 1;
  if (flags.json) {
    print(JSON.stringify({ version: VERSION, healthy: counts.fail === 0, counts, note, checks: findings }, null, 2));
    return;
  }
  const paint = (status: CheckStatus): string =>
    process.stdout.isTTY ? styleText(COLOURS[status], status.padEnd(4)) : status.padEnd(4);
  print(`incident-mcp ${VERSION}`);
  let section = '';
  for (const finding of findings) {
    if (finding.section !== section) {
      section = finding.section;
      print();
      print(section);
    }
    const [first = '', ...more] = finding.found.split('\n');
    print(`  ${paint(finding.status)}  ${finding.name.padEnd(20)} ${first}`);
    for (const line of more) print(`${' '.repeat(29)}${line}`);
    if (finding.next !== null) print(`${' '.repeat(29)}Next: ${finding.next}`);
  }
  print();
  if (note !== null) print(note);
  print(`${counts.fail} failed, ${counts.warn} with a warning, ${counts.ok} ok.`);
}
