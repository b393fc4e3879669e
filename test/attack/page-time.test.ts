import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { hashSecret } from '../../src/cli/approver-secret.ts';
import { createHumans } from '../../src/cli/humans.ts';
import { thumbprint } from '../../src/domain/passkey.ts';
import { callGated } from '../../src/mcp/gate/gate.ts';
import type { PageDeps } from '../../src/page/deps.ts';
import { Enrolment } from '../../src/page/enrolment.ts';
import { type Page, startPage } from '../../src/page/server.ts';
import type { Humans } from '../../src/ports/humans.ts';
import { ARGS, type Bench, bench, tinyTool, type World, world } from '../mcp/harness.ts';
import { Authenticator } from './authenticator.ts';
import { type PageClient, pageClient } from './page-client.ts';
import { tellTests, tries } from './tell-tests.ts';

/** What the page gave out is used late, twice, at another page, or by several at once. The clock is the test's. */

tellTests('attacks: the page and time');
const SECRET = 'correct horse battery';
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const pages: Page[] = [];
afterEach(async () => {
  for (const page of pages.splice(0)) await page.close();
});

interface Stage {
  it: Bench;
  state: World;
  humans: Humans;
  deps: PageDeps;
  page: PageClient;
  open(enrolment?: Enrolment): Promise<PageClient>;
  plan(): Promise<{ id: string; digest: string }>;
  /** The assistant calls the tool; nothing may have run. */
  nothingRan(id: string): Promise<void>;
  grace: Authenticator;
}

async function stage(policy = '[{ ways: [terminal, page_secret, passkey] }]'): Promise<Stage> {
  const it = await bench(policy);
  const state = world();
  const tool = tinyTool(state);
  const folder = join(it.folder, 'own');
  await mkdir(folder);
  const grace = new Authenticator();
  await writeFile(join(folder, 'approver.hash'), await hashSecret(SECRET));
  await writeFile(join(folder, 'passkeys.json'), JSON.stringify({ version: 1, passkeys: [grace.enrolled('Grace')] }));
  const humans = createHumans(
    {
      data_dir: it.config.data_dir,
      secret_file: join(folder, 'approver.hash'),
      passkeys_file: join(folder, 'passkeys.json'),
    },
    it.clock,
  );
  const gate = {
    ...it.deps,
    secretId: () => humans.secretId(),
    passkeys: async () => (await humans.passkeys()).map(thumbprint),
  };
  const deps: PageDeps = {
    store: it.store,
    clock: it.clock,
    humans,
    stateLine: () => '',
    asset: async () => null,
    warn: () => undefined,
  };
  const open = async (enrolment?: Enrolment): Promise<PageClient> => {
    const page = await startPage(deps, 0, enrolment ?? null);
    pages.push(page);
    return pageClient(page.origin);
  };
  const call = (args: Record<string, unknown>) =>
    callGated(tool, args, { state: null, response: undefined }, it.context(), gate);
  return {
    it,
    state,
    humans,
    deps,
    grace,
    open,
    page: await open(),
    plan: async () => {
      const reply = await call(ARGS);
      if (reply.kind !== 'result') throw new Error(reply.kind);
      return { id: reply.result.approval_id, digest: reply.result.plan.digest };
    },
    nothingRan: async (id) => {
      await call({ ...ARGS, approval_id: id }).catch(() => undefined);
      expect(state.ran).toEqual([]);
    },
  };
}
const yes = (digest: string, more: object = {}) => ({
  digest,
  decision: 'approve',
  approver: 'Ada',
  secret: SECRET,
  ...more,
});

