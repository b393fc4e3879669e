import { readFile, realpath } from 'node:fs/promises';
import { conflict, invalidInput } from '../../errors.ts';
import { bundled } from '../child.ts';
import { CLIENT_FORMS, type Client } from './clients.ts';

export const SERVER_NAME = 'incident-mcp';

export interface Entry {
  type?: 'stdio';
  command: string;
  args: string[];
}

/**
 * How a client starts the server. Node and program are named in full, since clients with a window often have no PATH to look them up on; a
 * program that npx fetched lies in a cache, so there npx is named again.
 */
export function entryFor(client: Client, configFile: string): Entry {
  const program = bundled('cli.js');
  const serve = ['serve', '--config', configFile];
  const start = /[\\/]_npx[\\/]/.test(program)
    ? { command: 'npx', args: ['-y', 'pulsestream-incident-mcp', ...serve] }
    : { command: process.execPath, args: [program, ...serve] };
  return { ...(CLIENT_FORMS[client].typed ? { type: 'stdio' as const } : {}), ...start };
}

/** The whole file for a client that has none yet. */
export const clientFile = (client: Client, entry: Entry): string =>
  `${JSON.stringify({ [CLIENT_FORMS[client].key]: { [SERVER_NAME]: entry } }, null, 2)}\n`;

export interface Merge {
  /** Where to write: behind a link the file itself. */
  path: string;
  text: string;
  /** What is there now; null where there is none. */
  before: string | null;
}

/**
 * The client's file with the entry in it; every other key stays. Nothing is written here.
 * Errors: `INVALID_INPUT` for a file that is not a JSON object, `CONFLICT` for another entry of that name without `force`.
 */
export async function mergeEntry(file: string, client: Client, entry: Entry, force: boolean): Promise<Merge> {
  const { key } = CLIENT_FORMS[client];
  const path = await realpath(file).catch(() => file);
  const before = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw invalidInput(`${file} cannot be read (${error.code}).`, 'check the path and its permissions.');
  });
  if (before === null || before.trim() === '') return { path, text: clientFile(client, entry), before };
  const whole = objectIn(parse(before, file), file, 'its top level');
  const servers = whole[key] === undefined ? {} : objectIn(whole[key], file, `"${key}"`);
  const present = servers[SERVER_NAME];
  if (present !== undefined && JSON.stringify(present) !== JSON.stringify(entry) && !force) {
    throw conflict(
      `${file} has another entry "${SERVER_NAME}" already; nothing was changed.`,
      'give --force to replace it; a copy of the file is kept.',
    );
  }
  const merged = { ...whole, [key]: { ...servers, [SERVER_NAME]: entry } };
  return { path, text: `${JSON.stringify(merged, null, indentOf(before))}\n`, before };
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    throw invalidInput(
      `${file} is not plain JSON (a comment or a mistake in it); it was left alone.`,
      'put the printed entry in by hand.',
    );
  }
}

function objectIn(value: unknown, file: string, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalidInput(`${file}: ${what} is not an object; it was left alone.`, 'name the file of that client.');
}

const indentOf = (text: string): string => /\n([ \t]+)"/.exec(text)?.[1] ?? '  ';
