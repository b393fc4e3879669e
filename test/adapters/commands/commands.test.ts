import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCommands } from '../../../src/adapters/commands/index.ts';
import { createPlatform, scaleDownCommand } from '../../../src/adapters/platform/index.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'commands-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const env = {
  PATH: process.env.PATH,
  HOME: '/home/x',
  AWS_SECRET_ACCESS_KEY: 'aws',
  GITHUB_TOKEN: 'gh',
  XDG_DATA_HOME: '/d',
};
const commands = (more = {}) => createCommands({ programs: { node: process.execPath }, env, ...more });
const node = (code: string, more: { deadline_ms?: number; signal?: AbortSignal; env?: Record<string, string> } = {}) =>
  commands().run({ program: 'node', args: ['-e', code], deadline_ms: 10_000, ...more });
const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A killed orphan may stay a zombie for a moment where nobody reaps it.
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return process.platform !== 'linux';
  }
};
async function gone(pid: number): Promise<boolean> {
  for (let i = 0; i < 40 && alive(pid); i++) await new Promise((resolve) => setTimeout(resolve, 25));
  return !alive(pid);
}

describe('commands', () => {
  it('gives exit code, both streams and the time it took', async () => {
    const result = await node('process.stdout.write("out"); process.stderr.write("err"); process.exitCode = 3');
    expect(result).toMatchObject({
      exit_code: 3,
      stdout: 'out',
      stderr: 'err',
      timed_out: false,
      not_found: false,
      truncated: false,
    });
    expect(result.duration_ms).toBeGreaterThan(0);
  });

  it('has no shell, no stdin and only the allow-listed environment', async () => {
    const code = `
      process.stdin.on('data', () => {}).on('end', () => {
        process.stdout.write(JSON.stringify([process.argv.slice(1), Object.keys(process.env).sort(), process.env.EXTRA]));
      });`;
    const result = await createCommands({ programs: {}, env: { ...env, MINE: '1' }, passthrough: ['MINE'] }).run({
      program: process.execPath,
      args: ['-e', code, '--', '$(id)', '; ls', '*'],
      deadline_ms: 10_000,
      env: { EXTRA: 'e' },
    });
    expect(JSON.parse(result.stdout)).toEqual([
      ['$(id)', '; ls', '*'],
      ['EXTRA', 'HOME', 'MINE', 'PATH', 'XDG_DATA_HOME'],
      'e',
    ]);
  });

  it('says that a program is missing', async () => {
    const result = await commands().run({ program: 'no-such-program-here', args: [], deadline_ms: 5000 });
    expect(result).toMatchObject({ not_found: true, exit_code: null, timed_out: false });
    const folderAsProgram = await commands({ programs: { helm: folder } }).run({
      program: 'helm',
      args: [],
      deadline_ms: 5000,
    });
    expect(folderAsProgram.not_found).toBe(true);
  });

  it('ends a program at its deadline', async () => {
    const started = performance.now();
    const result = await node('process.stdout.write("begun"); setInterval(() => {}, 1000)', { deadline_ms: 400 });
    expect(result).toMatchObject({ timed_out: true, exit_code: null, not_found: false });
    expect(performance.now() - started).toBeLessThan(1800);
  });

  it('kills a program that ignores SIGTERM, and its children', async () => {
    const file = join(folder, 'pid');
    const child = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)`;
    const code = `
      process.on('SIGTERM', () => {});
      const c = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' });
      require('node:fs').writeFileSync(${JSON.stringify(file)}, String(c.pid));
      setInterval(() => {}, 1000);`;
    const started = performance.now();
    const result = await node(code, { deadline_ms: 600 });
    expect(result.timed_out).toBe(true);
    expect(performance.now() - started).toBeLessThan(4500);
    expect(await gone(Number(readFileSync(file, 'utf8')))).toBe(true);
  });

  it('does not wait for a grandchild that holds the pipe of a finished program', async () => {
    const file = join(folder, 'pid2');
    const code = `
      const c = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
      require('node:fs').writeFileSync(${JSON.stringify(file)}, String(c.pid));
      process.stdout.write('done', () => process.exit(0));`;
    const started = performance.now();
    const result = await node(code);
    process.kill(Number(readFileSync(file, 'utf8')), 'SIGKILL');
    expect(result).toMatchObject({ exit_code: 0, stdout: 'done', timed_out: false });
    expect(performance.now() - started).toBeLessThan(3000);
  });

  it('ends on an AbortSignal, and starts nothing when it is aborted already', async () => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 300);
    const started = performance.now();
    const result = await node('setInterval(() => {}, 1000)', { signal: abort.signal });
    expect(result).toMatchObject({ exit_code: null, timed_out: false });
    expect(performance.now() - started).toBeLessThan(2500);
    const file = join(folder, 'never');
    await node(`require('node:fs').writeFileSync(${JSON.stringify(file)}, '')`, { signal: abort.signal });
    expect(() => readFileSync(file)).toThrow('ENOENT');
  });

  it('cuts output, keeps reading and does not fail', async () => {
    const result = await node('process.stdout.write("x".repeat(5_000_000)); process.stderr.write("end")');
    expect(result).toMatchObject({ exit_code: 0, truncated: true, stderr: 'end' });
    expect(result.stdout.length).toBe(1024 * 1024);
  });

  it('tolerates invalid UTF-8, removes control characters and masks secrets', async () => {
    const code = `process.stdout.write(Buffer.concat([
      Buffer.from('a\\tb\\nc\\r\\u001b[31mred\\u001b[0m\\u0007\\u202e '), Buffer.from([0xff, 0xc3]), Buffer.from(' password=hunter2 z')]))`;
    const result = await node(code);
    expect(result.stdout).toBe('a\tb\ncred \ufffd\ufffd password=*** z');
  });

  it.each([
    ['NUL', ['a\0b'], /NUL/],
    ['a long argument', ['x'.repeat(4097)], /4097 bytes/],
    ['a long argv', Array.from({ length: 40 }, () => 'x'.repeat(2000)), /at most 65536/],
  ])('refuses %s', async (_name, args, message) => {
    await expect(commands().run({ program: 'node', args, deadline_ms: 1000 })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(message),
    });
  });
});

describe('platform', () => {
  it('fills the template and runs it', async () => {
    const script = join(folder, 'pulsar.cjs');
    writeFileSync(script, 'process.stdout.write(process.argv.slice(2).join("|"))');
    const argv = scaleDownCommand(['node', script, 'scale', 'down', '--env', '{environment}', 'x-{environment}'], {
      environment: 'prod',
    });
    const result = await createPlatform(commands()).run(argv, 10_000);
    expect(result).toMatchObject({ exit_code: 0, stdout: 'scale|down|--env|prod|x-prod' });
  });
  it.each(['--all', 'a b', '', 'prod;ls', '../x'])('refuses the environment %j', (environment) => {
    expect(() => scaleDownCommand(['pulsar', '{environment}'], { environment })).toThrow(
      /not the name of an environment/,
    );
  });
  it('refuses an empty command', async () => {
    await expect(createPlatform(commands()).run([], 1000)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});
