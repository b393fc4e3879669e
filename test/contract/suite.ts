import { test } from 'vitest';
import { listsContract } from './lists.ts';
import { releasesContract } from './releases.ts';
import { workloadsContract } from './workloads.ts';
import type { Check, World } from './world.ts';

/**
 * Names of tests in which a world is known to differ from real clusters. A test that is named so must fail: as soon as the world is mended, its name
 * has to go.
 */
export type Differences = ReadonlySet<string>;

/** What our adapters rely on, of whatever says that it is a cluster with Helm's releases. The world is asked for when the tests run. */
export function adapterContract(world: () => World, differences: Differences = new Set()): void {
  const check: Check = (name, body) => (differences.has(name) ? test.fails : test)(name, body);
  listsContract(world, check);
  workloadsContract(world, check);
  releasesContract(world);
}