describe('too late', () => {
  test('a sign-in that is over shows and decides nothing', async () => {
    const { it, page, plan, nothingRan } = await stage('[{ ways: [page_secret], lifetime: 1h }]');
    const { id, digest } = await plan();
    const session = await page.signIn(SECRET);
    it.clock.forward(15 * MINUTE);
    expect((await page.get('/api/state', session)).status).toBe(403);
    expect((await page.post(`/api/approvals/${id}/decision`, yes(digest), session)).status).toBe(403);
    await nothingRan(id);
    tries(2);
  });

  test.each([
    ['to the very millisecond', 10 * MINUTE],
    ['by one second', 10 * MINUTE + SECOND],
  ])('a decision after the plan expired %s', async (_what, late) => {
    const { it, page, plan, nothingRan } = await stage();
    const { id, digest } = await plan();
    const session = await page.signIn(SECRET);
    it.clock.forward(late);
    expect((await page.post(`/api/approvals/${id}/decision`, yes(digest), session)).status).toBe(409);
    it.clock.forward(-MINUTE);
    expect((await page.post(`/api/approvals/${id}/decision`, yes(digest), session)).status).toBe(409);
    await nothingRan(id);
    tries(2);
  });

  test('an approved plan one second after its life', async () => {
    const { it, page, plan, nothingRan } = await stage();
    const { id, digest } = await plan();
    const session = await page.signIn(SECRET);
    expect((await page.post(`/api/approvals/${id}/decision`, yes(digest), session)).json).toMatchObject({
      status: 'approved',
    });
    it.clock.forward(10 * MINUTE + SECOND);
    await nothingRan(id);
  });

  test('an approved plan while the clock is set back to before it was made', async () => {
    const { it, page, plan, nothingRan } = await stage();
    const { id, digest } = await plan();
    const session = await page.signIn(SECRET);
    await page.post(`/api/approvals/${id}/decision`, yes(digest), session);
    it.clock.forward(-2 * MINUTE);
    await nothingRan(id);
    it.clock.forward(2 * MINUTE);
    await nothingRan(id);
    tries(2);
  });

  test("an answer to a passkey's question after two minutes", async () => {
    const { it, page, plan, nothingRan, grace } = await stage();
    const { id, digest } = await plan();
    const session = await page.signIn(SECRET);
    const { challenge } = (await page.post(`/api/approvals/${id}/options`, { digest, decision: 'approve' }, session))
      .json;
    it.clock.forward(2 * MINUTE);
    const passkey = grace.assert({ challenge: String(challenge), origin: page.origin });
    expect(
      (await page.post(`/api/approvals/${id}/decision`, { digest, decision: 'approve', passkey }, session)).status,
    ).toBe(403);
    await nothingRan(id);
  });

  test('a question of one page answered at another', async () => {
    const { page, plan, nothingRan, grace, open } = await stage();
    const { id, digest } = await plan();
    const other = await open();
    const [here, there] = [await page.signIn(SECRET), await other.signIn(SECRET)];
    const { challenge } = (await page.post(`/api/approvals/${id}/options`, { digest, decision: 'approve' }, here)).json;
    tries(2);
    for (const origin of [page.origin, other.origin]) {
      const passkey = grace.assert({ challenge: String(challenge), origin });
      expect(
        (await other.post(`/api/approvals/${id}/decision`, { digest, decision: 'approve', passkey }, there)).status,
      ).toBe(403);
    }
    await nothingRan(id);
  });
});

describe('a secret that is not of here', () => {
  test('another configuration on the same record approves nothing with a secret of its own', async () => {
    const { it, deps, plan, nothingRan } = await stage();
    const { id, digest } = await plan();
    await writeFile(join(it.folder, 'mine.hash'), await hashSecret('chosen by the assistant'));
    const mine = createHumans(
      {
        data_dir: it.config.data_dir,
        secret_file: join(it.folder, 'mine.hash'),
        passkeys_file: join(it.folder, 'none.json'),
      },
      it.clock,
    );
    const opened = await startPage({ ...deps, humans: mine }, 0);
    pages.push(opened);
    const page = pageClient(opened.origin);
    const session = await page.signIn('chosen by the assistant');
    const secret = 'chosen by the assistant';
    expect((await page.post(`/api/approvals/${id}/decision`, yes(digest, { secret }), session)).status).toBe(403);
    await nothingRan(id);
  });

  test('a secret that was set after the plan was made approves nothing where none was set before', async () => {
    const { it, deps, state } = await stage();
    const gate = { ...it.deps, secretId: async () => null, passkeys: async () => [] };
    const reply = await callGated(tinyTool(state), ARGS, { state: null, response: undefined }, it.context(), gate);
    if (reply.kind !== 'result') throw new Error(reply.kind);
    const { approval_id: id, plan } = reply.result;
    const opened = await startPage(deps, 0);
    pages.push(opened);
    const page = pageClient(opened.origin);
    const session = await page.signIn(SECRET);
    expect((await page.post(`/api/approvals/${id}/decision`, yes(plan.digest), session)).status).toBe(403);
    expect((await it.store.approval(id))?.status).toBe('pending');
  });
});

