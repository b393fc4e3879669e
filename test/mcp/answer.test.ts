import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AppError, ERROR_CODES, invalidInput } from '../../src/errors.ts';
import { answer, failure, MAX_TEXT_BYTES } from '../../src/mcp/answer.ts';
import * as s from '../../src/mcp/schemas.ts';
import { type AnyTool, defineTool } from '../../src/mcp/tool.ts';
import { validateArguments } from '../../src/mcp/validate.ts';

const textOf = (result: { content: unknown[] }): string => (result.content[0] as { text: string }).text;
const FORM = /^(INVALID_INPUT|NOT_FOUND|UNAVAILABLE|TIMEOUT|CONFLICT|NOT_CONFIGURED|FORBIDDEN|STORE): .+ Next: .+/s;

describe('an answer', () => {
  it('begins with the line of state, and carries the structured content as it is', () => {
    const result = answer({ a: 1 }, 'all is well', 'INC-0007 SEV2 investigating');
    expect(textOf(result)).toBe('INC-0007 SEV2 investigating\nall is well');
    expect(result).toMatchObject({ structuredContent: { a: 1 } });
    expect(result.isError).toBeUndefined();
    expect(textOf(answer({}, 'all is well', null))).toBe('all is well');
  });

  it('is at most 8 KB of text whatever it is made of, and says when it was cut', () => {
    const unit = fc.constantFrom('a', 'é', '漢', '🚑', '\n');
    const text = fc.tuple(unit, fc.integer({ min: 0, max: 12_000 })).map(([one, n]) => one.repeat(n));
    fc.assert(
      fc.property(text, fc.option(fc.string({ maxLength: 300 }), { nil: null }), (body, state) => {
        const said = textOf(answer({}, body, state));
        const whole = state ? `${state}\n${body}` : body;
        expect(Buffer.byteLength(said)).toBeLessThanOrEqual(MAX_TEXT_BYTES);
        if (Buffer.byteLength(whole) <= MAX_TEXT_BYTES) expect(said).toBe(whole);
        else expect(said).toMatch(/\(cut at 8 KB: ask for less/);
        expect(said).not.toContain('\uFFFD');
      }),
      { numRuns: 60 },
    );
  });
});

describe('a failure', () => {
  it.each(ERROR_CODES)('%s has the form of the contract', (code) => {
    const result = failure(new AppError(code, 'something is wrong', 'do something'));
    expect(result.isError).toBe(true);
    expect(textOf(result)).toBe(`${code}: something is wrong. Next: do something.`);
    expect(textOf(result)).toMatch(FORM);
  });

  it('keeps full stops as they are', () => {
    expect(textOf(failure(invalidInput('no.', 'yes!')))).toBe('INVALID_INPUT: no. Next: yes!');
  });

  it('tells nothing of an error that nobody foresaw', () => {
    const error = new TypeError("Cannot read properties of undefined (reading 'x') at /srv/app/tools/x.ts:3");
    const said = textOf(failure(error));
    expect(said).toMatch(FORM);
    expect(said).not.toMatch(/TypeError|undefined|x\.ts| at /);
    for (const thrown of ['text', null, undefined, 42, { message: 'no' }])
      expect(textOf(failure(thrown))).toMatch(FORM);
  });

  it('masks what looks like a secret, and drops control characters', () => {
    const said = textOf(
      failure(invalidInput('token=ghp_abcdefghijklmnopqrstuvwxyz0123456789 \u001b[31mred\u202e', 'x')),
    );
    expect(said).not.toContain('ghp_abcdefghijklmnopqrstuvwxyz0123456789');
    expect(said).not.toContain('\u001b');
    expect(said).not.toContain('\u202e');
  });

  it('is short however long the reason', () => {
    const said = textOf(failure(invalidInput('x'.repeat(100_000), 'y')));
    expect(Buffer.byteLength(said)).toBeLessThanOrEqual(2_048);
  });
});

const tool: AnyTool = defineTool({
  name: 'get_thing',
  title: 'Thing',
  effect: 'read',
  description: 'x',
  input: z.strictObject({
    at: s.instant.optional(),
    severity: s.severity.optional(),
    name: s.kubeName.optional(),
    note: s.text(20).optional(),
    by: s.detectedBy.optional(),
    limit: s.limit(100, 20),
  }),
  output: z.object({}),
  handle: async () => ({}),
  render: () => '',
});

const refusal = (args: unknown): string => {
  try {
    validateArguments(tool, args);
  } catch (error) {
    return textOf(failure(error));
  }
  return 'accepted';
};

describe('the check of arguments', () => {
  it('gives defaults, and instants in UTC', () => {
    expect(validateArguments(tool, undefined)).toEqual({ limit: 20 });
    expect(validateArguments(tool, { at: '2026-03-01T15:20:00+01:00' })).toMatchObject({
      at: '2026-03-01T14:20:00.000Z',
    });
  });

  it.each([
    [
      'an unknown argument',
      { foo: 1 },
      /unknown argument "foo".*get_thing takes: at, severity, name, note, by, limit/s,
    ],
    ['an unknown key within', { by: { source: 'slo', who: 'x' } }, /unknown key "who" in by/],
    ['a naive instant', { at: '2026-03-01T14:20:00' }, /at: .*offset.*2026-03-01T14:20:00Z/s],
    ['a day that does not exist', { at: '2026-02-31T14:20:00Z' }, /at: .*offset/s],
    ['an unknown severity', { severity: 'SEV9' }, /severity: .*SEV1/s],
    ['a flag', { name: '--kube-context=x' }, /name: .*RFC 1123/s],
    ['shell text', { name: '; rm -rf /' }, /name: .*RFC 1123/s],
    ['a newline', { name: 'core\n' }, /name: .*RFC 1123/s],
    ['zero width', { name: 'co\u200bre' }, /name: .*RFC 1123/s],
    ['upper case', { name: 'Core' }, /name: .*RFC 1123/s],
    ['64 characters', { name: 'a'.repeat(64) }, /name: /],
    ['blank text', { note: '   ' }, /note: must not be empty/],
    ['long text', { note: 'x'.repeat(21) }, /note: /],
    ['a fraction', { limit: 1.5 }, /limit: /],
    ['too many', { limit: 101 }, /limit: /],
    ['a list', [1], /arguments: |unknown/],
    ['text', 'all', /arguments: /],
    ['too much', { note: 'x'.repeat(70_000) }, /are 7\d{4} bytes.*under 65536/s],
  ])('refuses %s', (_name, args, said) => {
    const text = refusal(args);
    expect(text).toMatch(/^INVALID_INPUT: /);
    expect(text).toMatch(FORM);
    expect(text).toMatch(said);
  });

  it('refuses whatever is sent with the form of the contract, and never repeats a long or dirty name', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ minLength: 1, maxLength: 300 }), fc.jsonValue(), { minKeys: 1 }),
        (args) => {
          const text = refusal(args);
          if (text !== 'accepted') expect(text).toMatch(FORM);
          expect(Buffer.byteLength(text)).toBeLessThanOrEqual(2_048);
        },
      ),
      { numRuns: 200 },
    );
    expect(refusal({ ['\u202e'.repeat(5) + 'x'.repeat(500)]: 1 })).not.toMatch(/\u202e|x{60}/);
  });
});
