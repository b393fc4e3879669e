import type { StoreOptions } from '../../../src/adapters/store/index.ts';
import { createStore } from '../../../src/adapters/store/index.ts';
import type { Store } from '../../../src/ports/store.ts';

const KEY = new TextEncoder().encode('a key for tests');

/** A store with the key that all processes of a test share. */
export const openForTest = (dir: string, options: Partial<StoreOptions> = {}): Promise<Store> =>
  createStore({ clock: { now: () => new Date() }, key: KEY, ...options, dir });
