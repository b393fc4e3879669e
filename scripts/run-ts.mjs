// Runs a TypeScript program on a Node that cannot: `node scripts/run-ts.mjs FILE ARGUMENTS...`. Packages stay outside the bundle.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const [file, ...rest] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('usage: node scripts/run-ts.mjs FILE ARGUMENTS...\n');
  process.exit(2);
}
// Below node_modules, so that the bundle finds the packages.
const folder = join(root, 'node_modules', '.cache', 'run-ts');
await mkdir(folder, { recursive: true });
const outfile = join(folder, `${process.pid}.mjs`);
await build({
  entryPoints: [file],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'warning',
});
process.argv = [process.argv[0], file, ...rest];
try {
  await import(pathToFileURL(outfile).href);
} finally {
  await rm(outfile, { force: true });
}
