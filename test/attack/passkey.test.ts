import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { connect } from '../helpers/session.ts';
import { type Assertion, Authenticator, type Claim, otherKey } from './authenticator.ts';
import { type PageClient, pageClient } from './page-client.ts';
import { type Planned, ROLLBACK, startTarget, type Target, withPolicy } from './target.ts';
import { tellTests, tries } from './tell-tests.ts';

/** Assertions of passkeys that are forged, replayed, bent or meant for something else. Policy takes passkeys alone here. */

tellTests('attacks: passkeys');
const bin = new Bin();
const grace = new Authenticator();
const RESTART = { service: 'web-ui', reason: 'stuck' };
let target: Target;
let planned: Planned;
let page: PageClient;
let session = '';
beforeAll(async () => {
  target = await startTarget(bin, {
    passkeys: [grace.enrolled('Grace Example', 10)],
    change: withPolicy({ ways: ['passkey'] }),
  });
  planned = await target.plan();
  page = target.page(planned);
  session = await page.signIn(target.sandbox.secret);
});
beforeEach(() => target.enrol(grace.enrolled('Grace Example', 10)));
afterAll(() => bin.empty());
afterEach(async () => {
  expect(await target.statusOf(planned.id)).toBe('pending');
  await target.nothingRan(planned.id);
});

type Decision = 'approve' | 'reject';
/** The challenge that the page gives for this decision. */
async function challengeFor(of: Planned = planned, decision: Decision = 'approve'): Promise<string> {
  const got = await page.post(`/api/approvals/${of.id}/options`, { digest: of.digest, decision }, session);
  expect(got.status).toBe(200);
  return String(got.json.challenge);
}
async function signInChallenge(): Promise<string> {
  return String((await page.post('/api/sign-in/options', {})).json.challenge);
}
const decide = (passkey: unknown, { of = planned, decision = 'approve' as Decision, more = {} } = {}) =>
  page.post(`/api/approvals/${of.id}/decision`, { digest: of.digest, decision, passkey, ...more }, session);
const honest = (challenge: string, more: Partial<Claim> = {}): Assertion =>
  grace.assert({ challenge, origin: page.origin, counter: 11, ...more });

describe('an assertion', () => {
  test.each<[string, () => Partial<Claim>]>([
    ['without the person verified', () => ({ verified: false })],
    ['without anybody present', () => ({ present: false, verified: false })],
    ['verified, but nobody present', () => ({ present: false })],
    ['made at another port', () => ({ origin: `http://localhost:${page.port + 1}` })],
    ['made at another site', () => ({ origin: 'https://evil.example' })],
    ['made at the address by number', () => ({ origin: `http://127.0.0.1:${page.port}` })],
    ['made at no origin', () => ({ origin: 'null' })],
    ['for another relying party', () => ({ rp: 'evil.example' })],
    ['for the whole origin as relying party', () => ({ rp: page.origin })],
    ['with the counter gone back', () => ({ counter: 9 })],
    ['with the counter standing still, of a copied key', () => ({ counter: 10 })],
    ['with the counter back at zero', () => ({ counter: 0 })],
    ['that is a registration', () => ({ type: 'webauthn.create' })],
    ['that is a payment', () => ({ type: 'payment.get' })],
    ['signed by another key', () => ({ key: otherKey() })],
  ])('%s approves nothing', async (_what, claim) => {
    const got = await decide(honest(await challengeFor(), claim()));
    expect(got.status).toBe(403);
  });

  test.each<[string, (good: Assertion) => unknown]>([
    ['without a signature', (good) => ({ ...good, response: { ...good.response, signature: '' } })],
    [
      'with the signature of all zeros',
      (good) => ({ ...good, response: { ...good.response, signature: Buffer.alloc(70).toString('base64url') } }),
    ],
    [
      'with r and s zero',
      (good) => ({
        ...good,
        response: { ...good.response, signature: Buffer.from('3006020100020100', 'hex').toString('base64url') },
      }),
    ],
    ['with another id', (good) => ({ ...good, id: 'AAAA', rawId: 'AAAA' })],
    ['with another raw id', (good) => ({ ...good, rawId: 'AAAA' })],
    ['of another type', (good) => ({ ...good, type: 'password' })],
    [
      'with empty data of the authenticator',
      (good) => ({ ...good, response: { ...good.response, authenticatorData: '' } }),
    ],
    [
      'with cut data of the authenticator',
      (good) => ({
        ...good,
        response: { ...good.response, authenticatorData: good.response.authenticatorData.slice(0, 40) },
      }),
    ],
    [
      'with the bit of verification set afterwards',
      (good) => ({
        ...good,
        response: { ...good.response, authenticatorData: withFlags(good.response.authenticatorData, 0x05) },
      }),
    ],
    [
      'whose client data is not JSON',
      (good) => ({ ...good, response: { ...good.response, clientDataJSON: Buffer.from('{').toString('base64url') } }),
    ],
    [
      'whose client data is a list',
      (good) => ({ ...good, response: { ...good.response, clientDataJSON: Buffer.from('[]').toString('base64url') } }),
    ],
    [
      'whose challenge is a list',
      (good) => ({
        ...good,
        response: { ...good.response, clientDataJSON: Buffer.from('{"challenge":["x"]}').toString('base64url') },
      }),
    ],
    ['that is null', () => null],
    ['that is text', (good) => JSON.stringify(good)],
    ['that is empty', () => ({})],
  ])('%s approves nothing', async (_what, bend) => {
    const unverified = _what.includes('afterwards') ? { verified: false } : {};
    const got = await decide(bend(honest(await challengeFor(), unverified)));
    expect([400, 403]).toContain(got.status);
  });

  test('of a passkey that is not enrolled approves nothing', async () => {
    const mallory = new Authenticator();
    const challenge = await challengeFor();
    expect((await decide(mallory.assert({ challenge, origin: page.origin, counter: 11 }))).status).toBe(403);
    // Nor does it under the id of one that is.
    const borrowed = mallory.assert({ challenge: await challengeFor(), origin: page.origin, counter: 11 });
    expect((await decide({ ...borrowed, id: grace.id, rawId: grace.id })).status).toBe(403);
    tries(2);
  });
});

