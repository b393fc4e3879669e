import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { checkChain } from '../../src/domain/chain.ts';
import { canonicalJson, type TimelineEvent } from '../../src/domain/timeline.ts';
import { Bin } from '../helpers/bin.ts';
import { declare, makeDesk, mitigated, note } from './desk.ts';

const bin = new Bin();
afterEach(() => bin.empty());

async function withIncident() {
  const desk = await makeDesk(bin);
  const store = await desk.store();
  const id = await declare(store, { title: 'Analysis fails at scale', ago: 30 });
  for (let i = 0; i < 30; i++) await store.append(id, () => [note(`observation ${i}`)]);
  await store.append(id, () => [mitigated(10)]);
  return { desk, store, id };
}

const files = async (folder: string): Promise<string[]> => (await readdir(folder, { recursive: true })).sort();

describe('export', () => {
  it('gives the whole incident as JSON, with a chain that others can check', async () => {
    const { desk, store, id } = await withIncident();
    const said = await desk.run(['export', id]);
    expect(said.code).toBe(0);
    const document = JSON.parse(said.stdout) as { timeline: TimelineEvent[] } & Record<string, unknown>;
    expect(document).toMatchObject({
      incident: { id, title: 'Analysis fails at scale', status: 'mitigated' },
      clock: { first_response: { state: expect.any(String) } },
      metrics: { time_to_mitigate: { ms: 30 * 60_000 } },
      head: await store.head(id),
      approvals: [],
    });
    expect(document.timeline).toHaveLength(32);
    const key = Buffer.from((await readFile(join(desk.folder, 'record.key'), 'utf8')).trim(), 'base64url');
    expect(checkChain(document.timeline.map(canonicalJson), key, await store.head(id))).toEqual([]);
  });

  it('gives the post-mortem as it was written, else one made now, and writes nothing', async () => {
    const { desk, store, id } = await withIncident();
    const before = await files(desk.data);
    const made = await desk.run(['export', id, '--format', 'markdown']);
    expect(made.code).toBe(0);
    expect(made.stdout).toContain(`# Post-mortem of ${id}: Analysis fails at scale`);
    expect(await files(desk.data)).toEqual(before);
    expect((await store.head(id)).seq).toBe(32);
    await store.writeDocument(id, 'postmortem.md', '# As a human left it\n');
    expect((await desk.run(['export', id, '--format', 'markdown'])).stdout).toBe('# As a human left it\n');
  });

  it('says NOT_FOUND for an incident that is not there', async () => {
    const { desk } = await withIncident();
    for (const id of ['INC-0099', '../../etc', 'x'.repeat(5_000)]) {
      const said = await desk.run(['export', id]);
      expect(said).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^NOT_FOUND: .+ Next: /s) });
      expect(said.stderr.length).toBeLessThan(400);
    }
    const empty = await makeDesk(bin);
    expect((await empty.run(['export', 'INC-0001'])).code).toBe(1);
    expect(existsSync(empty.data)).toBe(false);
  });

  it.each([
    [['export']],
    [['export', 'INC-0001', '--format', 'pdf']],
    [['export', 'INC-0001', '--config', 'nowhere.yaml']],
  ])('exits 2 for %j', async (argv) => {
    const said = await (await makeDesk(bin)).run(argv);
    expect(said).toMatchObject({ code: 2, stdout: '' });
    expect(said.stderr).not.toBe('');
  });
});
