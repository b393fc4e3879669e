import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { approverSecrets, whichSecret } from '../../src/cli/approver-secret.ts';
import type { Approval } from '../../src/domain/approval.ts';
import { JOURNAL } from '../../src/ports/store.ts';
import { approval, plan } from '../domain/builders.ts';
import { Bin } from '../helpers/bin.ts';
import type { Said } from '../helpers/process.ts';
import { atTerminal, hasTerminal } from './at-terminal.ts';
import { cheapHash, type Desk, declare, makeDesk, SECRET } from './desk.ts';

const bin = new Bin();
afterEach(() => bin.empty());

const ADA = "Ada's own secret";
const GRACE = "Grace's own secret";
const hashFile = (desk: Desk): string => join(desk.folder, 'approver.hash');

/** Sets a secret without a terminal: the new one on the first line, the present one on the second. */
const set = (desk: Desk, person: string | null, secret: string, present = ''): Promise<Said> =>
  desk.run(
    ['init', '--secret-only', '--secret-stdin', ...(person === null ? [] : ['--approver', person])],
    `${secret}\n${present}\n`,
  );

/** A machine where Ada and Grace have secrets of their own, beside the shared one. */
async function office(): Promise<Desk> {
  const desk = await makeDesk(bin);
  await writeFile(join(desk.folder, 'config.yaml'), 'environments: { prod: {} }\n');
  const lines = [`Ada ${cheapHash(ADA)}`, cheapHash(SECRET), `Grace ${cheapHash(GRACE)}`];
  await writeFile(hashFile(desk), `${lines.join('\n')}\n`, { mode: 0o600 });
  return desk;
}

const idsOf = async (desk: Desk): Promise<string> =>
  (await approverSecrets(hashFile(desk))).map(({ id }) => id).join(',');

/** A plan that waits, as a server of this machine would have made it. */
async function waiting(desk: Desk, over: Partial<Approval> = {}): Promise<{ id: string; now(): Promise<Approval> }> {
  const store = await desk.store();
  const expires = new Date(Date.now() + 600_000).toISOString();
  const made = approval({
    incident_id: null,
    plan: plan({ expires_at: expires }),
    created_at: new Date().toISOString(),
    expires_at: expires,
    ways: ['terminal'],
    secret_id: await idsOf(desk),
    ...over,
  });
  await store.createApproval(made);
  return { id: made.approval_id, now: async () => (await store.approval(made.approval_id)) as Approval };
}

const decide = (desk: Desk, secret: string, ...argv: string[]): Promise<Said> =>
  desk.run(['approve', 'APR-7K2M9Q4XBT', '--secret-stdin', ...argv], `${secret}\n`);

