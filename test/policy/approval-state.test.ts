import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Approval, ApprovalStatus, Decision, Outcome } from '../../src/domain/approval.ts';
import { AppError } from '../../src/errors.ts';
import {
  consume,
  decide,
  expireIfDue,
  finish,
  markStale,
  personKey,
  takesForm,
} from '../../src/policy/approval-state.ts';
import { approval, at, min } from '../domain/builders.ts';

const yes = (approver = 'Ada', over: Partial<Decision> = {}): Decision => ({
  decision: 'approve',
  way: 'terminal',
  approver,
  note: null,
  at: min(1),
  ...over,
});
const no = (approver = 'Ada'): Decision => yes(approver, { decision: 'reject' });
const right = { digest: 'd'.repeat(64), arguments_hash: 'a'.repeat(64), runner: { pid: 7, token: 't' } };
const outcome: Outcome = { status: 'executed', summary: 'done', started_at: min(2), finished_at: min(3), details: {} };
const approved = (over: Partial<Approval> = {}): Approval => decide(approval(over), yes(), at(1));
const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
  return 'none';
};

describe('approval', () => {
  it('goes pending -> approved -> running -> executed', () => {
    const running = consume(approved(), right, at(2));
    expect(running).toMatchObject({ status: 'running', runner: { pid: 7, token: 't', started_at: min(2) } });
    expect(finish(running, outcome)).toMatchObject({ status: 'executed', outcome });
  });

  it.each([
    'approved',
    'running',
    'executed',
    'failed',
    'outcome_unknown',
    'declined',
    'expired',
    'stale',
  ] as ApprovalStatus[])('takes no decision when %s', (status) => {
    expect(codeOf(() => decide(approval({ status }), yes(), at(1)))).toBe('CONFLICT');
    expect(codeOf(() => decide(approval({ status }), no(), at(1)))).toBe('CONFLICT');
  });
  it.each([
    'pending',
    'running',
    'executed',
    'failed',
    'outcome_unknown',
    'declined',
    'expired',
    'stale',
  ] as ApprovalStatus[])('does not run when %s', (status) => {
    expect(codeOf(() => consume({ ...approved(), status }, right, at(2)))).toBe('CONFLICT');
  });

  it('becomes stale on another digest, and refuses other arguments without being spent', () => {
    expect(consume(approved(), { ...right, digest: 'e'.repeat(64) }, at(2)).status).toBe('stale');
    expect(codeOf(() => consume(approved(), { ...right, arguments_hash: 'b' }, at(2)))).toBe('CONFLICT');
  });
  it('does not run on a status alone, without the approvals', () => {
    expect(codeOf(() => consume(approval({ status: 'approved' }), right, at(2)))).toBe('CONFLICT');
  });

  it('expires at its instant, for a decision as for a run, and a clock set back revives nothing', () => {
    expect(expireIfDue(approval(), at(9.99)).status).toBe('pending');
    expect(expireIfDue(approval(), at(10)).status).toBe('expired');
    expect(decide(approval(), yes(), at(10)).status).toBe('expired');
    const expired = consume(approved(), right, at(11));
    expect(expired.status).toBe('expired');
    expect(codeOf(() => consume(expired, right, at(2)))).toBe('CONFLICT');
    expect(expireIfDue(approval(), at(-2)).status).toBe('expired');
    expect(expireIfDue(approval(), at(-0.5)).status).toBe('pending');
    expect(expireIfDue(approval({ expires_at: 'never' }), at(1)).status).toBe('expired');
    expect(expireIfDue(approval({ status: 'running' }), at(99)).status).toBe('running');
  });

  it('needs a way that policy accepts to approve, but none to reject', () => {
    expect(codeOf(() => decide(approval({ ways: ['passkey'] }), yes(), at(1)))).toBe('FORBIDDEN');
    expect(decide(approval({ ways: ['passkey'] }), no(), at(1)).status).toBe('declined');
    expect(codeOf(() => decide(approval(), yes('  '), at(1)))).toBe('INVALID_INPUT');
  });

  it('counts different people only', () => {
    const one = decide(approval({ approvers_needed: 2 }), yes('Ada Lovelace'), at(1));
    expect(one.status).toBe('pending');
    for (const same of ['ada  lovelace', ' ADA LOVELACE ', 'Ａｄａ Lovelace', 'Ada\u200b Lovelace']) {
      expect(codeOf(() => decide(one, yes(same), at(2)))).toBe('CONFLICT');
    }
    expect(decide(one, yes('Grace'), at(2)).status).toBe('approved');
    expect(decide(one, no('Grace'), at(2)).status).toBe('declined');
    expect(personKey('e\u0301va')).toBe(personKey('ÉVA'));
  });

  it('is not approved by the one whose assistant asked, nor by the form of that client; they may reject', () => {
    const asked = approval({
      approvers_needed: 1,
      exclude_requester: true,
      requested_for: 'Olga Operator',
      ways: ['client_form', 'terminal', 'passkey'],
    });
    for (const name of ['Olga Operator', ' olga  OPERATOR', 'Olga\u200b Operator', 'Olga Operator\u3164']) {
      expect(codeOf(() => decide(asked, yes(name), at(1)))).toBe('FORBIDDEN');
      expect(codeOf(() => decide(asked, yes(name, { way: 'passkey' }), at(1)))).toBe('FORBIDDEN');
    }
    expect(codeOf(() => decide(asked, yes('Ada', { way: 'client_form' }), at(1)))).toBe('FORBIDDEN');
    expect(takesForm(asked)).toBe(false);
    expect(decide(asked, no('Olga Operator'), at(1)).status).toBe('declined');
    expect(decide(asked, yes('Ada'), at(1)).status).toBe('approved');
    // Where nobody is left out, who asked may approve.
    expect(decide({ ...asked, exclude_requester: false }, yes('Olga Operator'), at(1)).status).toBe('approved');
  });

  it('takes typed names only where policy does not ask for proven ones', () => {
    const strict = approval({ proven_names: true, ways: ['client_form', 'terminal', 'page_secret', 'passkey'] });
    expect(takesForm(strict)).toBe(false);
    for (const way of ['client_form', 'terminal', 'page_secret'] as const)
      expect(codeOf(() => decide(strict, yes('Ada', { way }), at(1)))).toBe('FORBIDDEN');
    expect(codeOf(() => decide(strict, yes('Ada', { way: 'client_form', name_proven: true }), at(1)))).toBe(
      'FORBIDDEN',
    );
    expect(decide(strict, yes('Ada', { name_proven: true }), at(1)).status).toBe('approved');
    expect(decide(strict, yes('Ada', { way: 'passkey' }), at(1)).status).toBe('approved');
    expect(decide(strict, no('Ada'), at(1)).status).toBe('declined');
  });

  it('does not run on decisions that do not count, whoever wrote them', () => {
    const decided = { ...approval({ status: 'approved', requested_for: 'Ada' }), decisions: [yes('Ada')] };
    expect(consume(decided, right, at(2)).status).toBe('running');
    expect(codeOf(() => consume({ ...decided, exclude_requester: true }, right, at(2)))).toBe('CONFLICT');
    expect(codeOf(() => consume({ ...decided, proven_names: true }, right, at(2)))).toBe('CONFLICT');
  });

  it('is overtaken only before it runs, and finished only while it runs', () => {
    expect(markStale(approved()).status).toBe('stale');
    expect(markStale(approval({ status: 'running' })).status).toBe('running');
    expect(codeOf(() => finish(approved(), outcome))).toBe('CONFLICT');
    expect(codeOf(() => finish(approval({ status: 'executed' }), outcome))).toBe('CONFLICT');
  });

  it('runs at most once, and never after a rejection, an expiry or going stale, whatever happens in whatever order', () => {
    const step = fc.record({
      what: fc.constantFrom('approve', 'reject', 'consume', 'consume-other', 'expire', 'stale', 'finish'),
      who: fc.constantFrom('Ada', 'ada ', 'Grace'),
      minute: fc.integer({ min: -5, max: 15 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 2 }), (steps, needed) => {
        let now = approval({ approvers_needed: needed });
        let runs = 0;
        let over = false;
        for (const { what, who, minute } of steps) {
          const before = now;
          try {
            if (what === 'approve') now = decide(now, yes(who), at(minute));
            else if (what === 'reject') now = decide(now, no(who), at(minute));
            else if (what === 'consume') now = consume(now, right, at(minute));
            else if (what === 'consume-other') now = consume(now, { ...right, digest: 'x' }, at(minute));
            else if (what === 'expire') now = expireIfDue(now, at(minute));
            else if (what === 'stale') now = markStale(now);
            else now = finish(now, outcome);
          } catch (error) {
            expect(error).toBeInstanceOf(AppError);
          }
          if (now.status === 'running' && before.status !== 'running') {
            runs += 1;
            expect(over).toBe(false);
            expect(new Set(now.decisions.map((d) => personKey(d.approver))).size).toBeGreaterThanOrEqual(needed);
          }
          over ||= ['declined', 'expired', 'stale', 'executed'].includes(now.status);
          if (over && before.status === now.status) expect(now).toBe(before);
        }
        expect(runs).toBeLessThanOrEqual(1);
      }),
    );
  });
});
