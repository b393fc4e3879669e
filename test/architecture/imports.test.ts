import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { BETWEEN_ADAPTERS, refused } from './directions.ts';
import { cyclesIn, type Edge, edges, importsIn, ROOT, sourceFiles, textOf } from './sources.ts';

const edge = (from: string, to: string, more: Partial<Edge> = {}): Edge => ({
  from,
  to,
  type_only: false,
  package: !to.includes('/') || to.startsWith('@'),
  ...more,
});

/** Where the build begins. */
const ENTRIES = [...textOf('scripts/build.mjs').matchAll(/'(src\/[^']+\.ts)'/g)].map((match) => match[1] as string);

describe('the reader of imports', () => {
  it('finds every form of an import, and none in a comment', () => {
    const text = `
      import a from './a.ts';
      import type { B } from "./b.ts";
      import { type C, c } from './c.ts';
      import {
        d,
        e as f,
      } from './d.ts';
      import * as g from '@scope/pkg/deep';
      import './h.ts';
      export * from './i.ts';
      export type { J } from './j.ts';
      const k = async () => (await import('./k.ts')).k;
      const l = import(
        './l.ts'
      );
      // import m from './m.ts';
      /* import n from './n.ts'; */
      const o = 'from ./o.ts';
    `;
    expect(importsIn(text)).toEqual([
      { specifier: './a.ts', type_only: false },
      { specifier: './b.ts', type_only: true },
      { specifier: './c.ts', type_only: false },
      { specifier: './d.ts', type_only: false },
      { specifier: '@scope/pkg/deep', type_only: false },
      { specifier: './h.ts', type_only: false },
      { specifier: './i.ts', type_only: false },
      { specifier: './j.ts', type_only: true },
      { specifier: './k.ts', type_only: false },
      { specifier: './l.ts', type_only: false },
    ]);
  });

  it('misses nothing that the bundler sees', async () => {
    const result = await build({
      absWorkingDir: ROOT,
      entryPoints: ENTRIES,
      bundle: true,
      splitting: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      outdir: 'unused',
      write: false,
      metafile: true,
      logLevel: 'silent',
    });
    const known = new Set(edges().map((e) => `${e.from} -> ${e.to}`));
    const seen = Object.entries(result.metafile.inputs).flatMap(([from, { imports }]) =>
      imports.filter((i) => !i.external).map((i) => `${from} -> ${i.path}`),
    );
    expect(seen.length).toBeGreaterThan(200);
    expect(seen.filter((one) => !known.has(one))).toEqual([]);
  });
});

describe('directions of imports', () => {
  it('hold in the whole tree', () => {
    const wrong = edges().flatMap((e) => {
      const why = refused(e);
      return why ? [`${e.from} -> ${e.to}: ${why}`] : [];
    });
    expect(wrong).toEqual([]);
  });

  it.each([
    ['domain to a port', edge('src/domain/x.ts', 'src/ports/store.ts')],
    ['domain to the file system', edge('src/domain/x.ts', 'node:fs')],
    ['policy to the wire', edge('src/policy/x.ts', 'src/mcp/tool.ts')],
    ['a port to running code of the domain', edge('src/ports/x.ts', 'src/domain/plan.ts')],
    ['an adapter to the wire', edge('src/adapters/helm/x.ts', 'src/mcp/tool.ts')],
    ['an adapter to another', edge('src/adapters/prometheus/x.ts', 'src/adapters/store/index.ts')],
    ['the wire to an adapter', edge('src/mcp/x.ts', 'src/adapters/store/index.ts')],
    ['the wire to running code of the configuration', edge('src/mcp/x.ts', 'src/config.ts')],
    ['the wire to a tool', edge('src/mcp/x.ts', 'tools/index.ts')],
    ['a tool to an adapter', edge('tools/x.ts', 'src/adapters/helm/index.ts')],
    ['a tool to a port', edge('tools/x.ts', 'src/ports/store.ts')],
    ['a prompt to the command line', edge('prompts/x.ts', 'src/cli/compose.ts')],
    ['the sandbox to the domain', edge('src/sandbox/x.ts', 'src/domain/plan.ts')],
    ['the command line to the sandbox', edge('src/cli/x.ts', 'src/sandbox/main.ts')],
  ])('refuse %s', (_name, wrong) => {
    expect(refused(wrong)).not.toBeNull();
  });

  it('list no exception that nobody needs', () => {
    const real = edges();
    const idle = BETWEEN_ADAPTERS.filter(
      ({ from, to }) => !real.some((e) => e.from.startsWith(from) && e.to.startsWith(to)),
    );
    expect(idle).toEqual([]);
  });

  it('leave no cycle', () => {
    expect(cyclesIn(edges()).map((cycle) => cycle.join(' -> '))).toEqual([]);
    expect(cyclesIn([edge('a/1.ts', 'a/2.ts'), edge('a/2.ts', 'a/3.ts'), edge('a/3.ts', 'a/2.ts')])).toEqual([
      ['a/2.ts', 'a/3.ts', 'a/2.ts'],
    ]);
  });

  it('leave no file that nobody imports', () => {
    const imported = new Set(edges().map((e) => e.to));
    expect(sourceFiles().filter((file) => !imported.has(file) && !ENTRIES.includes(file))).toEqual([]);
  });

  it('name a file that exists, with its ending', () => {
    const nowhere = edges().filter((e) => !e.package && !(/\.(ts|json)$/.test(e.to) && existsSync(join(ROOT, e.to))));
    expect(nowhere.map((e) => `${e.from} -> ${e.to}`)).toEqual([]);
  });
});
