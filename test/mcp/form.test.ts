import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RISKS } from '../../src/domain/plan.ts';
import { approvalForm, formState, readAnswer } from '../../src/mcp/gate/form.ts';
import { approval, plan } from '../domain/builders.ts';

const at = (risk: (typeof RISKS)[number]) => approval({ plan: plan({ risk, target: 'pulsestream-core' }) });
const accepted = (content: unknown) => ({ action: 'accept', content });
const COMPLETE = { approve: true, approver: 'Ada', target: 'pulsestream-core' };

describe('reading the form', () => {
  it.each([
    ['yes', 'low', { approve: true, approver: 'Ada' }, { kind: 'approve', approver: 'Ada', note: null }],
    ['yes with the target', 'high', COMPLETE, { kind: 'approve', approver: 'Ada', note: null }],
    ['a note', 'low', { ...COMPLETE, note: ' go\nnow ' }, { kind: 'approve', approver: 'Ada', note: 'go now' }],
    [
      'an empty target at low risk',
      'low',
      { ...COMPLETE, target: '' },
      { kind: 'approve', approver: 'Ada', note: null },
    ],
    ['a no', 'high', { approve: false, approver: 'Ada' }, { kind: 'reject', approver: 'Ada', note: null }],
  ] as const)('%s', (_name, risk, content, verdict) => {
    expect(readAnswer(accepted(content), at(risk))).toEqual(verdict);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a bare accept', { action: 'accept' }],
    ['no content', accepted(null)],
    ['an empty content', accepted({})],
    ['no approve', accepted({ ...COMPLETE, approve: undefined })],
    ['approve as text', accepted({ ...COMPLETE, approve: 'true' })],
    ['approve as a number', accepted({ ...COMPLETE, approve: 1 })],
    ['no approver', accepted({ ...COMPLETE, approver: undefined })],
    ['a blank approver', accepted({ ...COMPLETE, approver: '  ' })],
    ['an invisible approver', accepted({ ...COMPLETE, approver: '\u200b\u2060' })],
    ['no target at high risk', accepted({ ...COMPLETE, target: undefined })],
    ['another target', accepted({ ...COMPLETE, target: 'pulsestream-agent' })],
    ['nearly the target', accepted({ ...COMPLETE, target: 'pulsestream-core ' })],
    ['an unknown action', { action: 'approve', content: COMPLETE }],
    ['a cancel that carries a yes', { action: 'cancel', content: COMPLETE }],
    ['a list', [accepted(COMPLETE)]],
    ['text', JSON.stringify(accepted(COMPLETE))],
  ])('%s decides nothing', (_name, raw) => {
    expect(readAnswer(raw, at('high'))).toMatchObject({ kind: 'unusable' });
  });

  it('a decline declines, also when it carries a yes', () => {
    expect(readAnswer({ action: 'decline', content: COMPLETE }, at('low'))).toEqual({ kind: 'declined' });
  });

  it('nothing but a complete acceptance approves', () => {
    // Mostly right, so that complete acceptances occur; otherwise anything that JSON can carry.
    const mostly = (...right: unknown[]) =>
      fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...right) }, { weight: 1, arbitrary: fc.jsonValue() });
    const content = fc.record(
      {
        approve: mostly(true, true, false, 'true'),
        approver: mostly('Ada', ' Bob ', ''),
        target: mostly('pulsestream-core', '', undefined),
        note: mostly('go', undefined),
      },
      { requiredKeys: [] },
    );
    const raw = fc.record({
      action: mostly('accept', 'accept', 'decline'),
      content: fc.oneof(content, fc.jsonValue()),
    });
    let approvals = 0;
    fc.assert(
      fc.property(raw, fc.constantFrom(...RISKS), (sent, risk) => {
        if (readAnswer(sent, at(risk)).kind !== 'approve') return;
        approvals += 1;
        const { action, content: c } = sent as { action: string; content: Record<string, unknown> };
        expect(action).toBe('accept');
        expect(c.approve).toBe(true);
        expect(String(c.approver).trim()).not.toBe('');
        if (risk === 'high') expect(c.target).toBe('pulsestream-core');
        else expect([undefined, '', 'pulsestream-core']).toContain(c.target);
      }),
      { numRuns: 3_000 },
    );
    expect(approvals).toBeGreaterThan(0);
  });
});

describe('the form', () => {
  it.each(RISKS)('of a plan of %s risk asks for what the contract names', (risk) => {
    const { requestedSchema, message } = approvalForm(at(risk));
    const high = risk === 'high';
    expect(Object.keys(requestedSchema.properties)).toEqual(
      high ? ['approve', 'target', 'approver', 'note'] : ['approve', 'approver', 'note'],
    );
    expect(requestedSchema.required).toEqual(high ? ['approve', 'target', 'approver'] : ['approve', 'approver']);
    expect(JSON.stringify(requestedSchema)).not.toContain('$schema');
    // A default of yes would let an empty click approve.
    expect(JSON.stringify(requestedSchema)).not.toContain('"default"');
    expect(message.includes('type the target')).toBe(high);
  });

  it('has a state of three fields and nothing else', () => {
    const state = { approval_id: 'APR-7K2M9Q4XBT', digest: 'd'.repeat(64), way: 'form' };
    expect(formState.safeParse(state).success).toBe(true);
    for (const wrong of [
      {},
      { ...state, more: 1 },
      { ...state, digest: 1 },
      { ...state, way: 'terminal' },
      null,
      'x',
    ]) {
      expect(formState.safeParse(wrong).success).toBe(false);
    }
  });
});