describe('a challenge', () => {
  test('of the sign-in approves nothing', async () => {
    expect((await decide(honest(await signInChallenge()))).status).toBe(403);
  });

  test('of a decision signs nobody in', async () => {
    const got = await page.post('/api/sign-in/passkey', { passkey: honest(await challengeFor()) });
    expect(got.status).toBe(403);
    expect(got.json.token).toBeUndefined();
  });

  test('for rejecting does not approve, and one for approving does not reject', async () => {
    tries(2);
    expect((await decide(honest(await challengeFor(planned, 'reject')))).status).toBe(403);
    expect((await decide(honest(await challengeFor(planned, 'approve')), { decision: 'reject' })).status).toBe(403);
  });

  test('for another approval approves neither this one nor that one', async () => {
    tries(2);
    const other = await target.plan('restart_service', RESTART);
    expect((await decide(honest(await challengeFor(other)))).status).toBe(403);
    expect((await decide(honest(await challengeFor(planned)), { of: other })).status).toBe(403);
    expect(await target.statusOf(other.id)).toBe('pending');
  });

  test('for another digest is not given, and one that was given serves no other digest', async () => {
    tries(2);
    const path = `/api/approvals/${planned.id}`;
    const digest = '0'.repeat(64);
    expect((await page.post(`${path}/options`, { digest, decision: 'approve' }, session)).status).toBe(409);
    const passkey = honest(await challengeFor());
    expect((await page.post(`${path}/decision`, { digest, decision: 'approve', passkey }, session)).status).toBe(409);
  });

  test.each<[string, () => string]>([
    ['made up', () => Buffer.alloc(32, 7).toString('base64url')],
    ['empty', () => ''],
    ['the digest itself', () => planned.digest],
    ['the name of a property', () => '__proto__'],
  ])('that is %s approves nothing', async (_what, challenge) => {
    expect((await decide(honest(challenge()))).status).toBe(403);
  });

  test('is gone after a first try, also after one that failed', async () => {
    const challenge = await challengeFor();
    expect((await decide(honest(challenge, { verified: false }))).status).toBe(403);
    expect((await decide(honest(challenge))).status).toBe(403);
    tries(2);
  });

  test('is not given without a sign-in', async () => {
    const got = await page.post(`/api/approvals/${planned.id}/options`, {
      digest: planned.digest,
      decision: 'approve',
    });
    expect(got.status).toBe(403);
  });

  test('is not pushed out by a thousand questions of strangers', async () => {
    const other = await target.plan('restart_service', { ...RESTART, service: 'ingest-gateway' });
    const challenge = await challengeFor(other);
    tries(400);
    for (let i = 0; i < 8; i++) await Promise.all(Array.from({ length: 50 }, signInChallenge));
    // The human's own answer still counts.
    const got = await decide(honest(challenge, { counter: 12 }), { of: other });
    expect(got.json).toMatchObject({ status: 'approved' });
  });
});

