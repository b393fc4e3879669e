import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { TESTED } from '../helpers/dist.ts';
import { run } from '../helpers/process.ts';

const CACHE_FILE = fileURLToPath(new URL('../../scripts/bundle/cache-file.mjs', import.meta.url));

it('the code cache of the build is one that V8 takes at a start, or every start costs some 45 ms more', async () => {
  const dist = dirname(TESTED.cli);
  const programs = readdirSync(dist).filter((name) => /^program-.*\.cjs$/.test(name));
  expect(programs.length).toBeGreaterThan(0);
  const look = `
    import { existsSync, readFileSync } from 'node:fs';
    import { Script } from 'node:vm';
    import { cacheFile } from ${JSON.stringify(CACHE_FILE)};
    const taken = ${JSON.stringify(programs.map((name) => join(dist, name)))}
      .filter((program) => existsSync(cacheFile(program)))
      .map((program) => new Script(readFileSync(program, 'latin1'), { filename: program, cachedData: readFileSync(cacheFile(program)) }))
      .filter((script) => script.cachedDataRejected === false);
    process.stdout.write(String(taken.length));`;
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', look]);
  expect(stderr).toBe('');
  expect(Number(stdout)).toBeGreaterThan(0);
});
