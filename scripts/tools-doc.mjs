#!/usr/bin/env node
// Writes docs/tools.md from the tools' own definitions. With --check it writes nothing and exits 1 when the document differs.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const document = join(root, 'docs', 'tools.md');

/** The definitions as clients get them, bundled from their sources, so that no build has to run first. */
async function definitions() {
  const folder = await mkdtemp(join(root, 'node_modules', '.tools-doc-'));
  try {
    const outfile = join(folder, 'tools.mjs');
    await build({
      absWorkingDir: root,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      logLevel: 'warning',
      stdin: {
        resolveDir: root,
        contents: `
          import { tools } from './tools/index.ts';
          import { toWire } from './src/mcp/wire.ts';
          export const rows = tools.map((tool) => ({ effect: tool.effect, asks: Boolean(tool.gate), ...toWire(tool) }));`,
      },
      outfile,
    });
    return (await import(pathToFileURL(outfile).href)).rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const EFFECTS = {
  read: 'Reads only.',
  record: "Writes only the product's own record.",
  gated: 'Changes production or a runbook: plans first, and runs only after a human approved exactly that plan.',
};

const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
const row = (...cells) => `| ${cells.map(cell).join(' | ')} |`;

/** `text`, `SEV1 or SEV2`, `list of text`, `object or null`: what may be there, in words. */
function kindOf(schema) {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map(kindOf))].join(' or ');
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (Array.isArray(schema.type)) return schema.type.map((type) => kindOf({ ...schema, type })).join(' or ');
  if (schema.type === 'array') return `list of ${kindOf(schema.items ?? {})}`;
  return { string: 'text', integer: 'whole number', boolean: 'true or false' }[schema.type] ?? schema.type ?? 'any';
}

function argumentRows({ properties = {}, required = [] }, path = '') {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const place = `${path}${name}`;
    const need = required.includes(name) ? '**required**' : defaultOf(schema);
    const inner = schema.items?.properties
      ? [schema.items, `${place}[].`]
      : schema.properties
        ? [schema, `${place}.`]
        : null;
    return [
      row(`\`${place}\``, kindOf(schema), need, schema.description ?? ''),
      ...(inner ? argumentRows(inner[0], inner[1]) : []),
    ];
  });
}

const defaultOf = (schema) =>
  schema.default === undefined ? 'optional' : `default \`${JSON.stringify(schema.default)}\``;

const resultRows = ({ properties = {} }) =>
  Object.entries(properties).map(([name, schema]) => row(`\`${name}\``, kindOf(schema), fieldsOf(schema)));

/** Names of the fields one step further in. */
function fieldsOf(schema) {
  const inner = [schema, ...(schema.anyOf ?? [])].map((s) => (s.items ?? s).properties).find(Boolean);
  return inner
    ? Object.keys(inner)
        .map((name) => `\`${name}\``)
        .join(', ')
    : '';
}

const section = (tool) =>
  [
    `## ${tool.name}`,
    '',
    `${tool.title}. ${EFFECTS[tool.effect]}${tool.asks ? ' Some calls need a human’s approval first.' : ''}`,
    '',
    tool.description,
    '',
    ...(Object.keys(tool.inputSchema.properties ?? {}).length === 0
      ? ['No arguments.']
      : ['| argument | form | | meaning |', '|---|---|---|---|', ...argumentRows(tool.inputSchema)]),
    '',
    '| result | form | fields |',
    '|---|---|---|',
    ...resultRows(tool.outputSchema),
  ].join('\n');

const tools = await definitions();
const wanted = `${[
  '# Tools',
  '',
  'Written by `node scripts/tools-doc.mjs` from the definitions in `tools/`; the test suite compares.',
  '',
  'Instants carry an offset (`2026-03-01T14:20:00Z`); durations look like `15m`. Unknown arguments are refused. An error is a result with',
  '`isError: true` and a text `CODE: what went wrong. Next: what to do.`',
  '',
  ...tools.map((tool) => `- [${tool.name}](#${tool.name}): ${tool.title}`),
  '',
  tools.map(section).join('\n\n'),
].join('\n')}\n`;

if (process.argv.includes('--check')) {
  const present = await readFile(document, 'utf8').catch(() => '');
  if (present !== wanted) {
    process.stderr.write('docs/tools.md differs from the code: run `node scripts/tools-doc.mjs`\n');
    process.exitCode = 1;
  }
} else await writeFile(document, wanted);
