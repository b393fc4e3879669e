import { describe, expect, it } from 'vitest';
import { gatedTools } from '../../src/mcp/tool.ts';
import { toWire } from '../../src/mcp/wire.ts';
import { tools } from '../../tools/index.ts';
import { CONTRACT, VALUES } from './contract.ts';

interface Schema {
  type?: string | string[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  enum?: unknown[];
  additionalProperties?: unknown;
  $schema?: string;
}

const MAX_DESCRIPTION = 600;
const MAX_BYTES_A_TOOL = 1_000;
const wires = tools.map((tool) => ({ tool, wire: toWire(tool) }));
const named = (name: string) => wires.find(({ tool }) => tool.name === name);

/** The schema at `a.b`, `a[].b`: through lists, and through what may also be null. */
function at(schema: Schema | undefined, place: string): Schema | undefined {
  let here = schema;
  for (const part of place.split('.')) {
    const list = part.endsWith('[]');
    const name = list ? part.slice(0, -2) : part;
    here = options(here).find((s) => s.properties?.[name])?.properties?.[name];
    if (list) here = options(here).find((s) => s.items)?.items;
  }
  return here;
}

function options(schema: Schema | undefined): Schema[] {
  if (!schema) return [];
  return [schema, ...(schema.anyOf ?? []).flatMap(options)];
}

const valuesOf = (schema: Schema | undefined): unknown[] => options(schema).flatMap((s) => s.enum ?? []);

describe('the list of tools', () => {
  it('holds only tools of the contract, each once', () => {
    const names = tools.map((tool) => tool.name);
    expect(names.filter((name) => !CONTRACT.some((row) => row.name === name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('holds every tool of the first stage', () => {
    const names = new Set(tools.map((tool) => tool.name));
    expect(CONTRACT.filter((row) => row.since === 2 && !names.has(row.name)).map((row) => row.name)).toEqual([]);
  });

  it(`costs at most ${MAX_BYTES_A_TOOL} bytes a tool on average`, () => {
    const bytes = wires.map(({ wire: { name, description, inputSchema, annotations } }) =>
      Buffer.byteLength(JSON.stringify({ name, description, inputSchema, annotations })),
    );
    const total = bytes.reduce((sum, one) => sum + one, 0);
    expect(total / tools.length).toBeLessThanOrEqual(MAX_BYTES_A_TOOL);
  });
});

describe.each(wires)('$tool.name', ({ tool, wire }) => {
  const contract = CONTRACT.find((row) => row.name === tool.name);
  const input = wire.inputSchema as Schema;
  const output = wire.outputSchema as Schema;

  it('has a snake_case name, a title and a short description', () => {
    expect(wire.name).toMatch(/^[a-z]+(_[a-z]+)+$/);
    expect(wire.title?.trim()).toBeTruthy();
    expect(wire.description?.trim()).toBeTruthy();
    expect(wire.description?.length).toBeLessThan(MAX_DESCRIPTION);
  });

  it('describes every argument', () => {
    const mute = Object.entries(input.properties ?? {}).filter(([, schema]) => !schema.description?.trim());
    expect(mute.map(([name]) => name)).toEqual([]);
  });

  it('refuses unknown arguments, on the wire and when called', () => {
    expect(input.additionalProperties).toBe(false);
    const parsed = tool.input.safeParse({ definitely_unknown: 1 });
    expect(parsed.success).toBe(false);
    expect(parsed.error?.issues.some((issue: { code: string }) => issue.code === 'unrecognized_keys')).toBe(true);
  });

  it('derives its hints from its effect', () => {
    expect(tool.effect).toBe(contract?.effect);
    expect(wire.annotations).toMatchObject({
      readOnlyHint: contract?.effect === 'read',
      destructiveHint: contract?.effect === 'gated',
    });
  });

  it('takes the arguments of the contract', () => {
    const properties = Object.keys(input.properties ?? {});
    const known = [...(contract?.required ?? []), ...(contract?.optional ?? [])];
    expect(known.filter((name) => !properties.includes(name))).toEqual([]);
    expect([...(input.required ?? [])].sort()).toEqual([...(contract?.required ?? [])].sort());
  });

  it('answers the fields of the contract', () => {
    expect(output.type).toBe('object');
    expect((contract?.result ?? []).filter((place) => at(output, place) === undefined)).toEqual([]);
  });

  it('keeps what costs bytes and tells nothing off the wire', () => {
    const text = JSON.stringify(wire);
    expect(text).not.toContain('$schema');
    expect(text).not.toMatch(/"pattern":"\^/);
  });

  it('has the wire definition that was agreed', async () => {
    await expect(`${JSON.stringify(wire, null, 2)}\n`).toMatchFileSnapshot(`../__snapshots__/tools/${tool.name}.json`);
  });
});

describe('values that the contract spells out', () => {
  it.each(VALUES.filter(({ tool }) => named(tool)))('$tool $side $at', ({ tool, side, at: place, values }) => {
    const wire = named(tool)?.wire;
    const schema = (side === 'input' ? wire?.inputSchema : wire?.outputSchema) as Schema;
    expect([...valuesOf(at(schema, place))].sort()).toEqual([...values].sort());
  });
});

describe('what acts', () => {
  it('is gated in full: a tool behind a gate plans, runs and can find out what became of it', () => {
    const gated = gatedTools(tools);
    expect(gated.map((tool) => tool.name)).toEqual(
      expect.arrayContaining(
        CONTRACT.filter((row) => row.effect === 'gated' && named(row.name)).map((row) => row.name),
      ),
    );
    for (const tool of gated) {
      expect(typeof tool.plan).toBe('function');
      expect(typeof tool.run).toBe('function');
      expect(typeof tool.reconcile).toBe('function');
      expect(Object.keys(tool.input.shape)).toContain('approval_id');
    }
  });

  it('never takes its own confirmation from the model', () => {
    const words = /^(confirm|confirmed|approve|approved|force|yes|sure|dry_run|skip_approval)$/;
    const offered = gatedTools(tools).flatMap((tool) =>
      Object.keys(tool.input.shape).map((name) => `${tool.name}.${name}`),
    );
    expect(offered.filter((name) => words.test(name.split('.')[1] as string))).toEqual([]);
  });

  it('says in its description that a human approves', () => {
    for (const tool of gatedTools(tools)) expect(tool.description, tool.name).toMatch(/human/i);
  });
});
