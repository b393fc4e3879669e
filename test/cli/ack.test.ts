import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { declare, makeDesk, note, SECRET } from './desk.ts';

const bin = new Bin();
afterEach(() => bin.empty());

async function withIncidents(titles: readonly string[]) {
  const desk = await makeDesk(bin);
  await desk.setSecret();
  const store = await desk.store();
  const ids: string[] = [];
  for (const title of titles) ids.push(await declare(store, { title, ago: 3 }));
  const ack = (argv: string[], secret = SECRET) => desk.run(['ack', ...argv, '--secret-stdin'], `${secret}\n`);
  return { desk, store, ids, ack };
}

describe('ack', () => {
  it("writes a human's act that stops the first-response clock, with how it is known", async () => {
    const { store, ack } = await withIncidents(['Analysis fails']);
    const said = await ack(['--person', 'Ada Lovelace']);
    expect(said.code).toBe(0);
    expect(said.stdout).toContain('first response due in');
    expect(said.stdout).toMatch(/E2: Ada Lovelace has it/);
    const [, event] = await store.timeline('INC-0001');
    expect(event).toMatchObject({
      kind: 'acknowledged',
      actor: { type: 'human', name: 'Ada Lovelace' },
      change: { human_response: { by: 'Ada Lovelace', known_by: 'terminal' } },
    });
    const incident = await store.incident('INC-0001');
    expect(incident?.first_response).toMatchObject({ by: 'Ada Lovelace', known_by: 'terminal', event_id: 'E2' });
    expect(incident?.roles.commander).toBeUndefined();
  });

  it('assigns the commander too when asked, and replaces what the assistant only claimed', async () => {
    const { store, ids, ack } = await withIncidents(['Analysis fails']);
    const id = ids[0] as string;
    await store.append(id, () => [
      note('commander: Ada', {
        kind: 'role_assigned',
        change: { role: { role: 'commander', person: 'Ada', known_by: 'claimed_by_assistant' } },
      }),
    ]);
    expect((await ack([id, '--person', 'Ada', '--commander'])).stdout).toMatch(/commander: Ada\b/);
    expect((await store.incident(id))?.roles.commander).toMatchObject({ person: 'Ada', known_by: 'terminal' });
    const head = await store.head(id);
    const again = await ack([id, '--person', 'Ada', '--commander']);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing was written') });
    expect(await store.head(id)).toEqual(head);
    await ack([id, '--person', 'Grace', '--commander']);
    expect((await store.incident(id))?.roles.commander?.person).toBe('Grace');
    expect((await store.incident(id))?.first_response?.by).toBe('Ada');
  });

  it('writes nothing for a wrong secret, none or no hash, and locks after five wrong ones', async () => {
    const { desk, store, ack } = await withIncidents(['Analysis fails']);
    expect(await ack([], '')).toMatchObject({ code: 2, stderr: expect.stringContaining('no secret was given') });
    for (let i = 0; i < 5; i++) {
      expect(await ack([], 'guess')).toMatchObject({ code: 1, stderr: expect.stringMatching(/^FORBIDDEN: .*wrong/) });
    }
    expect(await ack([])).toMatchObject({ code: 1, stderr: expect.stringMatching(/^FORBIDDEN: .*locked/) });
    for (const folder of [desk.data, desk.folder]) await rm(join(folder, 'attempts.jsonl'), { force: true });
    await rm(join(desk.folder, 'approver.hash'));
    expect(await ack([])).toMatchObject({ code: 2, stderr: expect.stringMatching(/^NOT_CONFIGURED: /) });
    expect((await store.head('INC-0001')).seq).toBe(1);
  });

  it('guesses nothing: several open ones, none, a closed one, an unknown one', async () => {
    const { store, ids, ack } = await withIncidents(['first', 'second']);
    const several = await ack([]);
    expect(several).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^CONFLICT: 2 incidents are open.*INC-0001/),
    });
    for (const id of ids)
      await store.append(id, () => [note('no', { kind: 'status_changed', change: { status: 'false_alarm' } })]);
    expect(await ack([])).toMatchObject({ code: 1, stderr: expect.stringMatching(/^NOT_FOUND: no incident is open/) });
    expect(await ack(['INC-0001'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^CONFLICT: .*false_alarm/),
    });
    expect(await ack(['INC-0099'])).toMatchObject({ code: 1, stderr: expect.stringMatching(/^NOT_FOUND: /) });
    const empty = await makeDesk(bin);
    expect((await empty.run(['ack', '--secret-stdin'], 'x\n')).code).toBe(1);
  });

  it('cleans the name and does not ask without a terminal', async () => {
    const { desk, store, ack } = await withIncidents(['Analysis fails']);
    expect(await desk.run(['ack', '--person', 'Ada'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no terminal'),
    });
    await ack(['--person', `Ada\u001b[31m\n${'x'.repeat(500)}`]);
    const by = (await store.incident('INC-0001'))?.first_response?.by ?? '';
    expect(by).toMatch(/^Ada x+/);
    expect(by.length).toBeLessThan(150);
  });
});
