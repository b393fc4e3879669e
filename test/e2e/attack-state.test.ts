import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { tellTests } from '../attack/tell-tests.ts';
import { Bin } from '../helpers/bin.ts';
import { type Home, makeHome } from '../helpers/home.ts';
import { accepted, connectRaw, type RawAnswer, type RawClient } from '../helpers/raw.ts';
import { type Sandbox, startSandbox } from '../helpers/sandbox.ts';
import { ERROR } from '../helpers/story.ts';

tellTests("attacks: the form's state");
const bin = new Bin();
let sandbox: Sandbox;
let home: Home;
let raw: RawClient;
beforeEach(async () => {
  sandbox = await startSandbox(bin, 'bad-deploy');
  home = await makeHome(bin, sandbox.config);
  raw = connectRaw(bin, home);
  return () => bin.empty();
});
afterAll(() => bin.empty());

const ROLLBACK = { release: 'pulsestream-core', reason: 'it crashes' };
const RESTART = { service: 'web-ui', reason: 'it is stuck' };
const YES = accepted({ approve: true, approver: 'Mallory' });

const data = (answer: RawAnswer): Record<string, unknown> => answer.result?.structuredContent ?? {};
const text = (answer: RawAnswer): string => answer.result?.content?.map((part) => part.text ?? '').join('\n') ?? '';
const asks = (answer: RawAnswer): boolean => answer.result?.resultType === 'input_required';
const idIn = (answer: RawAnswer): string =>
  /APR-[0-9A-Z]{10}/.exec(JSON.stringify(answer.result?.inputRequests ?? answer.result))?.[0] ?? 'none';
const actions = async () => (await sandbox.truth()).actions;

describe('the state of the form', () => {
  test('an answer on the first call, without any state, is dropped and the human is asked', async () => {
    const answered = await raw.call('rollback_release', ROLLBACK, { inputResponses: YES });
    expect(asks(answered)).toBe(true);
    const named = await raw.call(
      'rollback_release',
      { ...ROLLBACK, approval_id: idIn(answered) },
      { inputResponses: YES },
    );
    expect(asks(named)).toBe(true);
    expect(await actions()).toEqual([]);
  });

  test('forged, altered, foreign or of another type is refused', async () => {
    const asked = await raw.call('rollback_release', ROLLBACK);
    const state = String(asked.result?.requestState);
    const other = connectRaw(bin, home);
    const foreign = (await other.call('rollback_release', ROLLBACK)).result?.requestState;
    expect(foreign).toBeTypeOf('string');
    const plain = Buffer.from(JSON.stringify({ approval_id: idIn(asked), digest: '0'.repeat(64) })).toString(
      'base64url',
    );
    const flipped = `${state.slice(0, -3)}${state.at(-3) === 'A' ? 'B' : 'A'}${state.slice(-2)}`;
    for (const requestState of [
      'forged',
      '',
      plain,
      flipped,
      state.slice(0, -1),
      `${state}A`,
      foreign,
      7,
      { approval_id: idIn(asked) },
    ]) {
      const answered = await raw.call('rollback_release', ROLLBACK, { requestState, inputResponses: YES });
      // An empty state is none: the human is asked.
      if (requestState === '') expect(asks(answered) || answered.error?.code === -32602).toBe(true);
      else expect(answered.error?.code, String(requestState)).toBe(-32602);
    }
    expect(await actions()).toEqual([]);
    expect(data(await raw.call('get_approval', { approval_id: idIn(asked) })).approvals).toMatchObject([
      { status: 'pending' },
    ]);
  });

  test('of another approval does not approve this one, nor that one', async () => {
    const one = await raw.call('rollback_release', ROLLBACK);
    const two = await raw.call('restart_service', RESTART);
    const crossed = [
      await raw.call('rollback_release', ROLLBACK, { requestState: two.result?.requestState, inputResponses: YES }),
      await raw.call(
        'restart_service',
        { ...RESTART, service: 'control-plane' },
        { requestState: two.result?.requestState, inputResponses: YES },
      ),
      await raw.call(
        'restart_service',
        { ...RESTART, approval_id: idIn(one) },
        { requestState: two.result?.requestState, inputResponses: YES },
      ),
    ];
    for (const answered of crossed) {
      expect(answered.result?.isError).toBe(true);
      expect(text(answered)).toMatch(/^CONFLICT: .*nothing was run.* Next: /s);
    }
    expect(await actions()).toEqual([]);
  });

  test('replayed after the run tells the outcome and runs nothing more', async () => {
    const asked = await raw.call('restart_service', RESTART);
    const continued = { requestState: asked.result?.requestState, inputResponses: YES };
    expect(data(await raw.call('restart_service', RESTART, continued))).toMatchObject({ status: 'executed' });
    expect(data(await raw.call('restart_service', RESTART, continued))).toMatchObject({
      status: 'executed',
      approval_id: idIn(asked),
    });
    expect(data(await raw.call('restart_service', { ...RESTART, approval_id: idIn(asked) }))).toMatchObject({
      status: 'executed',
    });
    expect(await actions()).toHaveLength(1);
    // Without the id it is a new wish: a new plan, and the human is asked again.
    const fresh = await raw.call('restart_service', RESTART);
    expect(asks(fresh)).toBe(true);
    expect(idIn(fresh)).not.toBe(idIn(asked));
    expect(await actions()).toHaveLength(1);
  });

  test('replayed three times at once runs once', async () => {
    const asked = await raw.call('restart_service', RESTART);
    const continued = { requestState: asked.result?.requestState, inputResponses: YES };
    const answers = await Promise.all([1, 2, 3].map(() => raw.call('restart_service', RESTART, continued)));
    const statuses = answers.map((answer) => data(answer).status);
    expect(statuses).toContain('executed');
    for (const status of statuses) expect(['executed', 'in_progress']).toContain(status);
    expect(await actions()).toHaveLength(1);
  });

  test('replayed with a yes after a no stays a no', async () => {
    const asked = await raw.call('restart_service', RESTART);
    const state = { requestState: asked.result?.requestState };
    const no = await raw.call('restart_service', RESTART, {
      ...state,
      inputResponses: { approval: { action: 'decline' } },
    });
    expect(data(no)).toMatchObject({ status: 'declined' });
    expect(data(await raw.call('restart_service', RESTART, { ...state, inputResponses: YES }))).toMatchObject({
      status: 'declined',
    });
    expect(await actions()).toEqual([]);
  });
});