describe('a passkey', () => {
  test('enrolled after the plan was made decides nothing about it', async () => {
    const late = new Authenticator();
    const before = await target.plan('restart_service', { ...RESTART, service: 'control-plane' });
    await target.enrol(grace.enrolled('Grace Example', 10), late.enrolled('Mallory'));
    const got = await decide(late.assert({ challenge: await challengeFor(before), origin: page.origin }), {
      of: before,
    });
    expect(got.status).toBe(403);
    expect(await target.statusOf(before.id)).toBe('pending');
  });

  test.each<[string, () => ReturnType<Authenticator['enrolled']>]>([
    ["somebody else's name", () => grace.enrolled('Mallory', 10)],
    ["somebody else's key", () => ({ ...new Authenticator().enrolled('Grace Example', 10), id: grace.id })],
  ])('given %s by hand decides nothing about plans made before', async (_what, edited) => {
    await target.enrol(edited());
    const options = await page.post(
      `/api/approvals/${planned.id}/options`,
      { digest: planned.digest, decision: 'approve' },
      session,
    );
    expect(options.status).toBe(403);
  });

  test.each<[string, string]>([
    ['empty', ''],
    ['no JSON', '{'],
    ['of another form', '{"version":1,"passkeys":[{"id":"x"}]}'],
    [
      'with a negative counter',
      JSON.stringify({ version: 1, passkeys: [{ ...new Authenticator().enrolled('x'), counter: -1 }] }),
    ],
  ])('file that is %s lets nobody in', async (_what, text) => {
    const challenge = await challengeFor();
    const { writeFile } = await import('node:fs/promises');
    await writeFile(target.passkeys, text);
    expect((await decide(honest(challenge))).status).toBe(409);
    expect((await page.post('/api/sign-in/options', {})).status).toBe(409);
    tries(2);
  });

  test('signs in, and that alone approves nothing', async () => {
    const signed = await page.post('/api/sign-in/passkey', { passkey: honest(await signInChallenge()) });
    expect(signed.status).toBe(200);
    const got = await page.post(
      `/api/approvals/${planned.id}/decision`,
      { digest: planned.digest, decision: 'approve', approver: 'Grace Example' },
      String(signed.json.token),
    );
    expect(got.status).toBe(403);
  });

  test('is not needed where it is asked for: the secret does not replace it', async () => {
    const got = await page.post(
      `/api/approvals/${planned.id}/decision`,
      { digest: planned.digest, decision: 'approve', approver: 'Grace Example', secret: target.sandbox.secret },
      session,
    );
    expect(got.status).toBe(403);
    expect((await target.home.decide('approve', planned.id, target.sandbox.secret)).code).toBe(1);
    tries(2);
  });

  test('says who it is, whatever name is sent along', async () => {
    const other = await target.plan('restart_service', { ...RESTART, service: 'analysis-engine' });
    const got = await decide(honest(await challengeFor(other), { counter: 20 }), {
      of: other,
      more: { approver: 'Mallory' },
    });
    expect(got.json.decisions).toMatchObject([{ approver: 'Grace Example', way: 'passkey' }]);
  });
});

describe('an assertion that approved', () => {
  test('replayed to the same page, to another server, and for another plan approves nothing more', async () => {
    const other = await target.plan('scale_down', { service: 'web-ui', replicas: 1, reason: 'x' });
    const typed = { target: 'web-ui' };
    const assertion = honest(await challengeFor(other), { counter: 30 });
    expect((await decide(assertion, { of: other, more: typed })).json).toMatchObject({ status: 'approved' });
    expect([403, 409]).toContain((await decide(assertion, { of: other, more: typed })).status);
    expect((await decide(assertion)).status).toBe(403);
    const second = await connect(bin, target.home, 'plain');
    const seen = await second.ok('rollback_release', { ...ROLLBACK, approval_id: planned.id });
    const elsewhere = pageClient(/http:\/\/localhost:\d+/.exec((seen.how_to_approve as string[]).join(' '))?.[0] ?? '');
    const token = await elsewhere.signIn(target.sandbox.secret);
    const got = await elsewhere.post(
      `/api/approvals/${planned.id}/decision`,
      { digest: planned.digest, decision: 'approve', passkey: assertion },
      token,
    );
    expect(got.status).toBe(403);
    tries(3);
  });

  test('twice at once counts once', async () => {
    const other = await target.plan('scale_down', { service: 'analysis-engine', replicas: 1, reason: 'x' });
    const assertion = honest(await challengeFor(other), { counter: 40 });
    const typed = { target: 'analysis-engine' };
    const both = await Promise.all([1, 2, 3].map(() => decide(assertion, { of: other, more: typed })));
    expect(both.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1);
    tries(3);
  });

  test('without the typed target of a high risk approves nothing', async () => {
    const other = await target.plan('scale_down', { service: 'control-plane', replicas: 0, reason: 'x' });
    tries(4);
    for (const typed of [undefined, '', 'Control-Plane', 'control-plane ']) {
      const passkey = honest(await challengeFor(other), { counter: 50 });
      const got = await decide(passkey, { of: other, more: typed === undefined ? {} : { target: typed } });
      expect(got.status).toBe(400);
    }
    expect(await target.statusOf(other.id)).toBe('pending');
  });
});

function withFlags(data: string, flags: number): string {
  const bytes = Buffer.from(data, 'base64url');
  bytes[32] = flags;
  return bytes.toString('base64url');
}
