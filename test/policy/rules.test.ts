import { describe, expect, it } from 'vitest';
import { type Config, loadConfig } from '../../src/config.ts';
import { AppError } from '../../src/errors.ts';

const load = (text: string, env: Record<string, string> = {}): Config =>
  loadConfig({ flags: { config: '/c.yaml' }, env: { HOME: '/home/x', ...env }, cwd: '/', readFile: () => text });

function refusalOf(text: string): string {
  try {
    load(text);
  } catch (error) {
    if (error instanceof AppError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'none';
}

/** Rules from the fifth line on. */
const rules = (...lines: string[]): string =>
  ['environments: { prod: {}, staging: {} }', 'approval:', '  policy:', ...lines.map((line) => `    - ${line}`)].join(
    '\n',
  );

describe('rules that could never be met are refused with their line and what to do', () => {
  it.each([
    ['two people by one form', ['{ ways: [client_form], approvers: 2 }'], 4, /ways: .*counts as one person.*terminal/],
    ['two people by one form twice named', ['{ ways: [client_form, client_form], approvers: 3 }'], 4, /counts as one/],
    [
      'a form that proves a name',
      ['{ ways: [client_form], proven_names: true }'],
      4,
      /proven_names: .*only typed.*passkey/,
    ],
    [
      'the requester’s form without the requester',
      ['{ ways: [client_form], exclude_requester: true }'],
      4,
      /exclude_requester: .*own/,
    ],
    [
      'an environment that does not exist',
      ['{ ways: [terminal] , action: scale_down }', '{ environment: prdo, ways: [terminal] }'],
      5,
      /environment: "prdo" is not one of the environments: prod, staging/,
    ],
    ['one of several', ['{ environment: [prod, Prod2], ways: [terminal] }'], 4, /./],
    ['a lifetime of nothing', ['{ ways: [terminal], lifetime: 0s }'], 4, /lifetime: .*at least 1s/],
    [
      'a rule after one for everything',
      ['{ ways: [terminal] }', '{ action: scale_down, ways: [passkey] }'],
      5,
      /action: never decides: rule 1 .*narrower one first/,
    ],
    [
      'the same rule twice',
      ['{ risk: high, ways: [terminal] }', '{ risk: [high], ways: [passkey] }'],
      5,
      /risk: never decides: rule 1/,
    ],
    [
      'a narrower one behind',
      [
        '{ environment: prod, ways: [terminal] }',
        '{ ways: [passkey], risk: low }',
        '{ environment: prod, severity: SEV1, ways: [passkey] }',
      ],
      6,
      /never decides: rule 1/,
    ],
    ['six people', ['{ ways: [terminal], approvers: 6 }'], 4, /approvers/],
    ['a word for a switch', ['{ ways: [terminal], proven_names: "yes" }'], 4, /proven_names/],
    [
      'a key that does not exist',
      ['{ ways: [terminal], exclude_requestor: true }'],
      4,
      /"exclude_requestor"; allowed here: .*exclude_requester/,
    ],
  ] as const)('%s', (_what, lines, line, expected) => {
    const said = refusalOf(rules(...lines));
    expect(said).toMatch(new RegExp(`^INVALID_INPUT /c\\.yaml:${line}: approval\\.policy\\.${line - 4}`));
    expect(said).toMatch(expected);
  });

  it('a lifetime of nothing for all', () => {
    expect(refusalOf('approval: { lifetime: 0m }')).toMatch(/approval\.lifetime: must be at least 1s/);
  });

  it('and those that overlap are not', () => {
    const { approval } = load(
      rules(
        '{ environment: prod, risk: high, ways: [terminal], approvers: 2, proven_names: true }',
        '{ environment: [prod, staging], risk: high, ways: [client_form, passkey], approvers: 2 }',
        '{ severity: SEV1, ways: [client_form] }',
        '{ ways: [client_form, terminal], exclude_requester: true }',
      ),
    );
    expect(approval.policy).toHaveLength(4);
  });
});

describe('the operator', () => {
  it('is who the environment names, else the file, else the user who is signed in', () => {
    const file = 'approval: { operator: " Olga  Operator " }';
    expect(load(file, { INCIDENT_MCP_OPERATOR: 'Grace' }).operator).toBe('Grace');
    expect(load(file).operator).toBe('Olga Operator');
    expect(load(file, { INCIDENT_MCP_OPERATOR: ' \u200b' }).operator).toBe('Olga Operator');
    expect(load('{}').operator).not.toBe('');
  });
  it('is a name', () => {
    expect(refusalOf('approval: { operator: "" }')).toMatch(/approval\.operator/);
  });
});
