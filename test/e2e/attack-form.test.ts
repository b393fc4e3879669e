import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { tellTests } from '../attack/tell-tests.ts';
import { Bin } from '../helpers/bin.ts';
import { makeHome } from '../helpers/home.ts';
import { accepted, connectRaw, type RawAnswer, type RawClient } from '../helpers/raw.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { approving, connect, type FormAnswer } from '../helpers/session.ts';

tellTests("attacks: answers of the client's form");
const bin = new Bin();
let sandbox: Sandbox;
let raw: RawClient;
beforeAll(async () => {
  sandbox = await startSandbox(bin, 'bad-deploy');
  raw = connectRaw(bin, await makeHome(bin, sandbox.config));
});
afterAll(() => bin.empty());
afterEach(async () => {
  expect((await sandbox.truth()).actions).toEqual([]);
});

const ROLLBACK = { release: 'pulsestream-core', reason: 'it crashes' };
const data = (answer: RawAnswer): Record<string, unknown> => answer.result?.structuredContent ?? {};
const statusOf = async (id: unknown): Promise<unknown> => {
  const shown = data(await raw.call('get_approval', { approval_id: id }));
  return (shown.approvals as { status: string }[])[0]?.status;
};

describe('a client that does not bring an approval runs nothing', () => {
  test('one that cannot ask gets the ways a human can approve', async () => {
    const session = await connect(bin, await makeHome(bin, sandbox.config), 'plain');
    const planned = await session.ok('rollback_release', ROLLBACK);
    expect(planned.status).toBe('approval_required');
    expect(planned.how_to_approve).not.toEqual([]);
    // The id alone is no approval.
    const again = await session.ok('rollback_release', { ...ROLLBACK, approval_id: planned.approval_id });
    expect(again).toMatchObject({ status: 'approval_required', approval_id: planned.approval_id });
  });

  test.each<[string, 'first' | 'second', FormAnswer, string, string]>([
    ['declines', 'first', { action: 'decline' }, 'declined', 'declined'],
    ['declines', 'second', { action: 'decline' }, 'declined', 'declined'],
    ['cancels', 'first', { action: 'cancel' }, 'approval_required', 'pending'],
    ['cancels', 'second', { action: 'cancel' }, 'approval_required', 'pending'],
    [
      'accepts with approve: false',
      'first',
      { action: 'accept', content: { approve: false, approver: 'Ada' } },
      'declined',
      'declined',
    ],
    [
      'accepts with approve: false',
      'second',
      { action: 'accept', content: { approve: false, approver: 'Ada' } },
      'declined',
      'declined',
    ],
  ])('one that %s (%s generation)', async (_what, generation, answer, status, stored) => {
    const session = await connect(bin, await makeHome(bin, sandbox.config), generation);
    session.human = () => answer;
    const replied = await session.ok('rollback_release', ROLLBACK);
    expect(replied.status).toBe(status);
    const shown = await session.ok('get_approval', { approval_id: replied.approval_id });
    expect(shown.approvals).toMatchObject([{ status: stored }]);
    if (stored !== 'declined') return;
    // A later change of mind needs a new plan.
    session.human = approving();
    expect(await session.ok('rollback_release', { ...ROLLBACK, approval_id: replied.approval_id })).toMatchObject({
      status: 'declined',
    });
  });

  test.each<[string, unknown]>([
    ['a bare accept', { approval: { action: 'accept' } }],
    ['an accept with empty content', accepted({})],
    ['content: null', { approval: { action: 'accept', content: null } }],
    ['content as a list', { approval: { action: 'accept', content: [true, 'Ada'] } }],
    ['approve as a string', accepted({ approve: 'true', approver: 'Ada' })],
    ['approve as a number', accepted({ approve: 1, approver: 'Ada' })],
    ['no approver', accepted({ approve: true })],
    ['a blank approver', accepted({ approve: true, approver: '   ' })],
    ['an invisible approver', accepted({ approve: true, approver: '\u200b\u2060\u202e' })],
    ['an approver of another type', accepted({ approve: true, approver: { name: 'Ada' } })],
    ['another target typed', accepted({ approve: true, approver: 'Ada', target: 'pulsestream-agent' })],
    ['another action word', { approval: { action: 'approve', content: { approve: true, approver: 'Ada' } } }],
    ['another key', { approved: { action: 'accept', content: { approve: true, approver: 'Ada' } } }],
    ['a list of answers', [{ action: 'accept', content: { approve: true, approver: 'Ada' } }]],
    ['no answers at all', undefined],
  ])('the second generation sends %s', async (_what, inputResponses) => {
    const asked = await raw.call('rollback_release', ROLLBACK);
    expect(asked.result?.resultType).toBe('input_required');
    const id = /APR-[0-9A-Z]{10}/.exec(JSON.stringify(asked.result?.inputRequests))?.[0];
    const answered = await raw.call('rollback_release', ROLLBACK, {
      requestState: asked.result?.requestState,
      ...(inputResponses === undefined ? {} : { inputResponses }),
    });
    // What the protocol itself forbids ends there; the rest is told that nothing was decided.
    if (answered.error) expect(answered.error.code).toBe(-32602);
    else expect(data(answered)).toMatchObject({ status: 'approval_required', approval_id: id });
    expect(await statusOf(id)).toBe('pending');
  });
});

describe('a high risk asks for the name of the target, typed', () => {
  const SCALE = { service: 'web-ui', reason: 'stop the bleeding' };

  test.each<[string, Record<string, unknown>]>([
    ['nothing', {}],
    ['an empty text', { target: '' }],
    ['another workload', { target: 'control-plane' }],
    ['another case', { target: 'Web-UI' }],
    ['blanks around it', { target: ' web-ui' }],
    ['invisible characters in it', { target: 'web\u200b-ui' }],
    ['a list', { target: ['web-ui'] }],
  ])('%s does not do', async (_what, typed) => {
    const asked = await raw.call('scale_down', SCALE);
    expect(JSON.stringify(asked.result?.inputRequests)).toContain('"required":["approve","target","approver"]');
    const answered = await raw.call('scale_down', SCALE, {
      requestState: asked.result?.requestState,
      inputResponses: accepted({ approve: true, approver: 'Ada', ...typed }),
    });
    if (answered.error) expect(answered.error.code).toBe(-32602);
    else expect(data(answered)).toMatchObject({ status: 'approval_required', plan: { risk: 'high' } });
  });
});
