import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { recordKey } from '../../src/cli/record-key.ts';
import { Bin } from '../helpers/bin.ts';
import { run } from '../helpers/process.ts';

const bin = new Bin();
afterAll(() => bin.empty());

describe('the key of the record', () => {
  it('is 32 random bytes, made once, readable by its owner alone', async () => {
    const dir = await bin.folder();
    const file = join(dir, 'private', 'record.key');
    const key = recordKey(file);
    expect(key).toHaveLength(32);
    expect(recordKey(file)).toEqual(key);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(dir, 'private'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(dir, 'private'))).toEqual(['record.key']);
    expect(recordKey(join(dir, 'other.key'))).not.toEqual(key);
  });

  it('is one and the same for processes that make it at once', async () => {
    const dir = await bin.folder();
    const program = join(dir, 'make-key.mjs');
    await build({
      stdin: {
        contents: `
          import { recordKey } from './src/cli/record-key.ts';
          while (Date.now() < Number(process.argv[3])) {}
          process.stdout.write(Buffer.from(recordKey(process.argv[2])).toString('hex'));
        `,
        resolveDir: fileURLToPath(new URL('../../', import.meta.url)),
        loader: 'ts',
      },
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
    });
    const file = join(dir, 'private', 'record.key');
    // All wait for the same instant, so that none is done before the next one begins.
    const start = String(Date.now() + 700);
    const said = await Promise.all([1, 2, 3, 4].map(() => run(process.execPath, [program, file, start])));
    expect(said.map(({ code, stderr }) => ({ code, stderr }))).toEqual(Array(4).fill({ code: 0, stderr: '' }));
    expect(new Set(said.map(({ stdout }) => stdout)).size).toBe(1);
    expect(said[0]?.stdout).toBe(Buffer.from(recordKey(file)).toString('hex'));
    expect(await readdir(join(dir, 'private'))).toEqual(['record.key']);
  });

  it.each(['', 'short', '!!!'])('is never replaced when it is damaged: %j', async (text) => {
    const file = join(await bin.folder(), 'record.key');
    await writeFile(file, text);
    expect(() => recordKey(file)).toThrowError(expect.objectContaining({ code: 'STORE' }));
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it('says what to do when its place cannot be used', async () => {
    const dir = await bin.folder();
    await writeFile(join(dir, 'file'), '');
    expect(() => recordKey(join(dir, 'file', 'record.key'))).toThrowError(expect.objectContaining({ code: 'STORE' }));
    await mkdir(join(dir, 'record.key'));
    await chmod(join(dir, 'record.key'), 0o700);
    expect(() => recordKey(join(dir, 'record.key'))).toThrowError(expect.objectContaining({ code: 'STORE' }));
  });
});
