import { afterEach, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { completionScript } from '../../src/cli/completion.ts';
import { Bin } from '../helpers/bin.ts';
import { run } from '../helpers/process.ts';
import { makeDesk } from './desk.ts';

const bin = new Bin();
afterEach(() => bin.empty());

/** What bash offers for these words, the last of which is being typed. */
async function offered(...words: string[]): Promise<string[]> {
  const typed = ['incident-mcp', ...words].map((word) => `'${word}'`).join(' ');
  const script = `${completionScript('bash', COMMANDS)}
COMP_WORDS=(${typed}); COMP_CWORD=${words.length}
_incident_mcp
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { code, stdout, stderr } = await run('bash', ['--norc', '-u', '-c', script]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.split('\n').filter((line) => line !== '');
}

describe('completion', () => {
  it('offers in bash every command, every flag and the choices', async () => {
    expect(await offered('')).toEqual(expect.arrayContaining(Object.keys(COMMANDS)));
    expect(await offered('app')).toEqual(['approvals', 'approve']);
    expect(await offered('init', '--write')).toEqual(['--write-client']);
    expect(await offered('init', '--client', 'c')).toEqual(['claude-desktop', 'claude-code', 'cursor']);
    expect(await offered('export', '--format', '')).toEqual(['json', 'markdown']);
    expect(await offered('completion', 'z')).toEqual(['zsh']);
    expect(await offered('doctor', '--c')).toEqual(['--config']);
    for (const [name, { flags }] of Object.entries(COMMANDS)) {
      const expected = Object.keys(flags).map((flag) => `--${flag}`);
      expect(await offered(name, '--')).toEqual(expect.arrayContaining([...expected, '--help']));
    }
  });

  it.each(['zsh', 'fish'])('names in %s every command and flag, with balanced quotes', (shell) => {
    const script = completionScript(shell, COMMANDS);
    for (const [name, { flags }] of Object.entries(COMMANDS)) {
      expect(script).toContain(name);
      for (const flag of Object.keys(flags)) expect(script).toContain(shell === 'zsh' ? `--${flag}[` : `-l ${flag}`);
    }
    // zsh writes a quote inside quotes as '\'' and fish as \', which this takes out first.
    const bare = script.replaceAll("'\\''", '').replaceAll("\\'", '');
    for (const line of bare.split('\n').filter((text) => !text.startsWith('#')))
      expect(line.split("'").length % 2, line).toBe(1);
  });

  it('is printed by the command, and refuses another shell', async () => {
    const desk = await makeDesk(bin);
    for (const shell of ['bash', 'zsh', 'fish']) {
      const said = await desk.run(['completion', shell]);
      expect(said).toMatchObject({ code: 0, stderr: '' });
      expect(said.stdout.trimEnd()).toBe(completionScript(shell, COMMANDS));
    }
    for (const argv of [['completion'], ['completion', 'tcsh']])
      expect(await desk.run(argv)).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining('bash, zsh, fish'),
      });
  });
});
