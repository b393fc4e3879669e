import { describe, expect, it } from 'vitest';
import {
  approversWanted,
  DEFAULT_LIFETIME_MS,
  describePolicy,
  type PolicyRule,
  waysFor,
} from '../../src/policy/approval-policy.ts';
import { approval } from '../domain/builders.ts';

const EVERY = ['client_form', 'terminal', 'page_secret', 'passkey'];
const subject = { action: 'rollback_release', environment: 'prod', risk: 'high' } as const;

describe('waysFor', () => {
  it.each([
    ['protected, high', true, 'high', EVERY.slice(1)],
    ['protected, medium', true, 'medium', EVERY],
    ['protected, low', true, 'low', EVERY],
    ['unprotected, high', false, 'high', EVERY],
  ] as const)('default: %s', (_name, isProtected, risk, ways) => {
    const answer = waysFor({ ...subject, risk }, { protected: isProtected }, []);
    expect(answer).toMatchObject({ ways, approvers_needed: 1, lifetime_ms: DEFAULT_LIFETIME_MS });
    expect(answer.why).toContain(`${risk} risk`);
  });

  const rules: PolicyRule[] = [
    { action: 'scale_down', ways: ['passkey'], approvers: 2, lifetime: 60_000 },
    { environment: ['prod', 'eu'], severity: 'SEV1', ways: ['terminal'] },
    { risk: ['low', 'medium'], ways: ['client_form'] },
  ];
  it.each([
    ['by action', { action: 'scale_down' }, ['passkey'], 2, 60_000, 'rule 1 (action scale_down)'],
    [
      'by environment and severity',
      { severity: 'SEV1' },
      ['terminal'],
      1,
      5,
      'rule 2 (environment prod or eu, severity SEV1)',
    ],
    ['no incident never matches a severity', { risk: 'low' }, ['client_form'], 1, 5, 'rule 3'],
    ['other environment', { severity: 'SEV1', environment: 'dev' }, EVERY.slice(1), 1, 5, 'default'],
    ['first match wins', { action: 'scale_down', severity: 'SEV1' }, ['passkey'], 2, 60_000, 'rule 1'],
  ] as const)('rules: %s', (_name, over, ways, approvers, lifetime, why) => {
    const answer = waysFor({ ...subject, ...over }, { protected: true }, rules, 5);
    expect(answer).toMatchObject({ ways, approvers_needed: approvers, lifetime_ms: lifetime });
    expect(answer.why).toContain(why);
  });

  it.each([
    ['one approver', { ways: ['terminal'] }, false, false],
    ['two approvers', { ways: ['terminal'], approvers: 2 }, true, false],
    ['two, and the requester may', { ways: ['terminal'], approvers: 2, exclude_requester: false }, false, false],
    ['one, and the requester may not', { ways: ['terminal'], exclude_requester: true }, true, false],
    ['proven names', { ways: ['passkey'], proven_names: true }, false, true],
  ] as const)('who may not: %s', (_name, rule, exclude_requester, proven_names) => {
    const answer = waysFor(subject, { protected: true }, [{ ...rule, ways: [...rule.ways] }]);
    expect(answer).toMatchObject({ exclude_requester, proven_names });
    const [line] = describePolicy({ name: 'prod', protected: true }, [{ ...rule, ways: [...rule.ways] }]);
    expect(line?.includes('not by the one whose assistant asked')).toBe(exclude_requester);
    expect(line?.includes('passkey or a secret of their own proves')).toBe(proven_names);
  });

  it('a plan says in a sentence whom it takes beyond one human', () => {
    expect(approversWanted(approval())).toBe('');
    expect(
      approversWanted(
        approval({ approvers_needed: 2, exclude_requester: true, requested_for: 'Olga', proven_names: true }),
      ),
    ).toBe(
      '2 different people must approve; Olga, whose assistant asked, may not; names count only when a passkey or a secret of their own proves them.',
    );
  });

  it('is described in words, without the rules of other environments', () => {
    const lines = describePolicy({ name: 'prod', protected: true }, [
      ...rules,
      { environment: 'dev', ways: ['terminal'] },
    ]);
    expect(lines).toHaveLength(5);
    expect(lines[0]).toBe(
      'rule 1, action scale_down: 2 different people, each by the local page with a passkey; not by the one whose assistant asked; serves for 1m00s',
    );
    expect(lines[3]).toMatch(/^otherwise, high risk: by a terminal/);
    expect(describePolicy({ name: 'dev', protected: false }, [])).toEqual([
      expect.stringMatching(/^any risk: by the client's form, or .*serves for 10m00s$/),
    ]);
  });
});
