import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { secretFile } from '../../src/cli/doctor/machine.ts';
import { policyCheck } from '../../src/cli/doctor/policy.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { Bin } from '../helpers/bin.ts';
import { cheapHash } from './desk.ts';

const bin = new Bin();
afterEach(() => bin.empty());

interface Office {
  /** Names with a secret of their own; null is the shared one. */
  secrets?: (string | null)[];
  passkeys?: string[];
  operator?: string;
  page?: 'auto' | 'off';
  protected?: boolean;
}

async function office(
  rules: string,
  { secrets = [], passkeys = [], operator = 'Olga', page = 'auto', ...more }: Office = {},
): Promise<Config> {
  const folder = await bin.folder();
  const lines = secrets.map((person) => `${person === null ? '' : `${person} `}${cheapHash(String(person))}`);
  if (lines.length > 0) await writeFile(join(folder, 'secrets'), lines.join('\n'), { mode: 0o600 });
  await writeFile(
    join(folder, 'passkeys'),
    JSON.stringify({
      version: 1,
      passkeys: passkeys.map((person, i) => ({
        id: `id${i}`,
        public_key: `key${i}`,
        person,
        transports: [],
        counter: 0,
        added_at: '2026-03-02T12:00:00Z',
      })),
    }),
  );
  const text = JSON.stringify({
    environments: { prod: { protected: more.protected ?? true } },
    approval: { secret_file: 'secrets', passkeys_file: 'passkeys', operator, page: { enabled: page } },
  });
  return loadConfig({
    flags: { config: join(folder, 'c.yaml') },
    env: { HOME: folder },
    cwd: folder,
    readFile: () => `${text.slice(0, -2)}, "policy": ${rules} } }`,
  });
}

const said = async (rules: string, more: Office = {}) => policyCheck('prod', await office(rules, more));

describe('doctor tells the approval policy in words', () => {
  it('each case with what it takes, and who could approve now', async () => {
    const finding = await said(
      '[{ action: scale_down, ways: [terminal, passkey], approvers: 2, proven_names: true, lifetime: 5m }]',
      {
        secrets: [null, 'Ada', 'Grace'],
        passkeys: ['Ada'],
      },
    );
    expect(finding).toMatchObject({ section: 'prod', name: 'approval policy', status: 'ok', next: null });
    expect(finding.found.split('\n')).toEqual([
      'protected',
      'rule 1, action scale_down: 2 different people, each by a terminal with the secret, or the local page with a passkey; not by the one whose assistant asked; only under a name that a passkey or a secret of their own proves; serves for 5m00s',
      'otherwise, high risk: by a terminal with the secret, or the local page with the secret, or the local page with a passkey; serves for 10m00s',
      "otherwise, low or medium risk: by the client's form, or a terminal with the secret, or the local page with the secret, or the local page with a passkey; serves for 10m00s",
      'at present: secrets of Ada, Grace and the shared secret (names are typed); passkeys of Ada; the page opens when a plan waits for it; plans are asked for by Olga',
    ]);
  });

  it.each([
    [
      'a way that a rule names and nobody can go',
      '[{ ways: [terminal, passkey] }]',
      { secrets: [null] },
      'warn',
      /now nobody by the local page with a passkey \(no passkey is enrolled\)/,
      /incident-mcp passkey add/,
    ],
    [
      'a form that does not count',
      '[{ ways: [client_form, terminal], exclude_requester: true }]',
      { secrets: [null] },
      'warn',
      /now nobody by the client's form \(it is the form of the one whose assistant asked\)/,
      /client_form out/,
    ],
    [
      'a rule that nobody can meet',
      '[{ ways: [passkey] }]',
      { secrets: [null] },
      'fail',
      /rule 1, everything: a plan could not be approved now/,
      /incident-mcp passkey add/,
    ],
    [
      'proven names where all share one',
      '[{ ways: [terminal], proven_names: true }]',
      { secrets: [null] },
      'fail',
      /only the shared secret is set/,
      /--approver NAME/,
    ],
    [
      'too few people',
      '[{ ways: [passkey], approvers: 2 }]',
      { passkeys: ['Ada', 'ADA '] },
      'fail',
      /now only 1 of 2 could approve, Olga left out/,
      /--approver NAME/,
    ],
    [
      'too few without the requester',
      '[{ ways: [terminal], approvers: 2 }]',
      { secrets: ['Ada', 'Olga'] },
      'fail',
      /now only 1 of 2/,
      /--approver NAME/,
    ],
    [
      'typed names, which nobody can count',
      '[{ ways: [terminal], approvers: 2 }]',
      { secrets: [null] },
      'ok',
      /names are typed/,
      null,
    ],
    [
      'no secret at all in a protected environment',
      '[]',
      {},
      'fail',
      /high risk: a plan could not be approved now/,
      /init --secret-only/,
    ],
    ['no secret at all in another one', '[]', { protected: false }, 'ok', /no secret; no passkey/, null],
    [
      'the page off',
      '[]',
      { secrets: [null], page: 'off' },
      'ok',
      /the page is off here, and opened by `incident-mcp page`/,
      null,
    ],
  ] as const)('%s', async (_what, rules, more, status, found, next) => {
    const finding = await said(rules, more as Office);
    expect(finding, finding.found).toMatchObject({ status, found: expect.stringMatching(found) });
    if (next === null) expect(finding.next).toBeNull();
    else expect(finding.next).toMatch(next);
  });

  it('the check of the secret says whose secrets there are', async () => {
    const config = await office('[]', { secrets: ['Ada', null] });
    expect(await secretFile(config)).toMatchObject({
      status: 'ok',
      found: expect.stringContaining('Ada, one that all share'),
    });
  });
});
