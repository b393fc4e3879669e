import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { edges, filesUnder, ROOT, sourceFiles, textOf, withoutComments } from './sources.ts';

const MAX_LINES = 400;

/** Lines of program text that a pattern meets, as `file:line`. */
function linesWith(pattern: RegExp, files = sourceFiles()): string[] {
  return files.flatMap((file) =>
    withoutComments(textOf(file))
      .split('\n')
      .flatMap((line, i) => (pattern.test(line) ? [`${file}:${i + 1}: ${line.trim()}`] : [])),
  );
}

const outside = (...places: string[]): string[] =>
  sourceFiles().filter((file) => !places.some((place) => file.startsWith(place)));

describe('house rules', () => {
  it('only the command line and the sandbox’s own main read environment and arguments', () => {
    // The sandbox writes small programs that read their own arguments: as text, in one file.
    const files = outside('src/cli/', 'src/sandbox/main.ts', 'src/sandbox/files.ts');
    expect(linesWith(/process\s*\.\s*(env|argv)\b|from 'node:process'/, files)).toEqual([]);
    const inCli = linesWith(/process\s*\.\s*(env|argv)\b/, filesUnder('src/cli')).map((line) => line.split(':')[0]);
    expect([...new Set(inCli)]).toEqual(['src/cli/main.ts']);
  });

  it('stdout belongs to the protocol: only two files of the command line and the sandbox’s main write to it', () => {
    const files = outside('src/cli/output.ts', 'src/cli/terminal.ts', 'src/sandbox/main.ts');
    expect(linesWith(/process\s*\.\s*stdout(?!\.isTTY\b)|console\s*\./, files)).toEqual([]);
  });

  it('what serves MCP does not use the terminal’s print', () => {
    const serving = ['src/cli/serve.ts', 'src/cli/compose.ts', 'src/cli/environments.ts', 'src/cli/housekeeping.ts'];
    const wrong = edges(serving).filter((e) => e.to === 'src/cli/output.ts' || e.to === 'src/cli/terminal.ts');
    expect(wrong).toEqual([]);
  });

  it('every subprocess goes through one function', () => {
    const places = ['src/adapters/commands/', 'src/cli/child.ts', 'src/sandbox/'];
    const wrong = edges().filter(
      (e) =>
        ['node:child_process', 'child_process', 'execa'].includes(e.to) &&
        !e.type_only &&
        !places.some((place) => e.from.startsWith(place)),
    );
    expect(wrong.map((e) => `${e.from} -> ${e.to}`)).toEqual([]);
    expect(edges().some((e) => e.to === 'execa')).toBe(true);
  });

  it('no shell, nowhere', () => {
    expect(linesWith(/\bshell\s*:\s*(true|[`'"])|\bexecSync\b|\bexec\s*\(\s*[`'"]|\beval\s*\(|new Function\b/)).toEqual(
      [],
    );
  });

  it('no state in module scope', () => {
    const state = /^(export )?(let|var)\b|^(export )?const \w+(: [^=]+)? = new (Map|Set|WeakMap|WeakSet)(<[^>]*>)?\(\)/;
    expect(linesWith(state)).toEqual([]);
  });

  it('no `any` and no switched-off rule without a reason', () => {
    expect(linesWith(/@ts-(ignore|nocheck|expect-error)\b|\bas any\b/)).toEqual([]);
    const bare = sourceFiles().flatMap((file) =>
      textOf(file)
        .split('\n')
        .filter((line) => /biome-ignore/.test(line) && !/biome-ignore \S+: \S+/.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    expect(bare).toEqual([]);
  });

  it('nothing is left for later', () => {
    const later = new RegExp(
      ['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].map((word) => `\\b${word}\\b`).join('|'),
    );
    const files = [...sourceFiles(), ...filesUnder('test')];
    expect(files.filter((file) => later.test(textOf(file)))).toEqual([]);
  });

  it(`no file is longer than ${MAX_LINES} lines`, () => {
    const long = [...sourceFiles(), ...filesUnder('bench', '.mjs'), ...filesUnder('scripts', '.mjs')]
      .map((file) => ({ file, lines: textOf(file).split('\n').length - 1 }))
      .filter(({ lines }) => lines > MAX_LINES)
      .map(({ file, lines }) => `${file}: ${lines}`);
    expect(long).toEqual([]);
  });

  it('one file is one tool, and one file is one prompt', () => {
    const count = (folder: string, pattern: RegExp): string[] =>
      filesUnder(folder)
        .map((file) => ({ file, n: [...textOf(file).matchAll(pattern)].length }))
        .filter(({ n }) => n > 1)
        .map(({ file }) => file);
    expect(count('tools', /^export const \w+ = defineTool\(/gm)).toEqual([]);
    expect(count('prompts', /^export const \w+ = definePrompt\(/gm)).toEqual([]);
  });

  it('no tool name is spelt out where calls are handled', () => {
    const names = filesUnder('tools').flatMap((file) =>
      [...textOf(file).matchAll(/^ {2}name: '(\w+)',$/gm)].map((m) => m[1] as string),
    );
    expect(names.length).toBeGreaterThan(12);
    const places = ['src/mcp/tools-endpoint.ts', 'src/mcp/gate/gate.ts', 'src/mcp/gate/execute.ts', 'src/mcp/wire.ts'];
    const dispatch = new RegExp(`(case|===|!==)\\s*'(${names.join('|')})'`);
    expect(linesWith(dispatch, places)).toEqual([]);
  });

  it('the tree names no folder of a machine and no other registry', () => {
    const skip = new Set(['node_modules', 'dist', '.git', 'coverage']);
    const all = readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).filter(
      (name) => !skip.has(name.split('/')[0] as string) && statSync(join(ROOT, name)).isFile(),
    );
    const home = new RegExp(['/wo' + 'rk/', '/ro' + 'ot/'].join('|'));
    const resolved = new RegExp(`"resolved"${': '}"(?!https://registry\\.npmjs\\.org/)`);
    const texts = all.filter((name) => /\.(ts|mjs|js|json|md|ya?ml|svg|txt)$|\.ci\/run$/.test(name));
    const wrong = texts.filter((name) => {
      const text = readFileSync(join(ROOT, name), 'utf8');
      return home.test(text) || resolved.test(text);
    });
    expect(wrong).toEqual([]);
    expect(texts.length).toBeGreaterThan(200);
  });
});
