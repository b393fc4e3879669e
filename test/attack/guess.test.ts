import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { connectRaw } from '../helpers/raw.ts';
import { incidentOf, type Planned, startTarget, type Target } from './target.ts';
import { tellTests, tries } from './tell-tests.ts';

/** The assistant guesses the approver's secret: over the page, at the terminal, one by one and all at once. */

tellTests('attacks: guessed secrets');
const bin = new Bin();
afterAll(() => bin.empty());

const ALLOWED = 5;
const LOCKED = /wrong secrets in a row; locked for/;

let target: Target;
let planned: Planned;
let counts: string[] = [];
beforeAll(async () => {
  target = await startTarget(bin);
  planned = await target.plan();
  counts = [join(target.home.data, 'attempts.jsonl'), join(target.sandbox.dir, 'secrets', 'attempts.jsonl')];
});
// As if the pause were over.
afterEach(() => Promise.all(counts.map((file) => rm(file, { recursive: true, force: true }))));

/** Nobody gets in any more, not even with the right secret, and nothing ran. */
async function shut(): Promise<void> {
  const right = await target.home.decide('approve', planned.id, target.sandbox.secret);
  expect(right.code).toBe(1);
  expect(right.stderr).toMatch(LOCKED);
  const page = await target.page(planned).post('/api/sign-in/secret', { secret: target.sandbox.secret });
  expect(page.status).toBe(403);
  expect(page.json.message).toMatch(LOCKED);
  expect(await target.statusOf(planned.id)).toBe('pending');
  await target.nothingRan(planned.id);
}

describe('guesses', () => {
  test('forty-five at once over the page, the right one among the last: five are looked at', async () => {
    const page = target.page(planned);
    tries(45);
    const said = await Promise.all(
      Array.from({ length: 45 }, (_, i) =>
        page.post('/api/sign-in/secret', { secret: i === 44 ? target.sandbox.secret : `guess ${i}` }),
      ),
    );
    const wrong = said.filter(({ json }) => /is wrong/.test(String(json.message)));
    expect(wrong.length).toBeLessThanOrEqual(ALLOWED);
    // Unless the right one was among the first five, which is luck that guessing has anyway.
    if (said.some(({ status }) => status === 200)) return;
    expect(said.filter(({ json }) => LOCKED.test(String(json.message)))).toHaveLength(45 - wrong.length);
    await shut();
  });

  test('from eight processes and the page mixed, all at once: five are looked at', async () => {
    const page = target.page(planned);
    tries(38);
    const [terminal, web] = await Promise.all([
      Promise.all(Array.from({ length: 8 }, (_, i) => target.home.decide('approve', planned.id, `guess ${i}`))),
      Promise.all(Array.from({ length: 30 }, (_, i) => page.post('/api/sign-in/secret', { secret: `guess ${i}` }))),
    ]);
    const looked =
      terminal.filter(({ stderr }) => /is wrong/.test(stderr)).length +
      web.filter(({ json }) => /is wrong/.test(String(json.message))).length;
    expect(looked).toBeLessThanOrEqual(ALLOWED);
    await shut();
  });

  test('one through each door count together', async () => {
    const incident = await incidentOf(target);
    const page = target.page(planned);
    tries(5);
    expect((await target.home.decide('reject', planned.id, 'guess')).stderr).toMatch(/is wrong/);
    expect((await target.home.command(['run', planned.id, '--secret-stdin'], 'guess\n')).stderr).toMatch(/is wrong/);
    expect((await target.home.command(['ack', incident, '--secret-stdin'], 'guess\n')).stderr).toMatch(/is wrong/);
    expect((await target.home.command(['passkey', 'add', '--secret-stdin'], 'guess\n')).stderr).toMatch(/is wrong/);
    expect((await page.post('/api/sign-in/secret', { secret: 'guess' })).json.message).toMatch(/is wrong/);
    await shut();
  });

  test('each with a data folder of its own do not begin anew', async () => {
    const { config, home } = target;
    tries(6);
    const said: string[] = [];
    for (let i = 0; i < 6; i++) {
      const { run } = await import('../helpers/process.ts');
      const argv = [
        home.serve()[0] as string,
        'passkey',
        'add',
        '--secret-stdin',
        '--config',
        config,
        '--data-dir',
        join(home.dir, `fresh-${i}`),
      ];
      said.push((await run(process.execPath, argv, { env: home.env, cwd: home.dir, stdin: `guess ${i}\n` })).stderr);
    }
    expect(said.slice(0, ALLOWED).every((text) => /is wrong/.test(text))).toBe(true);
    expect(said[ALLOWED]).toMatch(LOCKED);
    await shut();
  });

  test.each<[string, () => Promise<string>]>([
    [
      "the hash's own line",
      async () => (await readFile(join(target.sandbox.dir, 'secrets', 'approver.hash'), 'utf8')).trim(),
    ],
    [
      'the hash alone',
      async () =>
        (await readFile(join(target.sandbox.dir, 'secrets', 'approver.hash'), 'utf8')).trim().split('$').at(-1) ?? '',
    ],
    [
      'the id of the secret in the record',
      async () => JSON.parse(await readFile(target.approvalFile(planned.id), 'utf8')).secret_id,
    ],
    ['the digest', async () => planned.digest],
    ['the right one with a blank before it', async () => ` ${target.sandbox.secret}`],
    ['the right one in capitals and more', async () => `${target.sandbox.secret.toUpperCase()}!`],
  ])('%s is not the secret', async (_what, guess) => {
    const got = await target.page(planned).post('/api/sign-in/secret', { secret: await guess() });
    expect(got.status).toBe(403);
    await target.nothingRan(planned.id);
  });
});

