import type { FSWatcher } from 'node:fs';
import { watch as watchFolder } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from './failure.ts';
import { entriesOf } from './files.ts';
import type { Layout } from './layout.ts';
import type { StoreLog } from './streams.ts';

const DEBOUNCE_MS = 100;
const POLL_MS = 1_000;

/**
 * Calls back with the name of a stream within about 100 ms of its change by any process (about 1 s where the system gives no
 * notice of changes). Every append touches the stream's head, so the one small folder of heads is watched. It may not exist
 * yet. Keeps no process alive. Returns the stop function.
 */
export function watchHeads(layout: Layout, log: StoreLog, onChange: (stream: string) => void): () => void {
  const seen = new Map<string, string>();
  let watcher: FSWatcher | null = null;
  let soon: NodeJS.Timeout | null = null;
  let looking = false;
  let again = false;
  let stopped = false;

  /** Tells of every head that changed since the last look; the first look only learns what is there. */
  async function look(tell: boolean): Promise<void> {
    const names = (await entriesOf(layout.heads)).filter((name) => name.endsWith('.json'));
    for (const name of names) {
      const stream = name.slice(0, -5);
      if (layout.stream(stream) === null) continue;
      const stat = await lstat(join(layout.heads, name), { bigint: true }).catch(() => null);
      if (!stat) continue;
      const stamp = `${stat.ino}:${stat.mtimeNs}`;
      if (seen.get(stream) === stamp) continue;
      seen.set(stream, stamp);
      if (tell && !stopped) onChange(stream);
    }
  }

  function run(tell: boolean): void {
    if (looking) {
      again = true;
      return;
    }
    looking = true;
    look(tell)
      .catch((cause: unknown) => log.warn({ code: errnoOf(cause) }, 'a change of the record could not be told'))
      .finally(() => {
        looking = false;
        if (again && !stopped) {
          again = false;
          run(true);
        }
      });
  }

  function hear(): void {
    if (soon || stopped) return;
    soon = setTimeout(() => {
      soon = null;
      run(true);
    }, DEBOUNCE_MS);
    soon.unref();
  }

  function listen(): void {
    if (watcher || stopped) return;
    try {
      watcher = watchFolder(layout.heads, { persistent: false }, hear);
      watcher.on('error', () => {
        watcher?.close();
        watcher = null;
      });
    } catch {
      // Not there yet, or no notices on this system: the poll sees it.
      watcher = null;
    }
  }

  listen();
  run(false);
  const poll = setInterval(() => {
    listen();
    run(true);
  }, POLL_MS);
  poll.unref();

  return () => {
    stopped = true;
    clearInterval(poll);
    if (soon) clearTimeout(soon);
    watcher?.close();
  };
}
