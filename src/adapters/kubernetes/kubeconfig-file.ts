import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { notConfigured } from '../../errors.ts';

/** One named part of a kubeconfig as it stands there; it is checked when it is used. */
export interface Part {
  value: Record<string, unknown>;
  /** Folder of its file, to which its relative paths refer. */
  folder: string;
}

export interface Parts {
  contexts: Map<string, Part>;
  clusters: Map<string, Part>;
  users: Map<string, Part>;
  current: string | undefined;
}

const CHECK = 'check its path, its permissions and its YAML.';

/** Reads one file. Throws `NOT_CONFIGURED`; a parser's message is not told, because it quotes the line, which may hold a token. */
function readParts(file: string): Parts {
  const json = parse(file);
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw notConfigured(`the kubeconfig ${file} is not a valid kubeconfig.`, CHECK);
  const top = json as Record<string, unknown>;
  // What kubectl writes for an empty configuration has no kind's worth of doubt; a Deployment by mistake has.
  if (top.kind !== undefined && top.kind !== 'Config')
    throw notConfigured(`the file ${file} is not a kubeconfig: its kind is not Config.`, 'correct kubeconfig.');
  const folder = dirname(resolve(file));
  const named = (list: unknown, key: string): Map<string, Part> => {
    const found = new Map<string, Part>();
    for (const item of Array.isArray(list) ? (list as unknown[]) : []) {
      const { name, [key]: value } = (item ?? {}) as Record<string, unknown>;
      const text = typeof name === 'string' ? name : '';
      if (text !== '' && !found.has(text)) found.set(text, { value: asRecord(value), folder });
    }
    return found;
  };
  const current = top['current-context'];
  return {
    contexts: named(top.contexts, 'context'),
    clusters: named(top.clusters, 'cluster'),
    users: named(top.users, 'user'),
    current: typeof current === 'string' && current !== '' ? current : undefined,
  };
}

/** As kubectl merges: the first file that names a thing wins, whole. */
export function readKubeconfigs(files: readonly string[]): Parts {
  const parts = files.map(readParts);
  const first = (lists: Map<string, Part>[]): Map<string, Part> =>
    new Map(lists.reverse().flatMap((list) => [...list]));
  return {
    contexts: first(parts.map((part) => part.contexts)),
    clusters: first(parts.map((part) => part.clusters)),
    users: first(parts.map((part) => part.users)),
    current: parts.find((part) => part.current !== undefined)?.current,
  };
}

function parse(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw notConfigured(`the kubeconfig ${file} cannot be read: ${readProblem(error)}.`, CHECK);
  }
  if (text.trim() === '') throw notConfigured(`the kubeconfig ${file} is empty.`, 'fetch it again.');
  let line: number | undefined;
  try {
    const document = parseDocument(text, { uniqueKeys: false, logLevel: 'silent', prettyErrors: true });
    const [wrong] = document.errors;
    if (wrong === undefined) return document.toJS({ maxAliasCount: 100 }) as unknown;
    line = wrong.linePos?.[0].line;
  } catch {
    // Aliases without end: told below as any other wrong YAML.
  }
  throw notConfigured(`the kubeconfig ${file} is not valid YAML${line === undefined ? '' : ` (line ${line})`}.`, CHECK);
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it does not exist',
  EISDIR: 'it is a folder',
  EACCES: 'it may not be read by this account',
  EPERM: 'it may not be read by this account',
};

/** Why a file cannot be read, with the system's own code. */
export function readProblem(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? 'no code';
  return `${PROBLEMS[code] ?? 'the system refuses'} (${code})`;
}

const asRecord = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