describe('an approval by name', () => {
  test('serves only its own tool, arguments and incident', async () => {
    const declared = data(await raw.call('declare_incident', { title: 'Analyses fail', severity: 'SEV2' }));
    const incident = (declared.incident as { id: string }).id;
    const asked = await raw.call('rollback_release', { ...ROLLBACK, incident_id: incident });
    const id = idIn(asked);
    const decided = await home.decide('approve', id, sandbox.secret);
    expect(decided.code).toBe(0);
    const second = data(await raw.call('declare_incident', { title: 'Something else', severity: 'SEV3' }));
    const elsewhere = (second.incident as { id: string }).id;
    const crossed: [string, string, Record<string, unknown>][] = [
      ['another revision', 'rollback_release', { ...ROLLBACK, revision: 9 }],
      ['the same revision, now by name', 'rollback_release', { ...ROLLBACK, revision: 10 }],
      ['another release', 'rollback_release', { ...ROLLBACK, release: 'pulsestream-agent' }],
      ['another namespace', 'rollback_release', { ...ROLLBACK, namespace: 'pulsestream-agent-prod' }],
      ['another tool', 'restart_service', RESTART],
      ['a third tool', 'scale_down', { reason: 'stop it' }],
      ['another incident', 'rollback_release', { ...ROLLBACK, incident_id: elsewhere }],
    ];
    for (const [what, tool, args] of crossed) {
      const answered = await raw.call(tool, { ...args, approval_id: id });
      expect(answered.result?.isError, what).toBe(true);
      expect(text(answered), what).toMatch(/^CONFLICT: .*nothing was run.* Next: /s);
    }
    expect(await actions()).toEqual([]);
    // And the approval itself is unharmed by these attempts.
    const done = await raw.call('rollback_release', { ...ROLLBACK, reason: 'in other words', approval_id: id });
    expect(data(done)).toMatchObject({ status: 'executed', incident_id: incident });
    expect(await actions()).toHaveLength(1);
  });

  test.each([
    ['APR-0000000000', 'NOT_FOUND'],
    ['APR-7K2M9Q4XB', 'INVALID_INPUT'],
    ['../approvals/APR-0000000000', 'INVALID_INPUT'],
    ['APR-0000000000\n', 'INVALID_INPUT'],
  ])('that does not exist (%j) gives %s', async (id, code) => {
    const answered = await raw.call('restart_service', { ...RESTART, approval_id: id });
    expect(text(answered)).toMatch(ERROR);
    expect(text(answered)).toMatch(new RegExp(`^${code}: `));
    expect(await actions()).toEqual([]);
  });
});
