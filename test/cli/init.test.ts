import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { checkSecret } from '../../src/cli/approver-secret.ts';
import { type Answers, configText } from '../../src/cli/init/yaml.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { Bin } from '../helpers/bin.ts';
import { run } from '../helpers/process.ts';
import { type Desk, makeDesk, SECRET } from './desk.ts';

const bin = new Bin();
afterEach(() => bin.empty());

const read = (text: string): Config =>
  loadConfig({ flags: { config: '/c.yaml' }, env: { HOME: '/home/x' }, cwd: '/', readFile: () => text });
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
const configOf = (desk: Desk): string => join(desk.folder, 'config.yaml');

describe('the configuration that init writes', () => {
  it('says what the flags say, for its owner alone, with secret and key', async () => {
    const desk = await makeDesk(bin);
    const said = await desk.run(
      [
        ...['init', '--secret-stdin', '--environment', 'live', '--context', 'eu-1', '--no-protected'],
        ...['--release', 'core/core-live', '--release', 'agent/agent-live'],
        ...['--prometheus', 'http://127.0.0.1:9090', '--alertmanager', 'http://127.0.0.1:9093'],
      ],
      `${SECRET}\n`,
    );
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(said.stdout).not.toContain(SECRET);
    const text = await readFile(configOf(desk), 'utf8');
    const config = read(text);
    expect(config.default_environment).toBe('live');
    expect(config.environments.live).toMatchObject({
      context: 'eu-1',
      protected: false,
      releases: [
        { name: 'core', namespace: 'core-live' },
        { name: 'agent', namespace: 'agent-live' },
      ],
    });
    expect(config.signals.prometheus?.url).toBe('http://127.0.0.1:9090');
    expect(config.signals.alertmanager?.url).toBe('http://127.0.0.1:9093');
    expect(text).toContain('# ');
    const hash = join(desk.folder, 'approver.hash');
    expect(await checkSecret(SECRET, hash)).toBe(true);
    expect(await readFile(hash, 'utf8')).not.toContain(SECRET);
    for (const file of [configOf(desk), hash, join(desk.folder, 'record.key')]) expect(await modeOf(file)).toBe(0o600);
    expect((await readdir(desk.folder)).sort()).toEqual(['approver.hash', 'config.yaml', 'record.key']);
  });

  it('is good without any flag, and pins the context that the kubeconfig has now', async () => {
    const desk = await makeDesk(bin);
    expect(await desk.run(['init'])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("No approver's secret"),
    });
    expect(read(await readFile(configOf(desk), 'utf8')).environments.prod?.releases).toHaveLength(2);
    await mkdir(join(desk.dir, '.kube'));
    const cluster = { name: 'here', cluster: { server: 'https://127.0.0.1:1' } };
    const context = { name: 'here', context: { cluster: 'here', user: 'here' } };
    const kubeconfig = {
      'current-context': 'here',
      clusters: [cluster],
      contexts: [context],
      users: [{ name: 'here' }],
    };
    await desk.write('.kube/config', JSON.stringify(kubeconfig));
    const other = join(desk.dir, 'other', 'config.yaml');
    expect((await desk.run(['init', '--config', other])).code).toBe(0);
    expect(read(await readFile(other, 'utf8')).environments.prod?.context).toBe('here');
  });

  it('holds any text as it was given', () => {
    const words = fc.string({ minLength: 1, maxLength: 60 }).map((text) => text.replace(/[\p{C}\s]+/gu, ' ').trim());
    const context = fc.oneof(words, fc.constantFrom('a: b # c', '*x', 'true', '1e3', '- y', "it's", '"q"', '{}', '~'));
    const answers = fc.record<Answers>({
      environment: fc.constantFrom('prod', 'true', 'null', '123', 'a_b', 'no'),
      context: fc.option(context.filter((text) => text !== '')),
      kubeconfig: fc.option(context.map((text) => `/k/${text}`)),
      releases: fc.array(fc.constantFrom({ name: 'core', namespace: '1e3' }, { name: 'null', namespace: 'true' })),
      protected: fc.boolean(),
      prometheus: fc.option(fc.webUrl()),
      alertmanager: fc.option(fc.webUrl()),
      data_dir: fc.option(context.map((text) => `/d/${text}`)),
    });
    fc.assert(
      fc.property(answers, (given) => {
        const config = read(configText(given));
        const environment = config.environments[given.environment];
        expect(environment?.context ?? null).toBe(given.context);
        expect(environment?.kubeconfig ?? null).toBe(given.kubeconfig);
        expect(environment?.protected).toBe(given.protected);
        expect(config.signals.prometheus?.url ?? null).toBe(given.prometheus);
        expect(config.signals.alertmanager?.url ?? null).toBe(given.alertmanager);
        if (given.releases.length > 0)
          expect(environment?.releases.map(({ name, namespace }) => ({ name, namespace }))).toEqual(given.releases);
        if (given.data_dir !== null) expect(config.data_dir).toBe(given.data_dir);
      }),
      { numRuns: 200 },
    );
  });

  it('is never overwritten without --force, and then a copy is kept', async () => {
    const desk = await makeDesk(bin);
    await writeFile(configOf(desk), '# mine\n');
    for (const argv of [['init'], ['init', '--environment', 'x'], ['init', '--secret-stdin']]) {
      const said = await desk.run(argv, `${SECRET}\n`);
      expect(said).toMatchObject({ code: 1, stderr: expect.stringMatching(/^CONFLICT: .*exists already.* Next: /) });
    }
    expect(await readdir(desk.folder)).toEqual(['config.yaml']);
    expect(await readFile(configOf(desk), 'utf8')).toBe('# mine\n');
    expect((await desk.run(['init', '--force'])).code).toBe(0);
    expect(read(await readFile(configOf(desk), 'utf8')).default_environment).toBe('prod');
    const copy = (await readdir(desk.folder)).find((name) => name.startsWith('config.yaml.bak-')) ?? '';
    expect(await readFile(join(desk.folder, copy), 'utf8')).toBe('# mine\n');
  });

  it.each([
    ['a short secret', ['--secret-stdin'], /the secret has 7 characters/],
    ['a release without namespace', ['--release', 'core'], /NAME\/NAMESPACE/],
    ['a release with a flag in it', ['--release=--x/core'], /NAME\/NAMESPACE/],
    ['a bad environment', ['--environment', 'Prod EU'], /no name for an environment/],
    ['a bad URL', ['--prometheus', 'localhost:9090'], /http or https URL/],
    ['credentials in a URL', ['--alertmanager', 'http://me:hunter22@127.0.0.1'], /holds credentials/],
    ['both protections', ['--protected', '--no-protected'], /exclude each other/],
    ['an unknown client', ['--client', 'emacs'], /claude-desktop, claude-code, vscode, cursor/],
    ['a file without client', ['--write-client', 'x.json'], /--client/],
    ['an argument', ['prod'], /no arguments/],
  ])('is refused with exit 2 for %s, before anything is written', async (_what, argv, expected) => {
    const desk = await makeDesk(bin);
    const said = await desk.run(['init', ...argv], 'seven77\n');
    expect(said).toMatchObject({ code: 2, stderr: expect.stringMatching(expected) });
    expect(said.stderr).not.toMatch(/hunter22|seven77/);
    expect(await readdir(desk.folder)).toEqual([]);
  });
});

