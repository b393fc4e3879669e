import { describe, expect, it } from 'vitest';
import { patchBetween } from '../../src/domain/rollback-patch.ts';

const pod = (containers: object[], more: object = {}) => ({ spec: { template: { spec: { containers, ...more } } } });

describe('the patch from one manifest to another', () => {
  it.each<[string, object | null, object, boolean, object]>([
    ['holds all of the target', { a: 1, b: { c: 2 } }, { a: 1, b: { c: 3 } }, true, { a: 1, b: { c: 3 } }],
    [
      'removes what only the old one has',
      { a: 1, b: { c: 2, d: 3 } },
      { b: { d: 3 } },
      true,
      { a: null, b: { c: null, d: 3 } },
    ],
    ['is the target where there was nothing', null, { a: [1] }, true, { a: [1] }],
    [
      'merges containers and their environment by name',
      pod([
        {
          name: 'a',
          env: [
            { name: 'X', value: '1' },
            { name: 'Y', value: '2' },
          ],
        },
        { name: 'b' },
      ]),
      pod([{ name: 'a', env: [{ name: 'X', value: '3' }] }]),
      true,
      pod([
        {
          name: 'a',
          env: [
            { name: 'X', value: '3' },
            { $patch: 'delete', name: 'Y' },
          ],
        },
        { $patch: 'delete', name: 'b' },
      ]),
    ],
    [
      'takes the old source of a volume away',
      pod([], { volumes: [{ name: 'v', emptyDir: {} }] }),
      pod([], { volumes: [{ name: 'v', configMap: { name: 'c' } }] }),
      true,
      pod([], { volumes: [{ name: 'v', emptyDir: null, configMap: { name: 'c' } }] }),
    ],
    [
      "merges a Service's ports by their number",
      { spec: { ports: [{ port: 80 }, { port: 81 }] } },
      { spec: { ports: [{ port: 80, name: 'web' }] } },
      true,
      {
        spec: {
          ports: [
            { port: 80, name: 'web' },
            { $patch: 'delete', port: 81 },
          ],
        },
      },
    ],
    ['replaces lists without a key', { args: ['a', 'b'] }, { args: ['c'] }, true, { args: ['c'] }],
    [
      'replaces every list of a custom resource',
      { env: [{ name: 'X' }] },
      { env: [{ name: 'Y' }] },
      false,
      { env: [{ name: 'Y' }] },
    ],
  ])('%s', (_what, before, after, strategic, patch) => {
    expect(patchBetween(before as Record<string, unknown> | null, after as Record<string, unknown>, strategic)).toEqual(
      patch,
    );
  });
});