describe('init --approver', () => {
  it('gives people secrets of their own, each kept as a line of the file', { timeout: 60_000 }, async () => {
    const desk = await makeDesk(bin);
    // The first one needs nobody's.
    expect(await desk.run(['init', '--secret-stdin', '--approver', ' Ada '], `${ADA}\n`)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The secret of Ada is set'),
    });
    expect((await set(desk, 'Grace', GRACE, ADA)).code).toBe(0);
    // A shared one too, by whoever may approve.
    expect((await set(desk, null, SECRET, GRACE)).code).toBe(0);
    const people = (await approverSecrets(hashFile(desk))).map(({ person }) => person);
    expect(people).toEqual(['Ada', 'Grace', null]);
    expect((await whichSecret(GRACE, hashFile(desk)))?.person).toBe('Grace');
    expect(await readFile(hashFile(desk), 'utf8')).not.toMatch(/own secret|battery/);
    // Who may approve from now on is part of the record.
    const journal = (await (await desk.store()).timeline(JOURNAL)).map(({ message }) => message);
    expect(journal).toEqual([
      'approvers: the secret of Grace was set, allowed by Ada',
      "approvers: the approver's secret was set, allowed by Grace",
    ]);
  });

  it('replaces a secret by whose it is, and by nobody else', { timeout: 60_000 }, async () => {
    const desk = await office();
    const before = await approverSecrets(hashFile(desk));
    for (const present of [SECRET, GRACE, 'a wrong one', ''])
      expect(await set(desk, 'ADA', 'mine from now on', present), present).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^FORBIDDEN: .*nothing was written/),
      });
    expect(await set(desk, null, 'mine from now on', ADA)).toMatchObject({ code: 1 });
    expect(await approverSecrets(hashFile(desk))).toEqual(before);
    expect((await set(desk, 'Ada', 'a new one for Ada', ADA)).code).toBe(0);
    const after = await approverSecrets(hashFile(desk));
    expect(after.map(({ person }) => person)).toEqual(['Ada', null, 'Grace']);
    expect(after.map(({ id }, i) => id === before[i]?.id)).toEqual([false, true, true]);
    // Saying it again changes nothing.
    expect((await set(desk, 'Ada', 'a new one for Ada')).code).toBe(0);
    expect(await approverSecrets(hashFile(desk))).toEqual(after);
  });

  it('adds nobody without an approver, nobody with a secret that is taken, and counts guesses', {
    timeout: 60_000,
  }, async () => {
    const desk = await office();
    const before = await readFile(hashFile(desk), 'utf8');
    for (const present of ['', 'a wrong guess'])
      expect((await set(desk, 'Mallory', 'mine mine mine', present)).code).toBe(1);
    expect(await set(desk, 'Bob', GRACE, ADA)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot be taken'),
    });
    for (let i = 0; i < 5; i++) await set(desk, 'Mallory', 'mine mine mine', 'another guess');
    expect(await set(desk, 'Bob', "Bob's own secret", ADA)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('locked'),
    });
    expect(await readFile(hashFile(desk), 'utf8')).toBe(before);
  });

  it('leaves a file alone in which one line of several is damaged', async () => {
    const desk = await office();
    const damaged = `${await readFile(hashFile(desk), 'utf8')}Bob what\n`;
    await writeFile(hashFile(desk), damaged);
    expect(await set(desk, 'Mallory', 'mine mine mine')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^NOT_CONFIGURED: .*line 4/),
    });
    expect(await readFile(hashFile(desk), 'utf8')).toBe(damaged);
  });

  it.each([
    ['nothing that is drawn', '\u200b'],
    ['a hash', 'scrypt$16384'],
    ['a name of 101 letters', 'a'.repeat(101)],
  ])('takes no %s for a name', async (_what, name) => {
    const desk = await makeDesk(bin);
    expect(await desk.run(['init', '--secret-stdin', '--approver', name], `${ADA}\n`)).toMatchObject({ code: 2 });
  });

  it('wants a secret for the name', async () => {
    const desk = await makeDesk(bin);
    expect(await desk.run(['init', '--approver', 'Ada'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no secret for Ada'),
    });
  });

  it.skipIf(!hasTerminal)('asks at a terminal, and shows no secret', async () => {
    const desk = await office();
    const { code, shown } = await atTerminal(
      desk,
      ['init', '--secret-only', '--approver', 'Bob'],
      [
        ['Secret of Bob', "Bob's own secret"],
        ['Once more', "Bob's own secret"],
        ['The present secret of any approver', GRACE],
        ['Enrol one now in a browser?', 'no'],
      ],
    );
    expect(code, shown).toBe(0);
    expect(shown).not.toMatch(/own secret/);
    expect((await whichSecret("Bob's own secret", hashFile(desk)))?.person).toBe('Bob');
  });
});