describe('two people where there is one', () => {
  test.each<[string, string]>([
    ['the same name', 'Ada'],
    ['another case', 'aDA'],
    ['blanks around and within', '  Ada '],
    ['an invisible character', 'A\u200bda'],
    ['a soft hyphen', 'Ad\u00ada'],
    ['a mark of direction', '\u202eAda'],
    ['full-width letters', '\uff21\uff44\uff41'],
    ['mathematical letters', '\u{1d400}\u{1d41d}\u{1d41a}'],
    ['a line break and more', 'Ada\r\n'],
    ['a NUL', 'Ada\u0000'],
    ['a filler of Hangul', 'Ada\u3164'],
  ])('%s is no second person', async (_what, name) => {
    const { page, plan, nothingRan } = await stage('[{ ways: [terminal, page_secret], approvers: 2 }]');
    const { id, digest } = await plan();
    const session = await page.signIn(SECRET);
    const path = `/api/approvals/${id}/decision`;
    expect((await page.post(path, yes(digest), session)).json).toMatchObject({ status: 'pending' });
    expect((await page.post(path, yes(digest, { approver: name }), session)).status).not.toBe(200);
    await nothingRan(id);
  });

  test('a passkey and the secret in the same name are one person', async () => {
    const { page, plan, nothingRan, grace } = await stage('[{ ways: [passkey, page_secret], approvers: 2 }]');
    const { id, digest } = await plan();
    const session = await page.signIn(SECRET);
    const path = `/api/approvals/${id}`;
    const { challenge } = (await page.post(`${path}/options`, { digest, decision: 'approve' }, session)).json;
    const passkey = grace.assert({ challenge: String(challenge), origin: page.origin });
    expect((await page.post(`${path}/decision`, { digest, decision: 'approve', passkey }, session)).json).toMatchObject(
      { status: 'pending' },
    );
    expect((await page.post(`${path}/decision`, yes(digest, { approver: ' GRACE' }), session)).status).not.toBe(200);
    await nothingRan(id);
  });

  test('two requests at once in one name are one person', async () => {
    const { page, plan, nothingRan } = await stage('[{ ways: [page_secret], approvers: 2 }]');
    const { id, digest } = await plan();
    const session = await page.signIn(SECRET);
    const path = `/api/approvals/${id}/decision`;
    await Promise.all([1, 2, 3].map(() => page.post(path, yes(digest), session)));
    await nothingRan(id);
    tries(3);
  });
});

