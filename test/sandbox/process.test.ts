import { scryptSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseArguments, SCENARIO_NAMES } from '../../src/sandbox/options.ts';
import { type Bundle, bundleSandbox, runProgram, startTestSandbox } from './harness.ts';

let bundle: Bundle;
beforeAll(async () => {
  bundle = await bundleSandbox();
});
afterAll(() => bundle.remove());

describe('arguments', () => {
  it('defaults to bad-deploy at speed 1', () => {
    const { options } = parseArguments([]) as { options: unknown };
    expect(options).toEqual({
      scenario: 'bad-deploy',
      speed: 1,
      seed: null,
      pods: 0,
      exitWithParent: false,
      dir: null,
    });
  });

  it.each(SCENARIO_NAMES)('knows the scenario %s', (name) => {
    expect(parseArguments([name, '--speed=4', '--seed', '7'])).toMatchObject({
      kind: 'run',
      options: { scenario: name, speed: 4, seed: 7 },
    });
  });

  it.each([
    [['worst-deploy'], 'unknown scenario "worst-deploy"'],
    [['healthy', 'bad-deploy'], 'unexpected argument "bad-deploy"'],
    [['--fast'], 'unknown option --fast'],
    [['--speed'], '--speed needs a value'],
    [['--speed', '0'], '--speed must be'],
    [['--seed', '1.5'], '--seed must be'],
    [['--pods', '-3'], '--pods must be'],
    [['--pods', '1000000'], '--pods must be'],
  ])('refuses %j', async (argv, message) => {
    expect(parseArguments(argv)).toMatchObject({ kind: 'wrong', message: expect.stringContaining(message) });
  });

  it('says what is wrong on stderr with exit code 2, and helps on stdout', async () => {
    const wrong = await runProgram(process.execPath, [bundle.program, 'worst-deploy']);
    expect(wrong).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('unknown scenario') });
    const help = await runProgram(process.execPath, [bundle.program, '--help']);
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('red-herring'), stderr: '' });
  });
});

describe('a run', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('ends by %s with exit code 0 and leaves nothing behind', async (signal) => {
    const sandbox = await startTestSandbox(bundle, 'healthy');
    expect(sandbox.info.pid).toBe(sandbox.child.pid);
    // An open watch and a request that is never answered must not keep it.
    const faults = JSON.stringify({ wire: 'health', mode: 'silent' });
    await fetch(`${sandbox.info.urls.control}/faults`, { method: 'POST', body: faults });
    const hanging = fetch(`${sandbox.info.urls.health}/web-ui`).catch(() => 'cut');
    await fetch(`${sandbox.info.urls.kubernetes}/api/v1/pods?watch=true`);
    sandbox.child.kill(signal);
    expect(await sandbox.exited).toBe(0);
    expect(await hanging).toBe('cut');
    expect(existsSync(sandbox.dir)).toBe(false);
  });

  it('ends with its parent', async () => {
    const sandbox = await startTestSandbox(bundle, 'healthy');
    sandbox.child.stdin.end();
    expect(await sandbox.exited).toBe(0);
    expect(existsSync(sandbox.dir)).toBe(false);
  });

  it('uses a given folder and leaves it', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'sandbox-given-'));
    const sandbox = await startTestSandbox(bundle, 'healthy', '--dir', dir);
    expect(sandbox.info.kubeconfig).toBe(join(dir, 'kubeconfig'));
    await sandbox.stop();
    expect(existsSync(join(dir, 'incident-mcp.yaml'))).toBe(true);
    await rm(dir, { recursive: true });
  });

  it('writes a configuration whose files exist, with secrets that only the owner can read', async () => {
    const sandbox = await startTestSandbox(bundle, 'bad-deploy');
    const config = parse(await readFile(sandbox.info.config, 'utf8'));
    expect(config.environments.prod).toMatchObject({
      kubeconfig: sandbox.info.kubeconfig,
      context: 'pulsestream-sandbox',
      protected: false,
      scale_down: { command: ['pulsar', 'scale', 'down', '--env', '{environment}'] },
    });
    expect(config.environments.prod.releases.map((release: { name: string }) => release.name)).toEqual([
      'pulsestream-core',
      'pulsestream-agent',
    ]);
    expect(config.store.dir).toBe(sandbox.info.data_dir);
    const { slack, pagerduty, webhook } = config.notify;
    const secrets = [slack.url_file, pagerduty.routing_key_file, webhook.url_file, webhook.secret_file];
    for (const file of [...secrets, config.approval.secret_file, sandbox.info.kubeconfig]) {
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    }
    expect((await stat(sandbox.dir)).mode & 0o777).toBe(0o700);
    const line = (await readFile(config.approval.secret_file, 'utf8')).trim();
    const [name, n, r, p, salt = '', hash] = line.split('$');
    expect([name, n, r, p]).toEqual(['scrypt', '16384', '8', '1']);
    const again = scryptSync(sandbox.info.approver_secret, Buffer.from(salt, 'base64url'), 32, {
      N: 16384,
      r: 8,
      p: 1,
    });
    expect(again.toString('base64url')).toBe(hash);
    await sandbox.stop();
  });
});

describe('determinism', () => {
  const look = async (...argv: string[]) => {
    const sandbox = await startTestSandbox(bundle, 'bad-deploy', ...argv);
    const { body } = await sandbox.kube('/api/v1/pods');
    const pods = body.items.map((pod) => [pod.metadata.name, pod.metadata.uid]);
    const agents = await sandbox.query('sum by (customer) (pulsestream_agents_connected{environment="prod"})');
    await sandbox.stop();
    return {
      platform: { pods, agents: agents.map((sample) => [sample.metric.customer, sample.value[1]]) },
      secret: sandbox.info.approver_secret,
    };
  };

  it('gives the same platform for the same seed, another for another, and a secret of its own without one', async () => {
    const [first, second, other, plain, again] = await Promise.all([
      look('--seed', '5'),
      look('--seed', '5'),
      look('--seed', '6'),
      look(),
      look(),
    ]);
    expect(second).toEqual(first);
    expect(other.platform).not.toEqual(first.platform);
    expect(other.secret).not.toBe(first.secret);
    expect(again.platform).toEqual(plain.platform);
    expect(again.secret).not.toBe(plain.secret);
  });
});
