import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { deciderOf, nameIsProven, personKey, samePerson, secretWasKnown } from '../../src/policy/people.ts';

const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
  return 'none';
};

describe('who decides', () => {
  it('is whose secret it is, whatever name is typed', () => {
    expect(deciderOf('Ada', 'Grace', ['Ada', 'Grace'])).toEqual({ approver: 'Ada', name_proven: true });
  });
  it('is the typed name with the shared secret, unless that person has a secret of their own', () => {
    expect(deciderOf(null, 'Grace', ['Ada'])).toEqual({ approver: 'Grace', name_proven: false });
    for (const typed of ['Ada', ' ada ', 'ADA\u200b', 'A\u3164da', 'Ada\ufe0f'])
      expect(
        codeOf(() => deciderOf(null, typed, ['Ada'])),
        JSON.stringify(typed),
      ).toBe('FORBIDDEN');
  });
  it.each([
    ['passkey', undefined, true],
    ['terminal', true, true],
    ['page_secret', true, true],
    ['terminal', undefined, false],
    ['page_secret', false, false],
    ['client_form', undefined, false],
    // Nothing that a client sends proves a name.
    ['client_form', true, false],
  ] as const)('by %s with name_proven %s is proven: %s', (way, name_proven, proven) => {
    expect(nameIsProven({ way, ...(name_proven === undefined ? {} : { name_proven }) })).toBe(proven);
  });
});

describe('names', () => {
  it.each([
    ['Ada Lovelace', 'ada  LOVELACE'],
    ['Ada', 'A\u200bd\u2060a\ufeff'],
    ['Ada', 'Ａｄａ'],
    ['Ada', 'Ada\u3164\u115f'],
    ['Ada', '\u{e0041}Ada\ufe0f'],
    ['Éva', 'e\u0301va'],
  ])('%s and %j are one person', (one, other) => {
    expect(samePerson(one, other)).toBe(true);
  });
  it('of nothing that is drawn is none', () => {
    for (const name of ['', ' \t', '\u200b', '\u3164', '\ufe0f\u00ad']) expect(personKey(name)).toBe('');
  });
});

describe('a secret counts for a plan', () => {
  it.each([
    ['that knew it', 'b', 'b', true],
    ['that knew it among others', 'a,b,c', 'b', true],
    ['that knew any of the file', 'a,b', 'b,x', true],
    ['that knew others', 'a,c', 'b', false],
    ['that knew one whose id it begins', 'abc', 'ab', false],
    ['made while none was set', null, 'b', false],
    ['of an older version', undefined, 'b', true],
  ])('%s', (_what, secret_id, id, known) => {
    expect(secretWasKnown({ secret_id }, id)).toBe(known);
  });
  it('never for no secret at all', () => {
    for (const secret_id of ['a', '', null]) {
      expect(secretWasKnown({ secret_id }, null)).toBe(false);
      expect(secretWasKnown({ secret_id }, '')).toBe(false);
    }
  });
});
