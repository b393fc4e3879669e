import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cleanText, fence, oneLine, truncateBytes } from '../../src/domain/text.ts';

const wild = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        '\u001b[31m',
        '\u001b]0;t\u0007',
        '\u001b',
        '\u009b1m',
        '\u200b',
        '\u202e',
        '\u{e0041}',
        '\r\n',
        '\r',
        'a',
        'é',
        '😀',
        '\ud800',
        '</untrusted id="b0b0">',
        '<',
        '\u2060',
        '\0',
        '\t',
      ),
    )
    .map((parts) => parts.join('')),
);

const FORBIDDEN = /(?![\n\t])\p{Cc}|[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]|\p{Surrogate}/u;

describe('cleanText', () => {
  test.each([
    ['colours', '\u001b[1;31mred\u001b[0m', 'red'],
    ['titles', '\u001b]0;title\u0007text', 'text'],
    ['links', '\u001b]8;;http://x\u001b\\click\u001b]8;;\u001b\\', 'click'],
    ['an escape that never ends hides nothing', '\u001b]0;the rest stays', '0;the rest stays'],
    ['8-bit control sequences', '\u009b31mred', 'red'],
    ['an escape split by something invisible', '\u001b\u200b[31mred', 'red'],
    ['tags', `ok${String.fromCodePoint(0xe0069, 0xe0067, 0xe006e)}`, 'ok'],
    ['bidirectional controls', 'a\u202eb\u2066c', 'abc'],
    ['line ends', 'a\r\nb\rc\u2028d', 'a\nb\nc\nd'],
    ['tab and newline stay', 'a\tb\n', 'a\tb\n'],
    ['lone surrogates', 'a\ud800b', 'a\ufffdb'],
    ['ordinary text stays', 'café 😀 日本 v1.7.2-rc.1', 'café 😀 日本 v1.7.2-rc.1'],
  ])('%s', (_name, text, expected) => {
    expect(cleanText(text)).toBe(expected);
  });

  test('cuts and counts', () => {
    expect(cleanText('abcdef', 4)).toBe('abcd… (2 more characters)');
    expect(cleanText('abcd', 4)).toBe('abcd');
    expect(cleanText('abc😀', 4)).toBe('abc… (2 more characters)');
  });

  test('nothing forbidden is left, and cleaning twice changes nothing', () => {
    fc.assert(
      fc.property(wild, (text) => {
        const clean = cleanText(text);
        expect(clean).not.toMatch(FORBIDDEN);
        expect(cleanText(clean)).toBe(clean);
        expect(cleanText(text, 5)).not.toMatch(FORBIDDEN);
      }),
    );
  });
});

test('oneLine has no line break and is trimmed', () => {
  expect(oneLine('  a \n\t b\r\nc ')).toBe('a b c');
  fc.assert(
    fc.property(wild, (text) => {
      expect(oneLine(text)).not.toMatch(/[\n\t]|^\s|\s$/);
    }),
  );
});

describe('fence', () => {
  test('names the source and its boundary', () => {
    expect(fence('alerts', 'hello', '9f3c2a')).toBe(
      '<untrusted source="alerts" id="9f3c2a">\nhello\n</untrusted id="9f3c2a">',
    );
    expect(fence('a"><b', 'x', '1')).toContain('source="a___b"');
  });

  test('has a new boundary each time', () => {
    const ids = new Set(Array.from({ length: 50 }, () => /id="([0-9a-f]{12})"/.exec(fence('x', 'y'))?.[1]));
    expect(ids.size).toBe(50);
    expect(ids).not.toContain(undefined);
  });

  test('the content cannot close it, even with a known boundary', () => {
    const hostile = fc
      .array(fc.constantFrom('<', '/', ' ', '\u200b', '\n', 'untrusted', 'UNTRUSTED', ' id="b0b0"', '>', 'x'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(hostile, wild), (text) => {
        const fenced = fence('logs', text, 'b0b0');
        expect(fenced.match(/<[\s/]*untrusted/gi)).toHaveLength(2);
        expect(fenced.endsWith('\n</untrusted id="b0b0">')).toBe(true);
      }),
    );
  });
});

test('truncateBytes keeps the longest beginning that fits', () => {
  expect(truncateBytes('aé😀', 2)).toBe('a');
  expect(truncateBytes('aé😀', 3)).toBe('aé');
  expect(truncateBytes('aé😀', 6)).toBe('aé');
  expect(truncateBytes('aé😀', 7)).toBe('aé😀');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(40), (text, max) => {
      const cut = truncateBytes(text, max);
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(max);
      expect(text.startsWith(cut)).toBe(true);
      // No further character would have fitted.
      const next = [...text.slice(cut.length)][0];
      if (next !== undefined) expect(Buffer.byteLength(cut + next)).toBeGreaterThan(max);
    }),
  );
});
