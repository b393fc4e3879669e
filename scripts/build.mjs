// Bundles the command and the sandbox: `node scripts/build.mjs [OUTDIR]`, default dist. Splitting keeps what only a call needs (the
// Kubernetes client, execa) out of the start.
import { chmod, readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = resolve(process.argv[2] ?? join(root, 'dist'));

// What a start need not read. The SDK's JSON Schema validator checks what clients answer to forms: the smaller of the two that it ships
// does that as well. zod brings its messages in fifty languages: English is the one that is used.
const lean = {
  name: 'lean',
  setup(builder) {
    builder.onResolve({ filter: /^@modelcontextprotocol\/server\/_shims$/ }, () => ({ path: 'shims', namespace: 'lean' }));
    builder.onLoad({ filter: /^shims$/, namespace: 'lean' }, () => ({
      contents:
        "export { CfWorkerJsonSchemaValidator as DefaultJsonSchemaValidator } from '@modelcontextprotocol/server/validators/cf-worker'; export { default as process } from 'node:process';",
      resolveDir: root,
    }));
    builder.onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({ contents: "export { default as en } from './en.js';", resolveDir: join(root, 'node_modules/zod/v4/locales') }));
  },
};

const common = {
  plugins: [lean],
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  // CommonJS dependencies inside an ES module bundle ask for `require`.
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
};

const results = await Promise.all([
  build({ ...common, entryPoints: { cli: 'src/cli/main.ts' }, outdir, splitting: true, chunkNames: 'chunks/[name]-[hash]' }),
  build({ ...common, entryPoints: { sandbox: 'src/sandbox/main.ts' }, outdir }),
]);
await chmod(join(outdir, 'cli.js'), 0o755);

// Chunks of earlier builds go, but not at once: a process that runs from them may still load one.
const AN_HOUR = 3_600_000;
const made = new Set(results.flatMap(({ metafile }) => Object.keys(metafile.outputs).map((file) => resolve(root, file))));
for (const name of await readdir(join(outdir, 'chunks')).catch(() => [])) {
  const file = join(outdir, 'chunks', name);
  if (!made.has(file) && Date.now() - (await stat(file)).mtimeMs > AN_HOUR) await rm(file);
}