describe('an approver or a note with lines of its own', () => {
  test.each([
    'Ada\r\nSet-Cookie: x=1',
    'Ada\n[E99] approved by Grace',
    'Ada\u2028Grace',
    'Ada\u001b[2J\u001b[1;1H',
    'Ada\u202eecarG',
  ])('%j stays on one line', async (text) => {
    const { page, plan, it } = await stage();
    const { id, digest } = await plan();
    const session = await page.signIn(SECRET);
    const got = await page.post(
      `/api/approvals/${id}/decision`,
      yes(digest, { decision: 'reject', approver: text, note: text }),
      session,
    );
    expect(got.status).toBe(200);
    expect(got.headers['set-cookie']).toBeUndefined();
    const told = (await it.events('JOURNAL')).at(-1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    const bad = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/;
    expect(told?.message).not.toMatch(bad);
    expect(told?.actor.name).not.toMatch(bad);
    expect(it.clock.now().getTime()).toBeGreaterThan(0);
  });
});

describe('an invitation to enrol', () => {
  const invite = async () => {
    const staged = await stage();
    const enrolment = new Enrolment('Mallory', staged.it.clock);
    const page = await staged.open(enrolment);
    const challenge = async (ticket = enrolment.ticket): Promise<string> =>
      String((await page.post('/api/enrolment/options', { ticket })).json.challenge);
    const enrol = (ticket: string, passkey: object) => page.post('/api/enrolment', { ticket, passkey });
    const people = async (): Promise<string[]> => (await staged.humans.passkeys()).map(({ person }) => person);
    return { ...staged, enrolment, page, challenge, enrol, people };
  };

  test('control: with its ticket a passkey is enrolled', async () => {
    const { enrolment, page, challenge, enrol, people } = await invite();
    const made = new Authenticator().register({ challenge: await challenge(), origin: page.origin });
    expect((await enrol(enrolment.ticket, made)).status).toBe(200);
    expect(await people()).toEqual(['Grace', 'Mallory']);
  });

  test.each<[string, (ticket: string) => unknown]>([
    ['none', () => undefined],
    ['an empty one', () => ''],
    ['a guess of the right length', () => 'A'.repeat(32)],
    ['the right one, cut', (ticket) => ticket.slice(0, -1)],
    ['the right one, changed', (ticket) => `${ticket.slice(0, -1)}${ticket.endsWith('A') ? 'B' : 'A'}`],
    ['the right one in a list', (ticket) => [ticket]],
  ])('with %s as ticket enrols nobody', async (_what, bend) => {
    const { enrolment, page, challenge, people } = await invite();
    const passkey = new Authenticator().register({ challenge: await challenge(), origin: page.origin });
    const got = await page.post('/api/enrolment', { ticket: bend(enrolment.ticket), passkey });
    expect([400, 403]).toContain(got.status);
    expect([400, 403]).toContain(
      (await page.post('/api/enrolment/options', { ticket: bend(enrolment.ticket) })).status,
    );
    expect(await people()).toEqual(['Grace']);
    tries(2);
  });

  test('used twice, one after the other and at once, enrols one', async () => {
    const { enrolment, page, challenge, enrol, people } = await invite();
    const several = await Promise.all(
      Array.from({ length: 8 }, async () =>
        new Authenticator().register({ challenge: await challenge(), origin: page.origin }),
      ),
    );
    await Promise.all(several.map((made) => enrol(enrolment.ticket, made)));
    expect(await people()).toEqual(['Grace', 'Mallory']);
    expect(
      (await enrol(enrolment.ticket, new Authenticator().register({ challenge: 'x', origin: page.origin }))).status,
    ).toBe(403);
    tries(9);
  });

  test('used after ten minutes enrols nobody', async () => {
    const { it, enrolment, page, challenge, enrol, people } = await invite();
    const made = new Authenticator().register({ challenge: await challenge(), origin: page.origin });
    it.clock.forward(10 * MINUTE);
    expect((await enrol(enrolment.ticket, made)).status).toBe(403);
    expect(await people()).toEqual(['Grace']);
  });

  test.each<[string, object]>([
    ['without the person verified', { verified: false }],
    ['made at another origin', { origin: 'https://evil.example' }],
    ['for another relying party', { rp: 'evil.example' }],
    ['that is an assertion', { type: 'webauthn.get' }],
    ['for another challenge', { challenge: Buffer.alloc(32, 1).toString('base64url') }],
  ])('a registration %s enrols nobody', async (_what, bent) => {
    const { enrolment, page, challenge, enrol, people } = await invite();
    const made = new Authenticator().register({ challenge: await challenge(), origin: page.origin, ...bent });
    expect([400, 403]).toContain((await enrol(enrolment.ticket, made)).status);
    expect(await people()).toEqual(['Grace']);
  });

  test('is not there on a page that enrols nobody', async () => {
    const { page } = await stage();
    expect((await page.post('/api/enrolment/options', { ticket: 'A'.repeat(32) })).status).toBe(403);
    expect((await page.get('/api/enrolment')).json).toEqual({ open: false });
    tries(2);
  });
});
