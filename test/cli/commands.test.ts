import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS, type CommandName, flagsOf, helpFor, overview } from '../../src/cli/commands.ts';
import { Bin } from '../helpers/bin.ts';
import { type Desk, makeDesk } from './desk.ts';

const bin = new Bin();
let desk: Desk;
beforeAll(async () => {
  desk = await makeDesk(bin);
});
afterAll(() => bin.empty());

const NAMES = Object.keys(COMMANDS) as CommandName[];
/** Commands of the contract. */
const CONTRACT = ['serve', 'sandbox', 'demo', 'approvals', 'approve', 'reject', 'init', 'doctor', 'verify', 'export'];

describe('the commands', () => {
  it('of the contract are there, and the overview names every one', () => {
    expect(CONTRACT.filter((name) => !NAMES.includes(name as CommandName))).toEqual([]);
    for (const name of NAMES) expect(overview()).toMatch(new RegExp(`^ {2}${name} +\\S`, 'm'));
  });

  it.each(NAMES)('%s explains every flag', (name) => {
    const help = helpFor(name);
    expect(help).toMatch(new RegExp(`^incident-mcp ${name}\\b`));
    for (const [flag, { help: words }] of Object.entries(COMMANDS[name].flags as Record<string, { help: string }>)) {
      expect(help).toContain(`--${flag}`);
      expect(words.trim()).not.toBe('');
    }
    expect(Object.keys(flagsOf(name)).sort()).toEqual(Object.keys(COMMANDS[name].flags).sort());
  });
});

describe('as a process', () => {
  it.each(NAMES)('%s --help is told on stdout and does nothing else', async (name) => {
    const { code, stdout, stderr } = await desk.run([name, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`${helpFor(name)}\n`);
  });

  it('tells its version and the overview', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await desk.run(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    for (const word of ['--help', '-h', 'help']) {
      expect(await desk.run([word])).toEqual({ code: 0, stdout: `${overview()}\n`, stderr: '' });
    }
  });

  it.each([
    ['no command', [], /incident server/, 'stdout'],
    ['an unknown command', ['aprove'], /there is no command "aprove"/, 'stderr'],
    ['the name of an object’s part', ['constructor'], /there is no command "constructor"/, 'stderr'],
    ['an unknown flag', ['approvals', '--jsn'], /approvals: .*--jsn/, 'stderr'],
    ['a flag without its value', ['approve', 'APR-7K2M9Q4XBT', '--approver'], /--approver/, 'stderr'],
    ['a missing id', ['approve'], /it takes one approval id/, 'stderr'],
    ['two ids', ['reject', 'APR-7K2M9Q4XBT', 'APR-7K2M9Q4XBT'], /it takes one approval id/, 'stderr'],
    ['an argument too many', ['approvals', 'x'], /it takes no arguments/, 'stderr'],
    [
      'a configuration that is not there',
      ['approvals', '--config', 'gone.yaml'],
      /gone\.yaml cannot be read/,
      'stderr',
    ],
    ['an unknown scenario', ['sandbox', 'meteor'], /meteor/, 'stderr'],
  ] as const)('exits with 2 on %s, and says what is right', async (_name, argv, said, where) => {
    const result = await desk.run([...argv]);
    expect(result.code).toBe(2);
    expect(result[where]).toMatch(said);
    expect(result.stderr).not.toMatch(/\n\s+at /);
  });

  it('exits with 2 on a wrong configuration, with the line and the fix', async () => {
    const file = await desk.write('wrong.yaml', 'source_deadline: 1s\nenvironmets: {}\n');
    for (const command of ['approvals', 'serve']) {
      const { code, stdout, stderr } = await desk.run([command, '--config', file]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(
        /^INVALID_INPUT: .*wrong\.yaml:2: environmets: unknown key "environmets"; allowed here: environments/,
      );
      expect(stderr).toContain('Next: ');
    }
  });

  it.each([
    [
      'an approval that does not exist',
      ['approve', 'APR-7K2M9Q4XBT', '--secret-stdin'],
      /^NOT_FOUND: there is no approval/,
    ],
    ['an id that is none', ['reject', '../../etc/passwd', '--secret-stdin'], /^NOT_FOUND: there is no approval/],
  ] as const)('exits with 1 on %s', async (_name, argv, said) => {
    const { code, stdout, stderr } = await desk.run([...argv], 'secret\n');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(said);
  });

  it('exits with 0 where there is nothing to approve', async () => {
    expect(await desk.run(['approvals'])).toEqual({ code: 0, stdout: 'Nothing waits for approval.\n', stderr: '' });
    expect(await desk.run(['approvals', '--json'])).toEqual({ code: 0, stdout: '[]\n', stderr: '' });
  });
});
