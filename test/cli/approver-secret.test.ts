import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkSecret, hashSecret } from '../../src/cli/approver-secret.ts';
import { Bin } from '../helpers/bin.ts';

const bin = new Bin();
afterAll(() => bin.empty());

async function file(text: string): Promise<string> {
  const path = join(await bin.folder(), 'approver.hash');
  await writeFile(path, text);
  return path;
}

const SALT = 'c2FsdHNhbHRzYWx0c2E';
const HASH = 'a'.repeat(43);

describe('the approver’s secret', () => {
  it('is kept as a salted scrypt hash that another run cannot be compared with', async () => {
    const [one, two] = await Promise.all([hashSecret('correct horse'), hashSecret('correct horse')]);
    expect(one).toMatch(/^scrypt\$65536\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
    expect(one).not.toBe(two);
    expect(one).not.toContain('correct');
  });

  it('is accepted, and nothing else is', async () => {
    const path = await file(`${await hashSecret('correct horse')}\n`);
    const tried = ['correct horse', 'correct hors', 'correct horse ', 'Correct horse', '', 'x'.repeat(10_000)];
    const results = await Promise.all(tried.map((secret) => checkSecret(secret, path)));
    expect(results).toEqual([true, false, false, false, false, false]);
  });

  it('is the same however its letters were composed', async () => {
    const path = await file(await hashSecret('Zu\u0308rich'));
    expect(await checkSecret('Z\u00fcrich', path)).toBe(true);
  });

  it('lets nobody in when none is set', async () => {
    const nowhere = join(await bin.folder(), 'none');
    await expect(checkSecret('', nowhere)).rejects.toMatchObject({ code: 'NOT_CONFIGURED' });
  });

  it.each([
    ['empty', ''],
    ['plain text', 'correct horse'],
    ['another form', '$argon2id$v=19$m=65536$abc$def'],
    ['no hash', `scrypt$65536$8$1$${SALT}$`],
    ['a short hash, which a guess would meet', `scrypt$65536$8$1$${SALT}$AA`],
    ['a cost that would fill the memory', `scrypt$67108864$8$1$${SALT}$${HASH}`],
    ['a block size that would fill the memory', `scrypt$65536$999$1$${SALT}$${HASH}`],
    ['two lines', `scrypt$65536$8$1$${SALT}$${HASH}\nscrypt$65536$8$1$${SALT}$${HASH}`],
  ])('lets nobody in when the file is damaged: %s', async (_name, text) => {
    await expect(checkSecret('correct horse', await file(text))).rejects.toMatchObject({ code: 'NOT_CONFIGURED' });
  });

  it.each([
    ['a cost of zero', `scrypt$0$8$1$${SALT}$${HASH}`],
    ['a cost that is no power of two', `scrypt$3000$8$1$${SALT}$${HASH}`],
    ['a cost that makes guessing cheap', `scrypt$2$1$1$${SALT}$${HASH}`],
  ])('lets nobody in by %s', async (_name, text) => {
    await expect(checkSecret('correct horse', await file(text))).rejects.toMatchObject({ code: 'NOT_CONFIGURED' });
  });
});
