import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  approverSecrets,
  checkSecret,
  hashSecret,
  MOST_SECRETS,
  secretId,
  whichSecret,
} from '../../src/cli/approver-secret.ts';
import { Bin } from '../helpers/bin.ts';
import { tell } from '../helpers/suite-report.ts';
import { cheapHash } from './desk.ts';

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

describe('secrets of several people', () => {
  it('say whose they are; one without a name is shared', async () => {
    const path = await file(
      `\uFEFFAda Lovelace ${cheapHash('ada secret')}\r\n\n  ${cheapHash('shared secret')}  \nGrace\t${cheapHash('grace secret')}`,
    );
    expect((await approverSecrets(path)).map(({ person }) => person)).toEqual(['Ada Lovelace', null, 'Grace']);
    expect((await whichSecret('ada secret', path))?.person).toBe('Ada Lovelace');
    expect((await whichSecret('grace secret', path))?.person).toBe('Grace');
    expect(await whichSecret('shared secret', path)).toMatchObject({ person: null });
    expect(await whichSecret('Ada Lovelace', path)).toBeNull();
  });

  it('have ids that stay the same in another order and beside other lines', async () => {
    const [ada, grace, bob] = ['Ada', 'Grace', 'Bob'].map((name) => `${name} ${cheapHash(`${name} secret`)}`);
    const one = await secretId(await file(`${ada}\n${grace}\n`));
    expect(await secretId(await file(`${grace}\r\n${ada}`))).toBe(one);
    const more = await secretId(await file(`${bob}\n${ada}\n${grace}`));
    for (const id of one?.split(',') ?? []) expect(more?.split(',')).toContain(id);
    expect(one).toMatch(/^[0-9a-f]{64},[0-9a-f]{64}$/);
    // Whose a secret is belongs to it.
    expect(await secretId(await file(`${ada?.replace('Ada', 'Eve')}\n${grace}`))).not.toBe(one);
    expect(await secretId(await file('damaged'))).toBeNull();
  });

  it('that are the same do not say who it is, so nobody gets in by them', async () => {
    const path = await file(
      `Ada ${cheapHash('one and the same')}\nGrace ${cheapHash('one and the same')}\nBob ${cheapHash('other')}`,
    );
    await expect(whichSecret('one and the same', path)).rejects.toMatchObject({ code: 'NOT_CONFIGURED' });
    expect((await whichSecret('other', path))?.person).toBe('Bob');
  });

  const line = `scrypt$65536$8$1$${SALT}$${HASH}`;
  it.each([
    ['two lines of one person', `Ada ${line}\nada  ${line}`, 2],
    ['two that differ by what is not drawn', `Ada ${line}\nA\u3164da ${line}`, 2],
    ['a name alone', `Ada ${line}\nGrace\n`, 2],
    ['a name of nothing that is drawn', `\u3164 ${line}`, 1],
    ['a hash in a name', `scrypt$x ${line}`, 1],
    ['a name behind the hash', `${line} Ada`, 1],
    ['a name that is too long', `${'a'.repeat(101)} ${line}`, 1],
    ['more people than are tried', Array.from({ length: 11 }, (_, i) => `P${i} ${line}`).join('\n'), 11],
  ])('let nobody in by a damaged file, which is told with its line: %s', async (_what, text, at) => {
    const path = await file(text);
    await expect(whichSecret('anything', path)).rejects.toMatchObject({
      code: 'NOT_CONFIGURED',
      message: expect.stringContaining(`line ${at}:`),
    });
    expect(await secretId(path)).toBeNull();
  });

  it(`of ${MOST_SECRETS} people cost no more than as many single ones`, { timeout: 60_000 }, async () => {
    const hashes = await Promise.all(Array.from({ length: MOST_SECRETS }, (_, i) => hashSecret(`secret number ${i}`)));
    const path = await file(hashes.map((hash, i) => `Person ${i} ${hash}`).join('\n'));
    const one = await file(hashes[0] as string);
    const timed = async (work: () => Promise<unknown>): Promise<number> => {
      const began = performance.now();
      await work();
      return performance.now() - began;
    };
    const singles = await timed(async () => {
      for (let i = 0; i < MOST_SECRETS; i++) await whichSecret('wrong', one);
    });
    const all = await timed(() => whichSecret('wrong', path));
    tell('people with secrets', {
      what: `a secret is tried against the lines of ${MOST_SECRETS} people`,
      tried: 1,
      held: all < 1.5 * singles ? 1 : 0,
      note: `one line ${Math.round(singles / MOST_SECRETS)} ms, ${MOST_SECRETS} lines ${Math.round(all)} ms`,
    });
    expect(all).toBeLessThan(1.5 * singles);
  });
});
