// Bundles the command and the sandbox: `node scripts/build.mjs [OUTDIR]`, default dist. docs/decisions.md says why it has this shape.
//   cli.js              runs the program beside it from V8's code cache
//   program-<hash>.cjs  the whole command in one file
//   cache/              the code cache of that program for this very Node
//   vendor/             libraries that only some calls need, so that a start does not read them
//   page/               what a browser gets from the approval page
//   card.html           what a chat client shows beside a plan or an incident
//   sandbox.js          the simulated platform
import { spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { cardHtml, withoutNode } from './bundle/card.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = resolve(process.argv[2] ?? join(root, 'dist'));
const fresh = join(outdir, `.new-${process.pid}`);
const WARM_MS = 20_000;
const AN_HOUR = 3_600_000;

/** Specifier in our code -> file in vendor/ and what that exports. The two parts of the client share one copy of their classes. */
const CLIENT = '@modelcontextprotocol/client';
const VENDOR = {
  '@kubernetes/client-node/dist/config.js': ['kubeconfig', ['@kubernetes/client-node/dist/config.js']],
  execa: ['execa', ['execa']],
  [CLIENT]: ['mcp-client', [CLIENT, `${CLIENT}/stdio`]],
  [`${CLIENT}/stdio`]: ['mcp-client', []],
  '@simplewebauthn/server': ['webauthn', ['@simplewebauthn/server']],
};
const PAGE = 'src/page/client';
const PAGE_FILES = ['index.html', 'app.css', 'icon.svg'];

// What a start need not read. The SDK's JSON Schema validator checks what clients answer to forms: the smaller of the two that it ships
// does that as well. zod brings its messages in fifty languages: English is the one that is used.
const lean = {
  name: 'lean',
  setup(builder) {
    builder.onResolve({ filter: /^@modelcontextprotocol\/server\/_shims$/ }, () => ({
      path: 'shims',
      namespace: 'lean',
    }));
    builder.onLoad({ filter: /^shims$/, namespace: 'lean' }, () => ({
      contents:
        "export { CfWorkerJsonSchemaValidator as DefaultJsonSchemaValidator } from '@modelcontextprotocol/server/validators/cf-worker'; export { default as process } from 'node:process';",
      resolveDir: root,
    }));
    builder.onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      resolveDir: join(root, 'node_modules/zod/v4/locales'),
    }));
  },
};

const vendor = {
  name: 'vendor',
  setup(builder) {
    builder.onResolve({ filter: /^[@a-z]/ }, ({ path, importer }) => {
      const file = importer.includes('node_modules') ? undefined : VENDOR[path]?.[0];
      return file === undefined ? undefined : { path: `./vendor/${file}.cjs`, external: true };
    });
  },
};

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
};
const esm = { ...common, format: 'esm' };
// One CommonJS file is the form whose code cache Node 20 can use; dynamic imports become parts of it that run when they are asked for.
const cjs = { ...common, format: 'cjs', outExtension: { '.js': '.cjs' }, supported: { 'dynamic-import': false } };

await mkdir(fresh, { recursive: true });
try {
  const [command] = await Promise.all([
    build({
      ...cjs,
      entryPoints: { program: 'src/cli/main.ts' },
      // A changed program has another name, so that no code cache can meet a program that it was not made from.
      entryNames: '[name]-[hash]',
      outdir: fresh,
      plugins: [lean, vendor],
      define: { 'import.meta.url': '__self' },
      // The launcher calls this function, as Node's own loader does with its wrapper.
      banner: { js: "(function(require,__filename){const __self=require('node:url').pathToFileURL(__filename).href;" },
      footer: { js: '})' },
    }),
    build({
      ...esm,
      entryPoints: { sandbox: 'src/sandbox/main.ts' },
      outdir: fresh,
      // CommonJS dependencies inside an ES module bundle ask for `require`.
      banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    }),
    build({
      ...esm,
      entryPoints: { app: 'src/page/client/main.ts' },
      outdir: join(fresh, 'page'),
      platform: 'browser',
      format: 'iife',
      target: 'es2022',
    }).then(() => Promise.all(PAGE_FILES.map((file) => copyFile(join(root, PAGE, file), join(fresh, 'page', file))))),
    build({
      ...esm,
      entryPoints: ['src/card/main.ts'],
      write: false,
      platform: 'browser',
      format: 'iife',
      target: 'es2022',
      plugins: [withoutNode],
    }).then(async ({ outputFiles: [{ text }] }) => writeFile(join(fresh, 'card.html'), await cardHtml(root, text))),
    ...Object.values(VENDOR)
      .filter(([, specifiers]) => specifiers.length > 0)
      .map(([file, specifiers]) => {
        const contents = specifiers.map((specifier) => `export * from '${specifier}';`).join('\n');
        return build({ ...cjs, stdin: { contents, resolveDir: root }, outfile: join(fresh, 'vendor', `${file}.cjs`) });
      }),
  ]);
  const program = basename(Object.keys(command.metafile.outputs)[0]);
  await build({
    ...esm,
    entryPoints: { cli: 'scripts/bundle/launcher.mjs' },
    outdir: fresh,
    define: { PROGRAM: JSON.stringify(program) },
  });
  await chmod(join(fresh, 'cli.js'), 0o755);
  // File by file and the launcher last: whoever starts the command meanwhile gets the old one or the new one, whole.
  for (const file of [
    'vendor/execa.cjs',
    'vendor/kubeconfig.cjs',
    'vendor/mcp-client.cjs',
    'vendor/webauthn.cjs',
    'card.html',
    'page/app.js',
    ...PAGE_FILES.map((file) => `page/${file}`),
    'sandbox.js',
    program,
    'cli.js',
  ]) {
    await mkdir(dirname(join(outdir, file)), { recursive: true });
    await rename(join(fresh, file), join(outdir, file));
  }
  await warm(join(outdir, program));
  await tidy(program);
} finally {
  await rm(fresh, { recursive: true, force: true });
}

/** Without its cache the command works too, some 40 ms later; so a failure here is told and no more. */
function warm(program) {
  return new Promise((done) => {
    const child = spawn(process.execPath, [join(root, 'scripts/bundle/warm.mjs'), program], { stdio: 'inherit' });
    const hard = setTimeout(() => child.kill('SIGKILL'), WARM_MS);
    child.once('exit', (code) => {
      clearTimeout(hard);
      if (code !== 0) process.stderr.write('no code cache was written: the command starts a little slower\n');
      done();
    });
  });
}

/** Programs of earlier builds go, but not at once: a launcher that was read before may still look for its own. */
async function tidy(program) {
  const present = program.replace('.cjs', '');
  for (const folder of [outdir, join(outdir, 'cache')]) {
    for (const name of await readdir(folder).catch(() => [])) {
      const file = join(folder, name);
      if (!name.startsWith('program-') || name.startsWith(present)) continue;
      if (Date.now() - (await stat(file)).mtimeMs > AN_HOUR) await rm(file, { force: true });
    }
  }
}
