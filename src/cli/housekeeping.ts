import { announceResponses } from '../mcp/acknowledge.ts';
import { recordBreaches } from '../mcp/deadlines.ts';
import type { Warn } from '../mcp/gate/deps.ts';
import { reconcileAll } from '../mcp/gate/reconcile.ts';
import { systemContext } from '../mcp/request.ts';
import { gatedTools } from '../mcp/tool.ts';
import { Windows } from '../mcp/verification.ts';
import type { Composed } from './compose.ts';

/** Often enough that an interrupted run is settled and a breach is written within about a second of being due. */
const EVERY_MS = 1_000;
/** Approvals looked through for interrupted runs: all at start, then those that another server may just have left behind. */
const ALL = 10_000;
const NEWEST = 20;

/**
 * What happens without a call: runs whose server died are settled, missed deadlines become events, watched windows close. It goes on in the
 * background, one round at a time, so that neither `initialize` nor any call waits for it; a server that may only read leaves it
 * to the others.
 */
export function keepHouse({ deps, work }: Composed, warn: Warn): { stop(): void } {
  if (deps.read_only) return { stop: () => {} };
  const windows = new Windows();
  const context = systemContext(deps);
  let stopped = false;
  let said = '';
  let look = ALL;
  const round = async (): Promise<void> => {
    const gated = gatedTools(await deps.tools());
    await reconcileAll((name) => gated.find((tool) => tool.name === name), context, deps.gate, look);
    look = NEWEST;
    await recordBreaches(context, deps.store);
    await announceResponses(context, deps.store, (notice) => deps.notify(notice));
    await windows.closeDue(context, deps.store);
  };
  const again = async (): Promise<void> => {
    try {
      await work.track(round());
      said = '';
    } catch (error) {
      // A folder that cannot be read is told once, not every second.
      if (String(error) !== said) warn('housekeeping failed and will be tried again', { error: String(error) });
      said = String(error);
    }
    if (!stopped) setTimeout(() => void again(), EVERY_MS).unref();
  };
  setTimeout(() => void again(), 0).unref();
  return {
    stop: () => {
      stopped = true;
    },
  };
}
