import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Where the code cache of a program lies for the Node that runs. V8 compares version and flags by itself; the size of the binary keeps
 * apart builds of one version by different makers.
 */
export function cacheFile(program) {
  const node = `${process.version}-${process.platform}-${process.arch}-${statSync(process.execPath).size}`;
  return join(dirname(program), 'cache', `${basename(program, '.cjs')}-${node}.bin`);
}
