import { expect, it } from 'vitest';
import { nearest } from '../../src/domain/near.ts';

const NAMES = ['billing', 'analysis-engine', 'web', 'web-ui', 'gateway', 'analysis-ingest'];

it.each<[string, number, string[]]>([
  ['analysis-engin', 2, ['analysis-engine', 'analysis-ingest']],
  ['we-bui', 1, ['web-ui']],
  ['web-ui-7d9f', 2, ['web-ui', 'web']],
  ['biling', 1, ['billing']],
  ['anything', 0, []],
])('%s: the nearest %i', (wanted, count, names) => {
  expect(nearest(wanted, NAMES, count)).toEqual(names);
});

it('names each once, and in the same order whatever order they come in', () => {
  expect(nearest('x', ['b', 'a', 'b'], 5)).toEqual(['a', 'b']);
});
