import { type Document, isMap, isPair, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { AppError } from './errors.ts';

/**
 * Reads YAML and checks it by a schema. Throws `INVALID_INPUT` whose message has one `file:line: path: what is wrong` a fault, at most
 * five, and names the allowed keys for an unknown one.
 */
export function parseYaml<S extends z.ZodObject>(schema: S, text: string, path: string): z.output<S> {
  const lines = new LineCounter();
  const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const broken = doc.errors[0];
  if (broken) {
    const at = lines.linePos(broken.pos[0]);
    throw new AppError('INVALID_INPUT', `${path}:${at.line}: not valid YAML: ${broken.message}`, 'mend that line.');
  }
  const result = schema.safeParse(plainValue(doc, path));
  if (result.success) return result.data;
  const problems = result.error.issues.slice(0, 5).map((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] as string] : [...issue.path];
    const line = lineOf(doc.contents, keys, lines);
    const said =
      issue.code === 'unrecognized_keys'
        ? `unknown key "${issue.keys.join('", "')}"; allowed here: ${allowedKeys(schema, issue.path).join(', ') || 'see docs/configuration.md'}`
        : issue.message;
    return `${path}:${line}: ${keys.join('.') || '(top)'}: ${said}`;
  });
  throw new AppError(
    'INVALID_INPUT',
    problems.join('\n'),
    'mend the lines named above; docs/configuration.md lists every key.',
  );
}

/** The plain value of a document; aliases that would grow without end are a fault of the file. */
function plainValue(doc: Document.Parsed, path: string): unknown {
  try {
    return doc.toJS() ?? {};
  } catch (cause) {
    throw new AppError(
      'INVALID_INPUT',
      `${path}: not usable YAML: ${(cause as Error).message}`,
      'write it without aliases.',
    );
  }
}

/** The keys of the object schema at a path, for the message about an unknown key. */
function allowedKeys(whole: z.ZodObject, path: readonly PropertyKey[]): string[] {
  let schema: unknown = z.toJSONSchema(whole, { io: 'input', unrepresentable: 'any' });
  for (const part of path) {
    const node = schema as { properties?: Record<string, unknown>; additionalProperties?: unknown; items?: unknown };
    schema = typeof part === 'number' ? node.items : (node.properties?.[String(part)] ?? node.additionalProperties);
    if (!schema || typeof schema !== 'object') return [];
  }
  return Object.keys((schema as { properties?: object }).properties ?? {});
}

function lineOf(node: unknown, path: readonly PropertyKey[], lines: LineCounter): number {
  let at = 0;
  let current = node;
  for (const part of path) {
    if (!isMap(current)) {
      const items = (current as { items?: unknown[] } | null)?.items;
      const next = typeof part === 'number' ? items?.[part] : undefined;
      if (!next) break;
      current = next;
      at = (next as { range?: [number, number, number] }).range?.[0] ?? at;
      continue;
    }
    const pair = current.items.find(
      (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(part),
    );
    if (!pair) break;
    at = isScalar(pair.key) ? (pair.key.range?.[0] ?? at) : at;
    current = pair.value;
  }
  return lines.linePos(at).line;
}
