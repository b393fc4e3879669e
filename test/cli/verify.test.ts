import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { type Desk, declare, makeDesk, note } from './desk.ts';

const bin = new Bin();
afterEach(() => bin.empty());

async function withRecord(): Promise<Desk> {
  const desk = await makeDesk(bin);
  const store = await desk.store();
  for (const title of ['first', 'second']) {
    const id = await declare(store, { title });
    await store.append(id, () => [note('one'), note('two')]);
  }
  return desk;
}

const timeline = (desk: Desk, id: string): string => join(desk.data, 'incidents', id, 'timeline.jsonl');

describe('verify', () => {
  it('finds nothing wrong with an empty record, and makes no key for it', async () => {
    const desk = await makeDesk(bin);
    const said = await desk.run(['verify']);
    expect(said).toMatchObject({ code: 0, stdout: expect.stringContaining('0 streams, 0 events') });
    expect(existsSync(join(desk.folder, 'record.key'))).toBe(false);
    expect(existsSync(desk.data)).toBe(false);
  });

  it('counts streams and events of a good record', async () => {
    const desk = await withRecord();
    expect(await desk.run(['verify'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('2 streams, 6 events'),
    });
    const one = await desk.run(['verify', 'INC-0002', '--json']);
    expect(one.code).toBe(0);
    expect(JSON.parse(one.stdout)).toMatchObject({ intact: true, streams: 1, events: 3, problems: [] });
  });

  it.each([
    ['a changed word', (text: string) => text.replace('"one"', '"ONE"'), /INC-0001 E2 line 2: altered/],
    [
      'a line taken out',
      (text: string) =>
        text
          .split('\n')
          .filter((_l, i) => i !== 1)
          .join('\n'),
      /E3 line 2: removed/,
    ],
    ['a cut end', (text: string) => `${text.split('\n').slice(0, 2).join('\n')}\n`, /E3: truncated/],
  ])('names %s, and exits 1', async (_what, change, expected) => {
    const desk = await withRecord();
    const path = timeline(desk, 'INC-0001');
    await writeFile(path, change(await readFile(path, 'utf8')));
    const said = await desk.run(['verify']);
    expect(said.code).toBe(1);
    expect(said.stdout).toMatch(expected);
    expect((await desk.run(['verify', 'INC-0001'])).code).toBe(1);
    expect((await desk.run(['verify', 'INC-0002'])).code).toBe(0);
  });

  it('says NOT_FOUND for an incident that is not there', async () => {
    for (const desk of [await makeDesk(bin), await withRecord()]) {
      const said = await desk.run(['verify', 'INC-0099']);
      expect(said).toMatchObject({ code: 1, stderr: expect.stringMatching(/^NOT_FOUND: .*INC-0099.* Next: /s) });
    }
  });

  it('tells a missing key from a broken chain, and makes no new one', async () => {
    const desk = await withRecord();
    const key = join(desk.folder, 'record.key');
    await rm(key);
    const said = await desk.run(['verify']);
    expect(said).toMatchObject({ code: 1, stderr: expect.stringMatching(/^STORE: .*key.* is missing/) });
    expect(existsSync(key)).toBe(false);
  });

  it('has help, and exit 2 for wrong usage', async () => {
    const desk = await makeDesk(bin);
    expect(await desk.run(['verify', '--help'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('incident-mcp verify [INCIDENT]'),
    });
    expect((await desk.run(['verify', 'INC-0001', 'INC-0002'])).code).toBe(2);
    expect((await desk.run(['verify', '--what'])).code).toBe(2);
  });
});