describe("the approver's secret", () => {
  it('is replaced only by who knows the present one', async () => {
    const desk = await makeDesk(bin);
    await desk.run(['init', '--secret-stdin'], `${SECRET}\n`);
    const hash = join(desk.folder, 'approver.hash');
    const first = await readFile(hash, 'utf8');
    const renew = (input: string) => desk.run(['init', '--secret-only', '--secret-stdin'], input);
    for (const input of ['another secret\n', 'another secret\nwrong guess\n']) {
      expect(await renew(input)).toMatchObject({ code: 1, stderr: expect.stringMatching(/^FORBIDDEN: /) });
      expect(await desk.run(['init', '--force', '--secret-stdin'], input)).toMatchObject({ code: 1 });
    }
    expect((await readdir(desk.folder)).filter((name) => name.includes('.bak'))).toEqual([]);
    expect((await renew(`${SECRET}\n`)).code).toBe(0);
    expect(await readFile(hash, 'utf8')).toBe(first);
    expect((await renew(`another secret\n${SECRET}\n`)).code).toBe(0);
    expect(await checkSecret('another secret', hash)).toBe(true);
    for (let i = 0; i < 5; i++) await renew('mine mine mine\nwrong\n');
    expect(await renew(`third secret\nanother secret\n`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('locked'),
    });
  });

  it('is set anew where its hash is damaged', async () => {
    const desk = await makeDesk(bin);
    await desk.run(['init']);
    await desk.write('config/incident-mcp/approver.hash', 'scrypt$what');
    expect((await desk.run(['init', '--secret-only', '--secret-stdin'], `${SECRET}\n`)).code).toBe(0);
    expect(await checkSecret(SECRET, join(desk.folder, 'approver.hash'))).toBe(true);
  });
});

