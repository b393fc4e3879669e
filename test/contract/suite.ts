import { listsContract } from './lists.ts';
import { releasesContract } from './releases.ts';
import { workloadsContract } from './workloads.ts';
import type { World } from './world.ts';

/** What our adapters rely on, of whatever says that it is a cluster with Helm's releases. The world is asked for when the tests run. */
export function adapterContract(world: () => World): void {
  listsContract(world);
  workloadsContract(world);
  releasesContract(world);
}
