import { describe, expect, it } from 'vitest';
import { AppError, type ErrorCode } from '../../src/errors.ts';
import { recordDecision } from '../../src/mcp/gate/decide.ts';
import { type Answer, callGated, type GateReply } from '../../src/mcp/gate/gate.ts';
import type { GateResult } from '../../src/mcp/gate/result.ts';
import { JOURNAL } from '../../src/ports/store.ts';
import { ARGS, type Bench, bench, terminal, tinyTool, type World, world } from './harness.ts';

const NOTHING: Answer = { state: null, response: undefined };
const ACCEPT = { action: 'accept', content: { approve: true, approver: 'Ada' } };

async function codeOf(work: Promise<unknown>): Promise<ErrorCode | 'no error'> {
  try {
    await work;
    return 'no error';
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}

function resultOf(reply: GateReply): GateResult {
  if (reply.kind !== 'result') throw new Error('the gate asked instead of answering');
  return reply.result;
}

interface Call {
  args?: Record<string, unknown>;
  answer?: Answer;
  can_ask?: boolean;
  signal?: AbortSignal;
}

function caller(b: Bench, state: World, name?: string) {
  const tool = tinyTool(state, name);
  return (call: Call = {}): Promise<GateReply> =>
    callGated(tool, { ...ARGS, ...call.args }, call.answer ?? NOTHING, b.context(call), b.deps);
}

/** A pending plan, and the form's sealed state for it. */
async function pending(b: Bench, call: ReturnType<typeof caller>) {
  const { approval_id, plan } = resultOf(await call());
  expect((await b.store.approval(approval_id))?.status).toBe('pending');
  return { id: approval_id, state: { approval_id, digest: plan.digest, way: 'form' as const } };
}

describe('a first call', () => {
  it('plans, writes the plan down, tells the ways, and runs nothing', async () => {
    const b = await bench();
    const state = world();
    const incident = await b.declare();
    const result = resultOf(await caller(b, state)());
    expect(result).toMatchObject({ status: 'approval_required', incident_id: incident });
    expect(result.how_to_approve.join(' ')).toContain(`incident-mcp approve ${result.approval_id}`);
    expect(result.plan.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(Date.parse(result.plan.expires_at)).toBe(b.clock.now().getTime() + 10 * 60_000);
    expect(await b.kinds(incident)).toEqual(['declared', 'plan_proposed']);
    expect(state.ran).toEqual([]);
  });

  it('writes to the journal where no incident is open', async () => {
    const b = await bench();
    const result = resultOf(await caller(b, world())());
    expect(result.incident_id).toBeNull();
    expect(await b.kinds(JOURNAL)).toEqual(['plan_proposed']);
  });

  it('asks a client that can show a form, unless policy wants more than a form', async () => {
    const b = await bench();
    expect((await caller(b, world())({ can_ask: true })).kind).toBe('ask');
    const strict = await bench('[{ ways: [terminal] }]');
    const result = resultOf(await caller(strict, world())({ can_ask: true }));
    expect(result.status).toBe('approval_required');
    expect(result.how_to_approve).toHaveLength(1);
  });

  it('asks for more than a form at high risk in a protected environment, by default', async () => {
    const b = await bench();
    const state = { ...world(), risk: 'high' as const };
    expect((await caller(b, state)({ can_ask: true })).kind).toBe('result');
  });

  it('finds its open plan again instead of piling up plans, also with another wording of the reason', async () => {
    const b = await bench();
    const call = caller(b, world());
    const first = resultOf(await call());
    const again = resultOf(await call({ args: { reason: 'still stuck' } }));
    expect(again.approval_id).toBe(first.approval_id);
    const other = resultOf(await call({ args: { service: 'gateway' } }));
    expect(other.approval_id).not.toBe(first.approval_id);
    expect(await b.store.approvals()).toHaveLength(2);
  });

  it('makes a new plan when the world moved, or when the old one expired', async () => {
    const b = await bench();
    const state = world();
    const call = caller(b, state);
    const first = resultOf(await call());
    state.generation = 9;
    const second = resultOf(await call());
    expect(second.approval_id).not.toBe(first.approval_id);
    b.clock.forward(10 * 60_000);
    const third = resultOf(await call());
    expect(new Set([first, second, third].map((r) => r.approval_id)).size).toBe(3);
  });
});

describe('the form', () => {
  it('runs exactly once what was accepted, and the record tells it in order', async () => {
    const b = await bench();
    const state = world();
    const incident = await b.declare();
    const call = caller(b, state);
    const { id, state: sealed } = await pending(b, call);
    const answer = { state: sealed, response: ACCEPT };
    const result = resultOf(await call({ answer, can_ask: true }));
    expect(result).toMatchObject({ status: 'executed', approval_id: id, outcome: { summary: 'restarted' } });
    expect(await b.kinds(incident)).toEqual([
      'declared',
      'plan_proposed',
      'approval_decided',
      'command_started',
      'command_finished',
    ]);
    expect((await b.store.incident(incident))?.first_response).toMatchObject({ by: 'Ada', known_by: 'client_form' });
    for (const replay of [{ answer }, { args: { approval_id: id } }]) {
      expect(resultOf(await call(replay)).status).toBe('executed');
    }
    expect(state.ran).toHaveLength(1);
  });

  it.each([
    ['a bare accept', { action: 'accept' }, 'approval_required', 'pending'],
    ['an accept of nothing', { action: 'accept', content: {} }, 'approval_required', 'pending'],
    ['no name', { action: 'accept', content: { approve: true } }, 'approval_required', 'pending'],
    [
      'a blank name',
      { action: 'accept', content: { approve: true, approver: ' \u200b ' } },
      'approval_required',
      'pending',
    ],
    [
      'yes as text',
      { action: 'accept', content: { approve: 'true', approver: 'Ada' } },
      'approval_required',
      'pending',
    ],
    [
      'another target',
      { action: 'accept', content: { approve: true, approver: 'Ada', target: 'gateway' } },
      'approval_required',
      'pending',
    ],
    ['a cancel', { action: 'cancel' }, 'approval_required', 'pending'],
    ['no answer', undefined, 'approval_required', 'pending'],
    ['a decline', { action: 'decline' }, 'declined', 'declined'],
    ['a no', { action: 'accept', content: { approve: false, approver: 'Ada' } }, 'declined', 'declined'],
  ])('runs nothing on %s', async (_name, response, status, stored) => {
    const b = await bench();
    const state = world();
    const call = caller(b, state);
    const { id, state: sealed } = await pending(b, call);
    expect(resultOf(await call({ answer: { state: sealed, response }, can_ask: true })).status).toBe(status);
    expect((await b.store.approval(id))?.status).toBe(stored);
    expect(state.ran).toEqual([]);
  });

  it('wants the target typed at high risk', async () => {
    const b = await bench('[{ ways: [client_form] }]');
    const state = { ...world(), risk: 'high' as const };
    const call = caller(b, state);
    const { state: sealed } = await pending(b, call);
    const typed = (target: string) => ({ action: 'accept', content: { approve: true, approver: 'Ada', target } });
    for (const response of [ACCEPT, typed('ANALYSIS-ENGINE'), typed('')]) {
      expect(resultOf(await call({ answer: { state: sealed, response } })).status).toBe('approval_required');
    }
    expect(state.ran).toEqual([]);
    expect(resultOf(await call({ answer: { state: sealed, response: typed('analysis-engine') } })).status).toBe(
      'executed',
    );
  });

  it('does not count where policy takes no form', async () => {
    const b = await bench('[{ ways: [terminal] }]');
    const state = world();
    const call = caller(b, state);
    const { id, state: sealed } = await pending(b, call);
    expect(await codeOf(call({ answer: { state: sealed, response: ACCEPT } }))).toBe('FORBIDDEN');
    expect((await b.store.approval(id))?.status).toBe('pending');
    expect(state.ran).toEqual([]);
  });

  it('serves only the plan, the digest, the tool and the arguments it was shown for', async () => {
    const b = await bench();
    const state = world();
    const call = caller(b, state);
    const { id, state: sealed } = await pending(b, call);
    const accept = (more: Partial<typeof sealed>): Answer => ({ state: { ...sealed, ...more }, response: ACCEPT });
    expect(await codeOf(call({ answer: accept({ digest: '0'.repeat(64) }) }))).toBe('CONFLICT');
    expect(await codeOf(call({ answer: accept({ approval_id: 'APR-9999999999' }) }))).toBe('NOT_FOUND');
    expect(await codeOf(call({ answer: accept({}), args: { service: 'gateway' } }))).toBe('CONFLICT');
    expect(await codeOf(call({ answer: accept({}), args: { approval_id: 'APR-9999999999' } }))).toBe('CONFLICT');
    expect(await codeOf(caller(b, state, 'scale_down')({ answer: accept({}) }))).toBe('CONFLICT');
    expect((await b.store.approval(id))?.status).toBe('pending');
    expect(state.ran).toEqual([]);
  });

  it('is late when the plan expired while it was open', async () => {
    const b = await bench();
    const state = world();
    const call = caller(b, state);
    const { id, state: sealed } = await pending(b, call);
    b.clock.forward(10 * 60_000);
    expect(resultOf(await call({ answer: { state: sealed, response: ACCEPT } })).status).toBe('expired');
    expect((await b.store.approval(id))?.status).toBe('expired');
    expect(state.ran).toEqual([]);
  });
});

describe('an approval from elsewhere', () => {
  it('runs on the next call, with or without naming it', async () => {
    for (const name of [true, false]) {
      const b = await bench();
      const state = world();
      const call = caller(b, state);
      const { id } = await pending(b, call);
      await recordDecision(b.deps, id, terminal());
      const reply = resultOf(await call(name ? { args: { approval_id: id } } : {}));
      expect(reply).toMatchObject({ status: 'executed', approval_id: id });
      expect(state.ran).toHaveLength(1);
    }
  });

  it('runs nothing for other arguments, another tool, another incident or an unknown id', async () => {
    const b = await bench();
    const state = world();
    await b.declare();
    const other = await b.declare();
    const call = caller(b, state);
    const first = resultOf(await call({ args: { incident_id: 'INC-0001' } }));
    await recordDecision(b.deps, first.approval_id, terminal());
    const approval_id = first.approval_id;
    expect(await codeOf(call({ args: { approval_id, service: 'gateway' } }))).toBe('CONFLICT');
    expect(await codeOf(call({ args: { approval_id, incident_id: other } }))).toBe('CONFLICT');
    expect(await codeOf(caller(b, state, 'scale_down')({ args: { approval_id } }))).toBe('CONFLICT');
    expect(await codeOf(call({ args: { approval_id: 'APR-9999999999' } }))).toBe('NOT_FOUND');
    expect(state.ran).toEqual([]);
    expect(resultOf(await call({ args: { approval_id } })).status).toBe('executed');
  });

  it('goes stale when the world moved, and stays so when the world moves back', async () => {
    const b = await bench();
    const state = world();
    const incident = await b.declare();
    const call = caller(b, state);
    const { id } = await pending(b, call);
    await recordDecision(b.deps, id, terminal());
    state.generation = 2;
    expect(resultOf(await call({ args: { approval_id: id } })).status).toBe('stale');
    state.generation = 1;
    expect(resultOf(await call({ args: { approval_id: id } })).status).toBe('stale');
    expect(state.ran).toEqual([]);
    expect(await b.kinds(incident)).not.toContain('command_started');
  });

  it('expires unused', async () => {
    const b = await bench();
    const state = world();
    const call = caller(b, state);
    const { id } = await pending(b, call);
    await recordDecision(b.deps, id, terminal());
    b.clock.forward(10 * 60_000);
    expect(resultOf(await call({ args: { approval_id: id } })).status).toBe('expired');
    expect(await codeOf(recordDecision(b.deps, id, terminal('Bob')))).toBe('CONFLICT');
    expect(state.ran).toEqual([]);
  });

  it('is final when rejected', async () => {
    const b = await bench();
    const state = world();
    const call = caller(b, state);
    const { id } = await pending(b, call);
    await recordDecision(b.deps, id, terminal('Ada', 'reject'));
    expect(await codeOf(recordDecision(b.deps, id, terminal('Bob')))).toBe('CONFLICT');
    expect(resultOf(await call({ args: { approval_id: id } })).status).toBe('declined');
    expect(state.ran).toEqual([]);
  });

  it('needs as many different people as policy says', async () => {
    const b = await bench('[{ ways: [terminal], approvers: 2 }]');
    const state = world();
    const call = caller(b, state);
    const { id } = await pending(b, call);
    await recordDecision(b.deps, id, terminal('Ada'));
    expect(await codeOf(recordDecision(b.deps, id, terminal(' ADA ')))).toBe('CONFLICT');
    expect(resultOf(await call({ args: { approval_id: id } })).status).toBe('approval_required');
    expect(state.ran).toEqual([]);
    await recordDecision(b.deps, id, terminal('Bob'));
    expect(resultOf(await call({ args: { approval_id: id } })).status).toBe('executed');
  });

  it('is consumed once by calls that come at the same time', async () => {
    const b = await bench();
    const state = world();
    const call = caller(b, state);
    const { id } = await pending(b, call);
    await recordDecision(b.deps, id, terminal());
    const replies = await Promise.all(Array.from({ length: 6 }, () => call({ args: { approval_id: id } })));
    const statuses = replies.map((reply) => resultOf(reply).status);
    expect(state.ran).toHaveLength(1);
    expect(statuses.filter((status) => status === 'executed').length).toBeGreaterThan(0);
    expect(statuses.filter((status) => !['executed', 'in_progress', 'stale'].includes(status))).toEqual([]);
    expect((await b.store.approval(id))?.status).toBe('executed');
  });

  it('is kept for later when the call is cancelled before it ran', async () => {
    const b = await bench();
    const state = world();
    const call = caller(b, state);
    const { id } = await pending(b, call);
    await recordDecision(b.deps, id, terminal());
    const gone = new AbortController();
    gone.abort();
    expect(await codeOf(call({ args: { approval_id: id }, signal: gone.signal }))).toBe('CONFLICT');
    expect(state.ran).toEqual([]);
    expect(resultOf(await call({ args: { approval_id: id } })).status).toBe('executed');
  });
});
