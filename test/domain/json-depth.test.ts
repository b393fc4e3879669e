import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nestsDeeper } from '../../src/domain/json-depth.ts';

const depthOf = (value: unknown): number =>
  typeof value !== 'object' || value === null ? 0 : 1 + Math.max(0, ...Object.values(value).map(depthOf));

describe('the depth of a JSON text', () => {
  it('is that of its value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.integer({ min: 0, max: 8 }), (value, most) => {
        expect(nestsDeeper(JSON.stringify(value), most)).toBe(depthOf(value) > most);
      }),
    );
  });

  it('does not count what is quoted', () => {
    expect(nestsDeeper(JSON.stringify({ a: '[[[[{{{{', 'b"\\': '[[' }), 1)).toBe(false);
  });

  it('stops at the first bracket too many', () => {
    expect(nestsDeeper('['.repeat(1_000_000))).toBe(true);
    expect(nestsDeeper('['.repeat(200))).toBe(false);
  });
});
