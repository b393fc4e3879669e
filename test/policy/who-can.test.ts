import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WAYS } from '../../src/domain/approval.ts';
import { AppError } from '../../src/errors.ts';
import { decide } from '../../src/policy/approval-state.ts';
import { type Enrolled, reachOf } from '../../src/policy/who-can.ts';
import { approval, at, min } from '../domain/builders.ts';

const nobody: Enrolled = { shared: false, named: [], passkeys: [], operator: 'Olga' };
const plain = { exclude_requester: false, proven_names: false };

describe('who could approve now', () => {
  it.each([
    ['no secret', nobody, { ...plain, ways: ['terminal'] }, [], 0],
    [
      'a shared one',
      { ...nobody, shared: true },
      { ...plain, ways: ['terminal', 'page_secret'] },
      ['terminal', 'page_secret'],
      null,
    ],
    [
      'a shared one under proven names',
      { ...nobody, shared: true },
      { ways: ['terminal'], exclude_requester: false, proven_names: true },
      [],
      0,
    ],
    ['two named', { ...nobody, named: ['Ada', 'Grace'] }, { ...plain, ways: ['terminal'] }, ['terminal'], 2],
    [
      'one with both',
      { ...nobody, named: ['Ada'], passkeys: ['ADA'] },
      { ...plain, ways: ['terminal', 'passkey'] },
      ['terminal', 'passkey'],
      1,
    ],
    [
      'the requester among them',
      { ...nobody, named: ['Ada', 'olga'] },
      { ways: ['terminal'], exclude_requester: true, proven_names: false },
      ['terminal'],
      1,
    ],
    ['a form', nobody, { ...plain, ways: ['client_form'] }, ['client_form'], 1],
    [
      'a form that does not count',
      nobody,
      { ways: ['client_form'], exclude_requester: true, proven_names: false },
      [],
      0,
    ],
    ['no passkey', { ...nobody, shared: true }, { ...plain, ways: ['passkey'] }, [], 0],
  ] as const)('%s', (_what, who, demands, open, people) => {
    const reach = reachOf({ ...demands, ways: [...demands.ways] }, who);
    expect(reach).toMatchObject({ open, people });
    expect(reach.closed).toHaveLength(demands.ways.length - open.length);
    for (const { next } of reach.closed) expect(next).not.toBe('');
  });

  // What doctor says must be what the gate does.
  it('is what the gate then takes, person by person', () => {
    const names = fc.subarray(['Ada', 'Grace', 'Olga', 'Bob']);
    const everything = fc.record({
      ways: fc.subarray([...WAYS], { minLength: 1 }),
      exclude_requester: fc.boolean(),
      proven_names: fc.boolean(),
      shared: fc.boolean(),
      named: names,
      passkeys: names,
    });
    fc.assert(
      fc.property(everything, ({ ways, exclude_requester, proven_names, ...rest }) => {
        const who = { ...rest, operator: 'Olga' };
        const reach = reachOf({ ways, exclude_requester, proven_names }, who);
        let now = approval({ ways, exclude_requester, proven_names, requested_for: 'Olga', approvers_needed: 5 });
        const tries = [
          ...who.passkeys.map((approver) => ({ way: 'passkey' as const, approver })),
          ...(['terminal', 'page_secret'] as const).flatMap((way) => [
            ...who.named.map((approver) => ({ way, approver, name_proven: true })),
            ...(who.shared
              ? [
                  { way, approver: 'Somebody' },
                  { way, approver: 'Else' },
                ]
              : []),
          ]),
          { way: 'client_form' as const, approver: 'Form' },
        ];
        let taken = 0;
        for (const one of tries) {
          try {
            now = decide(now, { decision: 'approve', note: null, at: min(1), ...one }, at(1));
            taken += 1;
          } catch (error) {
            expect(error).toBeInstanceOf(AppError);
          }
          if (now.status === 'approved') break;
        }
        if (reach.people === null) expect(taken).toBeGreaterThan(0);
        else expect(taken).toBe(Math.min(reach.people, 5));
      }),
    );
  });
});