describe('approving at a terminal', () => {
  it('a secret of one’s own says who it is', async () => {
    const desk = await office();
    const { now } = await waiting(desk);
    expect(await decide(desk, ADA)).toMatchObject({ code: 0, stdout: expect.stringContaining('approved by Ada') });
    expect((await now()).decisions).toMatchObject([{ approver: 'Ada', way: 'terminal', name_proven: true }]);
    const [event] = await (await desk.store()).timeline(JOURNAL);
    expect(event).toMatchObject({
      actor: { type: 'human', name: 'Ada' },
      message: expect.stringContaining('with a secret of their own'),
      data: { way: 'terminal', name_proven: true },
    });
  });

  it.each([
    ['another’s name with a secret of one’s own', ADA, 'Grace', /this secret is not that of Grace/],
    ['the name of somebody who has one, with the shared secret', SECRET, 'grace', /Grace has a secret of their own/],
    ['that name in disguise', SECRET, 'G\u200brace', /Grace has a secret of their own/],
  ])('refuses %s', async (_what, secret, name, expected) => {
    const desk = await office();
    const { now } = await waiting(desk);
    expect(await decide(desk, secret, '--approver', name)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^FORBIDDEN: /),
    });
    expect((await decide(desk, secret, '--approver', name)).stderr).toMatch(expected);
    expect(await now()).toMatchObject({ status: 'pending', decisions: [] });
  });

  it('takes a typed name with the shared secret, and says so in the record', async () => {
    const desk = await office();
    const { now } = await waiting(desk);
    expect((await decide(desk, SECRET, '--approver', 'Bob')).code).toBe(0);
    expect((await now()).decisions).toMatchObject([{ approver: 'Bob', name_proven: false }]);
  });

  it('two people, neither the one whose assistant asked, with names that are proven', { timeout: 60_000 }, async () => {
    const desk = await office();
    await writeFile(
      hashFile(desk),
      `${await readFile(hashFile(desk), 'utf8')}Olga ${cheapHash('Olga the operator')}\n`,
    );
    const { now } = await waiting(desk, {
      approvers_needed: 2,
      exclude_requester: true,
      proven_names: true,
      requested_for: 'olga',
      secret_id: await idsOf(desk),
    });
    const first = await decide(desk, 'Olga the operator');
    expect(first.stdout).toMatch(
      /^Approvers: {4}2 different people must approve; olga, whose assistant asked, may not;/m,
    );
    expect(first).toMatchObject({ code: 1, stderr: expect.stringMatching(/^FORBIDDEN: olga asked for/) });
    expect(await decide(desk, SECRET, '--approver', 'Bob')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^FORBIDDEN: .*a typed name does not count/),
    });
    expect(await decide(desk, ADA)).toMatchObject({ code: 0, stdout: expect.stringContaining('1 more must approve') });
    expect(await decide(desk, ADA)).toMatchObject({ code: 1, stderr: expect.stringMatching(/^CONFLICT: /) });
    expect((await now()).status).toBe('pending');
    expect((await decide(desk, GRACE)).code).toBe(0);
    expect((await now()).status).toBe('approved');
  });

  it('adding a person neither spoils a pending plan nor lets that person decide it', { timeout: 60_000 }, async () => {
    const desk = await office();
    const { now } = await waiting(desk);
    expect((await set(desk, 'Mallory', 'mine mine mine', SECRET)).code).toBe(0);
    expect(await decide(desk, 'mine mine mine')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^FORBIDDEN: .*did not know this approver's secret/),
    });
    // A file with the right lines and one's own is no better.
    expect((await now()).decisions).toEqual([]);
    expect((await decide(desk, GRACE)).code).toBe(0);
    expect((await now()).status).toBe('approved');
  });

  it('a secret that was replaced meanwhile, or set where there was none, decides no pending plan', {
    timeout: 60_000,
  }, async () => {
    const desk = await office();
    const { now } = await waiting(desk);
    expect((await set(desk, 'Ada', 'a new one for Ada', ADA)).code).toBe(0);
    expect((await decide(desk, 'a new one for Ada')).code).toBe(1);
    const other = await office();
    const bare = await waiting(other, { secret_id: null });
    expect(await decide(other, ADA)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no approver's secret was set when"),
    });
    for (const one of [await now(), await bare.now()]) expect(one).toMatchObject({ status: 'pending', decisions: [] });
  });

  it.skipIf(!hasTerminal)('asks for a name only where the secret does not say it', async () => {
    const desk = await office();
    const { now } = await waiting(desk);
    const { code, shown } = await atTerminal(desk, ['approve', 'APR-7K2M9Q4XBT'], [["Approver's secret", GRACE]]);
    expect(code, shown).toBe(0);
    expect(shown).not.toContain('Your name');
    expect((await now()).decisions[0]?.approver).toBe('Grace');
  });
});

describe('other commands', () => {
  it('ack knows who has the incident, and takes only secrets that its server knew', { timeout: 60_000 }, async () => {
    const desk = await office();
    const store = await desk.store();
    const id = await declare(store);
    const ack = (secret: string, ...argv: string[]) => desk.run(['ack', '--secret-stdin', ...argv], `${secret}\n`);
    expect((await ack(ADA, '--person', 'Grace')).code).toBe(1);
    expect((await ack(ADA)).code).toBe(0);
    expect((await store.incident(id))?.first_response).toMatchObject({ by: 'Ada', known_by: 'terminal' });
  });

  it('passkey add enrols in the name of whose secret it is', async () => {
    const desk = await office();
    for (const [secret, person] of [
      [ADA, 'Grace'],
      [SECRET, 'Grace'],
    ] as const)
      expect(await desk.run(['passkey', 'add', '--person', person, '--secret-stdin'], `${secret}\n`)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^FORBIDDEN: /),
      });
  });
});
