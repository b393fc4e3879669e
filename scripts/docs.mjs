#!/usr/bin/env node
// Writes what the documents can derive from the code: the tools, commands and figures of README.md and the keys of
// docs/configuration.md. With --check it writes nothing and exits 1 when a document differs.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

/** The definitions, bundled from their sources, so that no build has to run first. */
async function load() {
  const folder = await mkdtemp(join(root, 'node_modules', '.docs-'));
  try {
    const outfile = join(folder, 'facts.mjs');
    await build({
      absWorkingDir: root,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20.19',
      packages: 'external',
      logLevel: 'warning',
      stdin: {
        resolveDir: root,
        contents: `
          export { tools } from './tools/index.ts';
          export { prompts } from './prompts/index.ts';
          export { inputSchema } from './src/mcp/wire.ts';
          export { configSchema } from './src/config.ts';
          export { COMMANDS } from './src/cli/commands.ts';
          export { z } from 'zod';`,
      },
      outfile,
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const EFFECTS = { read: 'reads', record: 'writes the record', gated: 'plans a change; a human approves' };

/** The first sentence, so that a row stays a row. `e.g.` and the like do not end one. */
const firstSentence = (text) => /^.*?[^.\s]{2}\.(?=\s|$)/s.exec(text)?.[0] ?? text;

function toolTable({ tools, inputSchema }) {
  return table(
    ['tool', 'effect', 'arguments (**required**)', 'what it does'],
    tools.map((tool) => {
      const { properties = {}, required = [] } = inputSchema(tool);
      const names = Object.keys(properties).map((name) =>
        required.includes(name) ? `**\`${name}\`**` : `\`${name}\``,
      );
      const gate = tool.effect === 'record' && tool.gate ? '; some calls need approval' : '';
      return [
        `\`${tool.name}\``,
        EFFECTS[tool.effect] + gate,
        names.join(', ') || 'none',
        firstSentence(tool.description),
      ];
    }),
  );
}

const promptTable = ({ prompts }) =>
  table(
    ['prompt', 'arguments', 'what it is for'],
    prompts.map((prompt) => [
      `\`${prompt.name}\``,
      Object.keys(prompt.arguments)
        .map((name) => `\`${name}\``)
        .join(', ') || 'none',
      prompt.description,
    ]),
  );

const commandTable = ({ COMMANDS }) =>
  table(
    ['command', 'what it does'],
    Object.entries(COMMANDS).map(([name, { summary }]) => [`\`incident-mcp ${name}\``, summary]),
  );

async function benchTable() {
  const { machine, rows } = JSON.parse(await readFile(join(root, 'bench/results/latest.json'), 'utf8'));
  const said = (met) => (met === null ? '' : met ? 'met' : 'not met');
  return [
    `Measured with \`npm run bench\` on ${machine.cores} cores, Node ${machine.node.slice(1)}, ${machine.platform}, load ${machine.load_before} before the run. Compare ratios, not milliseconds.`,
    '',
    table(
      ['figure', 'measured', 'target', 'result'],
      rows.map((row) => [row.figure, row.measured, row.target, said(row.met)]),
    ),
  ].join('\n');
}

/** What a key means, by its end; a key that nothing here fits is a mistake of ours. */
const MEANINGS = await readFile(new URL('./bundle/config-meanings.json', import.meta.url), 'utf8').then(JSON.parse);

function meaningOf(key) {
  const plain = key.replace('environments.<name>', 'environment').replaceAll('[]', '');
  const found = Object.entries(MEANINGS).find(([end]) => plain === end || plain.endsWith(`.${end}`));
  if (!found) throw new Error(`scripts/bundle/config-meanings.json does not say what ${key} means`);
  return found[1];
}

/** Groups that are told once: an environment's own copy of a global one, and every place for credentials. */
const told = (key) => /^environments\.<name>\.(signals|fleet)$/.test(key) || key.endsWith('.auth');

/** Walks a JSON Schema into rows of key, form and default. A default of a whole object is told at its parts. */
function* keysOf(schema, path, fallbacks = {}) {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const key = path ? `${path}.${name}` : name;
    const fallback = property.default ?? fallbacks[name];
    if (told(key)) yield { key, form: 'group', fallback: undefined };
    else if (property.properties) yield* keysOf(property, key, fallback);
    else if (property.additionalProperties?.properties) yield* keysOf(property.additionalProperties, `${key}.<name>`);
    else if (property.items?.properties) {
      yield { key: `${key}[]`, form: 'list', fallback };
      yield* keysOf(property.items, `${key}[]`);
    } else yield { key, form: formOf(property), fallback };
  }
}

function formOf(schema) {
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(' or ');
  if (schema.const !== undefined) return `\`${schema.const}\``;
  // One or many of the same is told as one.
  if (schema.anyOf) {
    const forms = [...new Set(schema.anyOf.map(formOf))];
    return forms.length === 2 && forms[1] === `list of ${forms[0]}` ? `${forms[0]}; one or a list` : forms.join(' or ');
  }
  if (schema.type === 'array') return `list of ${formOf(schema.items ?? {})}`;
  if (schema.format === 'uri') return 'URL';
  if (schema.type === 'object') return 'map of names to text';
  if (String(schema.pattern ?? '').includes('(s|m|h|d)')) return 'duration';
  return { string: 'text', integer: 'whole number', boolean: 'true or false' }[schema.type] ?? schema.type ?? 'any';
}

function configTable({ configSchema, z }) {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  const shown = (fallback) => {
    if (fallback === undefined) return '';
    const text = JSON.stringify(fallback);
    return text.length > 200 ? 'see below' : `\`${text}\``;
  };
  return table(
    ['key', 'form', 'default', 'meaning'],
    [...keysOf(schema, '')].map(({ key, form, fallback }) => [`\`${key}\``, form, shown(fallback), meaningOf(key)]),
  );
}

/** Replaces what lies between the two markers; a document without them is a mistake of ours. */
function put(text, marker, content) {
  const [start, end] = [`<!-- ${marker}:start -->`, `<!-- ${marker}:end -->`];
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the markers of "${marker}" are missing`);
  return `${text.slice(0, from + start.length)}\n${content}\n${text.slice(to)}`;
}

const facts = await load();
const DOCUMENTS = {
  'README.md': {
    tools: toolTable(facts),
    prompts: promptTable(facts),
    commands: commandTable(facts),
    bench: await benchTable(),
  },
  'docs/configuration.md': { keys: configTable(facts) },
};

const check = process.argv.includes('--check');
for (const [file, parts] of Object.entries(DOCUMENTS)) {
  const path = join(root, file);
  const present = await readFile(path, 'utf8');
  const wanted = Object.entries(parts).reduce((text, [marker, content]) => put(text, marker, content), present);
  if (wanted === present) continue;
  if (check) {
    process.stderr.write(`${file} differs from the code: run \`node scripts/docs.mjs\`\n`);
    process.exitCode = 1;
  } else await writeFile(path, wanted);
}