describe("a client's entry", () => {
  const entryIn = (text: string, key: string) =>
    (JSON.parse(text) as Record<string, Record<string, { command: string; args: string[] }>>)[key]?.['incident-mcp'];

  it.each([
    ['claude-desktop', 'mcpServers'],
    ['claude-code', 'mcpServers'],
    ['vscode', 'servers'],
    ['cursor', 'mcpServers'],
  ])('for %s is printed, and starts this very program', async (client, key) => {
    const desk = await makeDesk(bin);
    const { code, stdout } = await desk.run(['init', '--client', client]);
    expect(code).toBe(0);
    const entry = entryIn(stdout.slice(stdout.indexOf('\n{'), stdout.lastIndexOf('}') + 1), key);
    expect(entry?.args.slice(1)).toEqual(['serve', '--config', configOf(desk)]);
    const said = await run(entry?.command ?? '', [entry?.args[0] ?? '', '--version'], { env: desk.env });
    expect(said).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    // A second time for another client leaves the configuration alone.
    expect(await desk.run(['init', '--client', 'cursor'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('is left as it is'),
    });
  });

  it('is merged into a file without losing the others, with a copy of it', async () => {
    const desk = await makeDesk(bin);
    const before =
      '{\n    "theme": "dark",\n    "mcpServers": {\n        "other": {"command": "x", "args": []}\n    }\n}\n';
    const real = await desk.write('real.json', before, 0o640);
    const file = join(desk.dir, 'linked.json');
    await symlink(real, file);
    const init = (...more: string[]) => desk.run(['init', '--client', 'cursor', '--write-client', file, ...more]);
    expect(await init()).toMatchObject({ code: 0, stdout: expect.not.stringContaining('To be put') });
    const text = await readFile(real, 'utf8');
    expect(JSON.parse(text)).toMatchObject({ theme: 'dark', mcpServers: { other: { command: 'x', args: [] } } });
    expect(entryIn(text, 'mcpServers')?.args).toContain('serve');
    expect(text).toContain('\n    "theme"');
    expect(await modeOf(real)).toBe(0o640);
    const copies = async () => (await readdir(desk.dir)).filter((name) => name.startsWith('real.json.bak-'));
    expect(await readFile(join(desk.dir, (await copies())[0] ?? ''), 'utf8')).toBe(before);
    expect((await init()).stdout).toContain('already');
    expect(await copies()).toHaveLength(1);
    expect(await readFile(real, 'utf8')).toBe(text);
    // Another entry of that name is somebody's own.
    await writeFile(real, JSON.stringify({ mcpServers: { 'incident-mcp': { command: 'mine' } } }));
    expect(await init()).toMatchObject({ code: 1, stderr: expect.stringMatching(/^CONFLICT: /) });
    expect(await init('--force')).toMatchObject({ code: 0 });
    expect(entryIn(await readFile(real, 'utf8'), 'mcpServers')?.command).toBe(process.execPath);
  });

  it('makes a file that is not there yet', async () => {
    const desk = await makeDesk(bin);
    expect((await desk.run(['init', '--client', 'vscode', '--write-client', '.vscode/mcp.json'])).code).toBe(0);
    expect(entryIn(await readFile(join(desk.dir, '.vscode/mcp.json'), 'utf8'), 'servers')).toMatchObject({
      type: 'stdio',
    });
  });

  it.each([
    ['comments', '{ // mine\n "servers": {} }'],
    ['a list', '[]'],
    ['servers that are no object', '{"mcpServers": 4}'],
  ])('leaves a file with %s alone, and writes nothing else', async (_what, text) => {
    const desk = await makeDesk(bin);
    const file = await desk.write('client.json', text);
    const said = await desk.run(['init', '--client', 'cursor', '--write-client', file]);
    expect(said).toMatchObject({ code: 2, stderr: expect.stringMatching(/^INVALID_INPUT: .*left alone/) });
    expect(await readFile(file, 'utf8')).toBe(text);
    expect(existsSync(configOf(desk))).toBe(false);
  });
});
