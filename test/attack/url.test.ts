import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Bin } from '../helpers/bin.ts';
import { connectRaw, type RawAnswer, type RawClient } from '../helpers/raw.ts';
import { pageClient } from './page-client.ts';
import { ROLLBACK, startTarget, type Target, withPolicy } from './target.ts';
import { tellTests, tries } from './tell-tests.ts';

/** A client that is sent to the page, and says what was not done there. */

tellTests('attacks: a client that opens addresses');
const bin = new Bin();
let target: Target;
let raw: RawClient;
beforeAll(async () => {
  target = await startTarget(bin, { change: withPolicy({ ways: ['page_secret'] }) });
  raw = connectRaw(bin, target.home);
});
afterAll(() => bin.empty());
afterEach(async () => expect((await target.sandbox.truth()).actions).toEqual([]));

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'opener', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': { elicitation: { url: {} } },
};
const call = (args: Record<string, unknown>, more: object = {}, tool = 'rollback_release'): Promise<RawAnswer> =>
  raw.request('tools/call', { name: tool, arguments: args, ...more, _meta: META });
const asked = async (args: Record<string, unknown> = ROLLBACK, tool = 'rollback_release') => {
  const answer = await call(args, {}, tool);
  expect(answer.result?.resultType).toBe('input_required');
  const url =
    /http:\/\/localhost:\d+\/approvals\/APR-[0-9A-Z]{10}/.exec(JSON.stringify(answer.result?.inputRequests))?.[0] ?? '';
  return { state: answer.result?.requestState, url, id: url.slice(-14) };
};
const statusIn = (answer: RawAnswer): unknown => answer.result?.structuredContent?.status;

test('the address carries nothing that approves or shows anything', async () => {
  const { url, id } = await asked();
  expect(url).toMatch(/^http:\/\/localhost:\d+\/approvals\/APR-[0-9A-Z]{10}$/);
  const page = pageClient(new URL(url).origin);
  tries(4);
  for (const got of [
    await page.get(new URL(url).pathname),
    await page.get('/api/state'),
    await page.post(`/api/approvals/${id}/decision`, { digest: '0'.repeat(64), decision: 'approve', approver: 'x' }),
    await page.post(`/api/approvals/${id}/options`, { digest: '0'.repeat(64), decision: 'approve' }),
  ])
    expect(got.text).not.toMatch(/pulsestream-core|"status":"approved"/);
  expect(await target.statusOf(id)).toBe('pending');
});

test.each<[string, unknown]>([
  ['declined', { action: 'decline' }],
  ['cancelled', { action: 'cancel' }],
  ['nothing', undefined],
  ['another word', { action: 'approve' }],
])('%s after the address decides nothing', async (_what, approval) => {
  const { state, id } = await asked();
  const answered = await call(ROLLBACK, {
    requestState: state,
    ...(approval === undefined ? {} : { inputResponses: { approval } }),
  });
  if (!answered.error) expect(statusIn(answered)).toBe('approval_required');
  expect(await target.statusOf(id)).toBe('pending');
});

test('an accept without a decision on the page, alone, with a form filled in, replayed and crossed, approves nothing', async () => {
  const one = await asked();
  const restart = { service: 'web-ui', reason: 'stuck' };
  const two = await asked(restart, 'restart_service');
  const accept = { action: 'accept' };
  const filled = { action: 'accept', content: { approve: true, approver: 'Mallory', target: 'pulsestream-core' } };
  tries(5);
  // Each waits for the page; they wait side by side.
  const answers = await Promise.all([
    call(ROLLBACK, { requestState: one.state, inputResponses: { approval: accept } }),
    call(ROLLBACK, { requestState: one.state, inputResponses: { approval: filled } }),
    call(ROLLBACK, { requestState: one.state, inputResponses: { approval: filled } }),
    call(ROLLBACK, { requestState: two.state, inputResponses: { approval: accept } }),
    call(restart, { requestState: one.state, inputResponses: { approval: accept } }, 'restart_service'),
    // Meanwhile the human opens the page of one plan and rejects it, so that the waiting ends.
    (async () => {
      const page = pageClient(new URL(one.url).origin);
      const session = await page.signIn(target.sandbox.secret);
      const { digest } = (await target.session.ok('get_approval', { approval_id: one.id })).approvals as never as {
        digest: string;
      };
      const shown = (await page.get('/api/state', session)).json.approvals as {
        approval_id: string;
        plan: { digest: string };
      }[];
      const mine = shown.find(({ approval_id }) => approval_id === one.id);
      await page.post(
        `/api/approvals/${one.id}/decision`,
        { digest: mine?.plan.digest ?? digest, decision: 'reject', approver: 'Ada' },
        session,
      );
      return { id: 0 } as RawAnswer;
    })(),
  ]);
  for (const answer of answers.slice(0, 3)) expect(statusIn(answer)).toBe('declined');
  for (const answer of answers.slice(3, 5)) expect(answer.result?.isError).toBe(true);
  expect(await target.statusOf(two.id)).toBe('pending');
});
