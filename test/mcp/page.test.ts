import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { page } from '../../src/mcp/page.ts';

const key = (item: { id: string }): string => item.id;
const list = fc
  .uniqueArray(fc.string({ minLength: 1, maxLength: 20 }), { maxLength: 60 })
  .map((ids) => ids.map((id) => ({ id })));
const limit = fc.integer({ min: 1, max: 25 });

/** All pages one after the other; `between` may change the list before the next one is asked for. */
function walk(items: { id: string }[], n: number, between: (left: { id: string }[]) => { id: string }[] = (x) => x) {
  const pages: { id: string }[][] = [];
  let now = items;
  let cursor: string | undefined;
  for (;;) {
    const one = page(now, n, cursor, key);
    pages.push(one.items);
    if (one.next_cursor === null) return pages;
    cursor = one.next_cursor;
    now = between(now);
    if (pages.length > 200) throw new Error('the pages do not end');
  }
}

describe('pages', () => {
  it('together are the whole list, in order, without doubles', () => {
    fc.assert(
      fc.property(list, limit, (items, n) => {
        const pages = walk(items, n);
        expect(pages.flat()).toEqual(items);
        expect(pages.every((one) => one.length <= n)).toBe(true);
        // No empty page at the end: a cursor means that there is more.
        expect(pages.slice(1).every((one) => one.length > 0)).toBe(true);
      }),
    );
  });

  it('neither skip nor double what was there when new items come in front', () => {
    fc.assert(
      fc.property(list, limit, (items, n) => {
        let fresh = 0;
        const pages = walk(items, n, (now) => [{ id: `a new one, number ${++fresh}` }, ...now]);
        expect(pages.flat()).toEqual(items);
      }),
    );
  });

  it('refuse a cursor of another list', () => {
    const items = [{ id: 'a' }, { id: 'b' }];
    for (const cursor of [Buffer.from('z').toString('base64url'), '', '!!']) {
      expect(() => page(items, 1, cursor, key)).toThrowError(expect.objectContaining({ code: 'INVALID_INPUT' }));
    }
  });
});