describe('the count of wrong secrets', () => {
  test.each<[string, (file: string) => Promise<unknown> | unknown]>([
    ['emptied', (file) => writeFile(file, '')],
    ['filled with nonsense', (file) => writeFile(file, 'x\n')],
    [
      'dated into the past',
      (file) => writeFile(file, '"1999-01-01T00:00:00.000Z"\n'.repeat(5).replace(/\n$/, ' \n{}\n')),
    ],
    ['replaced by a link to nothing that fills', async (file) => symlink('/dev/null', file)],
    ['replaced by a link to another file', async (file) => symlink('/etc/hostname', file)],
    ['replaced by a folder', (file) => mkdir(file)],
    ['replaced by a pipe', (file) => execFileSync('mkfifo', [file])],
  ])('%s lets no guess through', async (what, bend) => {
    for (let i = 0; i < ALLOWED; i++) await target.page(planned).post('/api/sign-in/secret', { secret: `guess ${i}` });
    for (const file of counts) {
      expect((await readFile(file, 'utf8')).split('\n')).toHaveLength(ALLOWED + 1);
      if (/replaced/.test(what)) await rm(file);
      await mkdir(dirname(file), { recursive: true });
      await bend(file);
    }
    const said = await target.home.decide('approve', planned.id, target.sandbox.secret);
    expect(said.code).toBe(1);
    expect(said.stderr).toMatch(/locked for|cannot be counted/);
    await target.nothingRan(planned.id);
  });
});

test('the hash cannot be read through any tool or resource', async () => {
  const raw = connectRaw(bin, target.home);
  const hash = (await readFile(join(target.sandbox.dir, 'secrets', 'approver.hash'), 'utf8')).trim();
  const path = join(target.sandbox.dir, 'secrets', 'approver.hash');
  const uris = [
    `file://${path}`,
    `runbook://${path}`,
    'runbook://../secrets/approver.hash',
    'runbook://..%2f..%2fsecrets%2fapprover.hash',
    `runbook://pulsestream/../../../../../../${path}`,
    `incident://../../secrets/approver.hash`,
    `incident://INC-0001/../../../secrets/approver.hash`,
  ];
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'x', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const answers = [
    ...(await Promise.all(uris.map((uri) => raw.request('resources/read', { uri, _meta: meta })))),
    ...(await Promise.all(
      ['../secrets/approver.hash', path, 'approver.hash'].map((runbook) =>
        raw.call('update_runbook', { runbook, failure_mode: 'm', detection: 'd', mitigation: 'x' }),
      ),
    )),
  ];
  tries(answers.length);
  for (const answer of answers) {
    expect(JSON.stringify(answer)).not.toContain(hash.split('$').at(-1));
    expect(
      answer.error !== undefined || answer.result?.isError === true || answer.result?.resultType === 'input_required',
    ).toBe(true);
  }
});
