import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');
export const FOLDERS = ['src', 'tools', 'prompts'] as const;

export interface Edge {
  /** File that imports, relative to the root. */
  from: string;
  /** File relative to the root, or the name of a package. */
  to: string;
  /** `import type` or `export type`: nothing of it is left when the program runs. */
  type_only: boolean;
  package: boolean;
}

export function filesUnder(folder: string, ending = '.ts'): string[] {
  const found = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
    join(folder, name),
  );
  return found.filter((name) => name.endsWith(ending) && statSync(join(ROOT, name)).isFile()).sort();
}

export const sourceFiles = (): string[] => FOLDERS.flatMap((folder) => filesUnder(folder));
export const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** Program text without comments, lines kept, so that a word in a comment breaks no rule. */
export const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, '')).replace(/(^|[\s;,{(])\/\/.*$/gm, '$1');

const STATEMENT = /(?:^|[;\n}])\s*(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\sfrom\s*)?['"]([^'"\n]+)['"]/g;
const CALL = /(?<![.\w])import\s*\(\s*['"]([^'"\n]+)['"]/g;

/** Every module that a text imports or passes on, in the three forms of the language: statement, call, and type of a module. */
export function importsIn(text: string): { specifier: string; type_only: boolean }[] {
  const code = withoutComments(text);
  return [
    ...[...code.matchAll(STATEMENT)].map((m) => ({ specifier: m[2] as string, type_only: m[1] !== undefined })),
    ...[...code.matchAll(CALL)].map((m) => ({ specifier: m[1] as string, type_only: false })),
  ];
}

const packageOf = (specifier: string): string =>
  specifier.startsWith('node:')
    ? specifier
    : specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');

/** All imports of the product's own code. */
export function edges(files = sourceFiles()): Edge[] {
  return files.flatMap((from) =>
    importsIn(textOf(from)).map(({ specifier, type_only }) => {
      if (!specifier.startsWith('.')) return { from, to: packageOf(specifier), type_only, package: true };
      return { from, to: relative(ROOT, resolve(ROOT, dirname(from), specifier)), type_only, package: false };
    }),
  );
}

/** Import cycles as lists of files; each is found once. */
export function cyclesIn(list: readonly Edge[]): string[][] {
  const next = new Map<string, string[]>();
  for (const edge of list) {
    if (!edge.package) next.set(edge.from, [...(next.get(edge.from) ?? []), edge.to]);
  }
  const done = new Set<string>();
  const path: string[] = [];
  const found: string[][] = [];
  const walk = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) {
      found.push([...path.slice(at), file]);
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const to of next.get(file) ?? []) walk(to);
    path.pop();
    done.add(file);
  };
  for (const file of next.keys()) walk(file);
  return found;
}
